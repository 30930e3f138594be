// One commit a consumer and round, all its partitions together; while one is under way newer marks replace older ones.
#include "routing/journal/kafka_marks.hpp"

#include "routing/message/limits.hpp"

namespace usher::journal {

namespace {

constexpr int commit_within_ms = 3000;
constexpr auto try_again_after = std::chrono::milliseconds(500);
constexpr auto last_moment = std::chrono::seconds(5);

}  // namespace

KafkaMarks::KafkaMarks(const KafkaOptions& options, KafkaLog& log)
    : options_(options), log_(log), hooks_{&log, {}, {}}, thread_([this] { run(); }) {}

KafkaMarks::~KafkaMarks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void KafkaMarks::save(const std::string& consumer, Log log, Offset next) {
  {
    const std::lock_guard lock(mutex_);
    consumers_[consumer].marks[log] = {next, true};
    dirty_ = true;
  }
  changed_.notify_all();
}

Result<std::optional<Offset>> KafkaMarks::find(const std::string& consumer, Log log) {
  {
    const std::lock_guard lock(mutex_);
    const auto& marks = consumers_[consumer].marks;
    // What is not saved yet is known here alone. What is saved may have been moved on by another process since.
    const auto mark = marks.find(log);
    if (mark != marks.end() && (mark->second.dirty || mark->second.saving)) return std::optional(mark->second.next);
  }
  return committed(consumer, log);
}

Result<std::optional<Offset>> KafkaMarks::committed(const std::string& consumer, Log log) {
  const auto client = client_of(consumer);
  if (!client) return client.error();
  const KafkaOwned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  auto* saved = rd_kafka_topic_partition_list_add(list.get(), kafka_topic(options_.topic_prefix, log.first).c_str(), log.second);
  auto code = rd_kafka_committed(*client, list.get(), static_cast<int>(Milliseconds(limits::journal_read_within).count()));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = saved->err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(Fault::unavailable, "reading the mark of " + consumer + ": " + rd_kafka_err2str(code));
  return saved->offset < 0 ? std::nullopt : std::optional(saved->offset);
}

Result<rd_kafka_t*> KafkaMarks::client_of(const std::string& consumer) {
  const std::lock_guard lock(mutex_);
  auto& client = consumers_[consumer].client;
  if (!client) {
    auto made = make_kafka_client(options_, KafkaUse::asking, hooks_, options_.topic_prefix + "-" + consumer);
    if (!made) return made.error();
    client = std::move(*made);
  }
  return client.get();
}

std::optional<std::string> KafkaMarks::commit(const std::string& consumer, const std::map<Log, Offset>& marks) {
  const auto client = client_of(consumer);
  if (!client) return client.error().detail;
  const KafkaOwned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(marks.size())));
  for (const auto& [log, next] : marks)
    rd_kafka_topic_partition_list_add(list.get(), kafka_topic(options_.topic_prefix, log.first).c_str(), log.second)->offset = next;
  const KafkaOwned<rd_kafka_queue_t> queue(rd_kafka_queue_new(*client));
  const auto refused = rd_kafka_commit_queue(*client, list.get(), queue.get(), nullptr, nullptr);
  if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) return rd_kafka_err2str(refused);
  const KafkaOwned<rd_kafka_event_t> answer(rd_kafka_queue_poll(queue.get(), commit_within_ms));
  if (!answer) return "no answer";
  if (rd_kafka_event_error(answer.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return rd_kafka_event_error_string(answer.get());
  return std::nullopt;
}

void KafkaMarks::run() {
  std::unique_lock lock(mutex_);
  // A deadline of its own: a busy consumer wakes this thread all the time, and a quiet one's marks expire meanwhile.
  auto again = std::chrono::steady_clock::now() + save_again_after;
  while (!stopping_) {
    changed_.wait_until(lock, again, [&] { return dirty_ || stopping_; });
    if (!stopping_ && std::chrono::steady_clock::now() >= again) {
      keep_alive(lock);
      again = std::chrono::steady_clock::now() + save_again_after;
    }
    if (!save_dirty(lock) && !stopping_) changed_.wait_for(lock, try_again_after, [&] { return stopping_; });
  }
  const auto until = std::chrono::steady_clock::now() + last_moment;
  while (!save_dirty(lock) && std::chrono::steady_clock::now() < until) changed_.wait_for(lock, try_again_after);
}

// A cluster forgets marks that nobody saves for a week. What is saved again is what stands there: this process may not be
// the one any more that moves it.
void KafkaMarks::keep_alive(std::unique_lock<std::mutex>& lock) {
  std::vector<std::pair<std::string, Log>> all;
  for (const auto& [name, consumer] : consumers_)
    for (const auto& [log, mark] : consumer.marks)
      if (!mark.dirty) all.emplace_back(name, log);
  for (const auto& [name, log] : all) {
    lock.unlock();
    const auto there = committed(name, log);
    lock.lock();
    auto& mark = consumers_[name].marks[log];
    if (!there || !*there || mark.dirty) continue;
    mark = {**there, true};
    dirty_ = true;
  }
}

bool KafkaMarks::save_dirty(std::unique_lock<std::mutex>& lock) {
  std::map<std::string, std::map<Log, Offset>> wanted;
  for (auto& [name, consumer] : consumers_)
    for (auto& [log, mark] : consumer.marks)
      if (mark.dirty) {
        wanted[name][log] = mark.next;
        mark.dirty = false;
        mark.saving = true;
      }
  dirty_ = false;
  bool all = true;
  for (const auto& [name, marks] : wanted) {
    lock.unlock();
    const auto why = commit(name, marks);
    lock.lock();
    for (const auto& [log, next] : marks) consumers_[name].marks[log].saving = false;
    if (!why) continue;
    log_.say("saving the mark of " + name + ": " + *why);
    all = false;
    dirty_ = true;
    for (const auto& [log, next] : marks) consumers_[name].marks[log].dirty = true;
  }
  return all;
}

}  // namespace usher::journal
