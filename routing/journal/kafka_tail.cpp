// One librdkafka queue for all logs that are followed; the library's classic consumer, which assigns exactly what it is told.
#include "routing/journal/kafka_tail.hpp"

#include <algorithm>

namespace usher::journal {

namespace {

constexpr int poll_ms = 50;
constexpr int taken_at_once_max = 1000;
constexpr auto seat_within = Milliseconds(1000);
constexpr auto seat_again_after = std::chrono::milliseconds(500);
// Records that are there already need not wait long for those that were promised behind them.
constexpr auto rest_within = Milliseconds(100);

std::size_t bytes_of(const Stored& stored) {
  return stored.entry.value.size() + stored.entry.id.size() + stored.entry.type.size() + sizeof(Stored);
}

}  // namespace

Result<std::unique_ptr<KafkaTail>> KafkaTail::open(const KafkaOptions& options, KafkaLog& log, KafkaAsking& asking) {
  std::unique_ptr<KafkaTail> tail(new KafkaTail(options, log, asking));
  auto client = make_kafka_client(options, KafkaUse::following, tail->hooks_);
  if (!client) return client.error();
  tail->client_ = std::move(*client);
  for (std::size_t i = 0; i < tail->topics_.size(); ++i)
    tail->topics_[i].reset(
        rd_kafka_topic_new(tail->client_.get(), kafka_topic(tail->prefix_, static_cast<Stream>(i)).c_str(), nullptr));
  tail->queue_.reset(rd_kafka_queue_new(tail->client_.get()));
  tail->thread_ = std::thread([self = tail.get()] { self->run(); });
  return tail;
}

KafkaTail::KafkaTail(const KafkaOptions& options, KafkaLog& log, KafkaAsking& asking)
    : asking_(asking), log_(log), prefix_(options.topic_prefix), hooks_{&log, {}, {}} {}

KafkaTail::~KafkaTail() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  for (const auto& [log, window] : windows_)
    if (window.live) rd_kafka_consume_stop(topic(log.first), log.second);
}

void KafkaTail::on_append(Log log, std::function<void()> wake) {
  {
    const std::lock_guard waking(waking_);
    const std::lock_guard lock(mutex_);
    windows_[log].wakes.push_back(std::make_shared<std::function<void()>>(std::move(wake)));
  }
  seat(log, seat_within);
}

void KafkaTail::seat(Log log, Milliseconds within) {
  const std::lock_guard seating(seating_);
  {
    const std::lock_guard lock(mutex_);
    if (windows_[log].live) return;
  }
  const auto bounds = asking_.bounds(log, within);
  if (!bounds) return;
  if (rd_kafka_consume_start_queue(topic(log.first), log.second, bounds->end, queue_.get()) != 0)
    return log_.say("following " + kafka_topic(prefix_, log.first) + ": " + rd_kafka_err2str(rd_kafka_last_error()));
  const std::lock_guard lock(mutex_);
  auto& window = windows_[log];
  window.live = true;
  window.start = window.next = bounds->end;
  window.end_heard_at = std::chrono::steady_clock::now();
  // A log that was made anew wakes from its own beginning.
  window.woken_until = std::min(window.woken_until, bounds->end);
}

void KafkaTail::acknowledged(Log log, Offset offset) {
  asking_.know_end(log, offset + 1);
  const std::lock_guard waking(waking_);
  wake(log, offset + 1);
}

void KafkaTail::wake(Log log, Offset until) {
  std::vector<std::shared_ptr<std::function<void()>>> wakes;
  {
    const std::lock_guard lock(mutex_);
    const auto found = windows_.find(log);
    if (found == windows_.end() || found->second.woken_until >= until) return;
    found->second.woken_until = until;
    wakes = found->second.wakes;
  }
  for (const auto& each : wakes) (*each)();
}

bool KafkaTail::end_is_fresh(Log log) const {
  const std::lock_guard lock(mutex_);
  const auto found = windows_.find(log);
  return found != windows_.end() && found->second.live &&
         std::chrono::steady_clock::now() - found->second.end_heard_at < end_believed_for;
}

void KafkaTail::end_was_asked(Log log) {
  const std::lock_guard lock(mutex_);
  const auto found = windows_.find(log);
  if (found != windows_.end()) found->second.end_heard_at = std::chrono::steady_clock::now();
}

bool KafkaTail::has_passed(Log log, Offset end) const {
  const std::lock_guard lock(mutex_);
  const auto found = windows_.find(log);
  return found != windows_.end() && found->second.live && found->second.next >= end;
}

std::optional<std::vector<Stored>> KafkaTail::read(Log log, Offset from, std::size_t records_max, Milliseconds within) {
  const auto promised = asking_.known_end(log);
  std::unique_lock lock(mutex_);
  const auto found = windows_.find(log);
  if (found == windows_.end()) return std::nullopt;
  auto& window = found->second;
  const auto covers = [&] { return window.live && window.start <= from; };
  if (!covers()) return std::nullopt;
  const auto enough = [&] {
    return !covers() || window.next >= promised || window.next - from >= static_cast<Offset>(records_max);
  };
  // On this thread nothing comes while it waits.
  if (std::this_thread::get_id() != thread_.get_id() && !enough()) {
    grown_.wait_for(lock, window.next > from ? std::min(within, rest_within) : within, enough);
    if (!covers()) return std::nullopt;
  }
  std::vector<Stored> records;
  std::size_t bytes = 0;
  auto each = std::lower_bound(window.records.begin(), window.records.end(), from,
                               [](const Stored& stored, Offset offset) { return stored.offset < offset; });
  for (; each != window.records.end() && records.size() < records_max && bytes < kafka_read_bytes_max; ++each) {
    bytes += bytes_of(*each);
    records.push_back(*each);
  }
  return records;
}

void KafkaTail::run() {
  auto seated_at = std::chrono::steady_clock::now();
  std::map<Log, Offset> grown;
  while (!stopping_) {
    take_all(grown);
    // Never waits for the lock: whoever holds it may itself be waiting for a record that only this thread brings.
    if (const std::unique_lock waking(waking_, std::try_to_lock); waking) {
      for (const auto& [log, until] : grown) wake(log, until);
      grown.clear();
    }
    if (std::chrono::steady_clock::now() - seated_at < seat_again_after) continue;
    seated_at = std::chrono::steady_clock::now();
    // Records may have come while nobody listened.
    for (const auto& log : seat_the_unseated()) grown[log] = asking_.known_end(log);
  }
}

// All that is there, so that one wake does for all of it. Waits for the first when nobody waits for a wake.
void KafkaTail::take_all(std::map<Log, Offset>& grown) {
  int wait = grown.empty() ? poll_ms : 1;
  for (int taken = 0; taken < taken_at_once_max; ++taken) {
    const KafkaOwned<rd_kafka_message_t> message(rd_kafka_consume_queue(queue_.get(), wait));
    if (!message) return;
    wait = 0;
    const auto which = std::find_if(topics_.begin(), topics_.end(), [&](const auto& each) { return each.get() == message->rkt; });
    if (which == topics_.end()) continue;
    const Log log{static_cast<Stream>(which - topics_.begin()), message->partition};
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      take(log, *message);
      grown[log] = message->offset + 1;
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      reach_end(log, message->offset);
    } else {
      lose(log, rd_kafka_message_errstr(message.get()));
    }
  }
}

// The log may end in offsets that no reader is ever given: the marks of a stranger's transaction.
void KafkaTail::reach_end(Log log, Offset end) {
  {
    const std::lock_guard lock(mutex_);
    auto& window = windows_[log];
    if (window.live) window.next = std::max(window.next, end);
  }
  end_was_asked(log);
  grown_.notify_all();
}

void KafkaTail::take(Log log, const rd_kafka_message_t& message) {
  {
    const std::lock_guard lock(mutex_);
    auto& window = windows_[log];
    if (!window.live || message.offset < window.next) return;  // Fetched before it was lost.
    window.records.push_back(stored_of(message, window.newest));
    window.bytes += bytes_of(window.records.back());
    window.next = message.offset + 1;
    window.end_heard_at = std::chrono::steady_clock::now();
    trim(window);
  }
  asking_.know_end(log, message.offset + 1);
  grown_.notify_all();
}

void KafkaTail::trim(Window& window) {
  while (window.records.size() > 1 && (window.records.size() > window_records_max || window.bytes > window_bytes_max)) {
    window.start = window.records.front().offset + 1;
    window.bytes -= bytes_of(window.records.front());
    window.records.pop_front();
  }
}

// The log is not what it was, or cannot be read: nothing that is remembered of it may be served any more. Those who wait look
// for themselves, and learn why.
void KafkaTail::lose(Log log, const char* why) {
  log_.say("following " + kafka_topic(prefix_, log.first) + ": " + why);
  {
    const std::lock_guard seating(seating_);
    const std::lock_guard lock(mutex_);
    auto& window = windows_[log];
    if (!window.live) return;
    rd_kafka_consume_stop(topic(log.first), log.second);
    window.live = false;
    window.records.clear();
    window.bytes = 0;
    window.newest = Instant{Milliseconds{0}};
  }
  grown_.notify_all();
  const std::lock_guard waking(waking_);
  std::vector<std::shared_ptr<std::function<void()>>> wakes;
  {
    const std::lock_guard lock(mutex_);
    wakes = windows_[log].wakes;
  }
  for (const auto& each : wakes) (*each)();
}

std::vector<Log> KafkaTail::seat_the_unseated() {
  std::vector<Log> unseated;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [log, window] : windows_)
      if (!window.live) unseated.push_back(log);
  }
  for (const auto& log : unseated) seat(log, seat_within);
  return unseated;
}

}  // namespace usher::journal
