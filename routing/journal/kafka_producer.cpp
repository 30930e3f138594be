// Headers, delivery reports and what follows a fatal error. Why `broken` needs a new client: librdkafka cannot tell any more
// which of its records the broker has, so it refuses every later one.
#include "routing/journal/kafka_producer.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "routing/journal/entry_limits.hpp"

namespace usher::journal {

namespace {

constexpr auto last_moment = std::chrono::seconds(2);
constexpr int poll_ms = 100;
constexpr auto between_waves_of_events = std::chrono::milliseconds(25);

void add_header(rd_kafka_headers_t* headers, const char* name, std::string_view value) {
  expect(rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size())) == RD_KAFKA_RESP_ERR_NO_ERROR,
         "a header is added");
}

// CloudEvents 1.0, binary mode. Inbound records are Usher's own and read by Usher only: they carry what is needed (docs/kafka.md).
KafkaOwned<rd_kafka_headers_t> headers_of(Stream stream, Partition partition, const Entry& entry) {
  KafkaOwned<rd_kafka_headers_t> headers(rd_kafka_headers_new(5));
  add_header(headers.get(), "ce_id", entry.id);
  add_header(headers.get(), "ce_type", entry.type);
  add_header(headers.get(), "content-type", "application/json");
  if (stream == Stream::inbound) return headers;
  add_header(headers.get(), "ce_specversion", "1.0");
  add_header(headers.get(), "ce_source", "/usher/partitions/" + std::to_string(partition));
  return headers;
}

std::chrono::steady_clock::time_point next_wave_at(Stream stream) {
  return stream == Stream::events ? std::chrono::steady_clock::now() + between_waves_of_events : std::chrono::steady_clock::time_point{};
}

std::size_t bytes_of(const Entry& entry) { return entry.value.size() + entry.id.size() + entry.type.size(); }

}  // namespace

struct KafkaProducer::Pending {
  Stream stream;
  Partition partition;
  Entry entry;
  AppendDone done;
  KafkaOwned<rd_kafka_headers_t> headers;
  std::chrono::steady_clock::time_point since;
};

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaOptions& options, KafkaUse use, KafkaLog& log, Told told) {
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(options, use, log, std::move(told)));
  auto line = producer->make_line();
  if (!line) return line.error();
  producer->line_ = std::move(*line);
  producer->thread_ = std::thread([self = producer.get()] { self->run(); });
  return producer;
}

KafkaProducer::KafkaProducer(const KafkaOptions& options, KafkaUse use, KafkaLog& log, Told told)
    : options_(options), use_(use), told_(std::move(told)) {
  hooks_.log = &log;
  hooks_.delivered = [this](const rd_kafka_message_t& report) { hear(report); };
  hooks_.broken = [this] { broken_ = true; };
}

KafkaProducer::~KafkaProducer() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<KafkaProducer::Line>> KafkaProducer::make_line() {
  auto line = std::make_unique<Line>();
  auto client = make_kafka_client(options_, use_, hooks_);
  if (!client) return client.error();
  line->client = std::move(*client);
  for (std::size_t i = 0; i < line->topics.size(); ++i) {
    const auto name = kafka_topic(options_.topic_prefix, static_cast<Stream>(i));
    line->topics[i].reset(rd_kafka_topic_new(line->client.get(), name.c_str(), nullptr));
    if (!line->topics[i]) return fail(Fault::malformed, name + " is no name of a topic");
  }
  return line;
}

bool KafkaProducer::reserve(std::size_t bytes) {
  const bool fits = waiting_.fetch_add(1) < options_.append_queue_max;
  if (bytes_waiting_.fetch_add(bytes) + bytes <= options_.append_queue_bytes_max && fits) return true;
  give_back(bytes);
  return false;
}

void KafkaProducer::give_back(std::size_t bytes) {
  --waiting_;
  bytes_waiting_ -= bytes;
}

void KafkaProducer::append(Stream stream, Partition partition, Entry entry, AppendDone done) {
  if (auto refused = refuse_oversize(entry)) return done(*refused);
  const auto bytes = bytes_of(entry);
  if (!reserve(bytes)) return done(fail(Fault::overloaded, "the journal's append queue is full"));
  auto headers = headers_of(stream, partition, entry);
  auto pending = std::make_unique<Pending>(Pending{stream, partition, std::move(entry), std::move(done), std::move(headers), std::chrono::steady_clock::now()});
  bool closing = false;
  {
    const std::lock_guard lock(wave_mutex_);
    auto& wave = waves_[{stream, partition}];
    closing = closing_;
    if (!closing && (wave.under_way > 0 || !wave.gathered.empty() || !may_go(wave))) {
      wave.gathered.push_back(std::move(pending));
      return;
    }
    if (!closing) {
      wave.under_way = 1;
      wave.not_before = next_wave_at(stream);
    }
  }
  if (!closing) return produce(std::move(pending));
  give_back(bytes);
  pending->done(fail(Fault::unavailable, "the journal is closing"));
}

// Requires: it is counted as under way.
void KafkaProducer::produce(std::unique_ptr<Pending> pending) {
  // Not in `pending`, which may be gone, heard of by thread_, when the library returns.
  auto headers = std::move(pending->headers);
  const auto& kept = pending->entry;
  // In `snapshots` the id is the key, and no value at all erases what has it; elsewhere an empty value is just empty.
  const bool keyed = pending->stream == Stream::snapshots;
  void* value = keyed && kept.value.empty() ? nullptr : const_cast<char*>(kept.value.data());
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  {
    const std::shared_lock lock(mutex_);
    code = rd_kafka_producev(line_->client.get(), RD_KAFKA_V_RKT(line_->topics[static_cast<std::size_t>(pending->stream)].get()),
                             RD_KAFKA_V_PARTITION(pending->partition), RD_KAFKA_V_VALUE(value, kept.value.size()),
                             RD_KAFKA_V_KEY(keyed ? kept.id.data() : nullptr, keyed ? kept.id.size() : 0),
                             RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_OPAQUE(pending.get()), RD_KAFKA_V_END);
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    static_cast<void>(headers.release());  // The library's until the report, as is `pending`.
    static_cast<void>(pending.release());
    return;
  }
  // What gathered meanwhile is sent by thread_: `done` of another caller does not run on this one's thread.
  static_cast<void>(landed(*pending));
  const auto fault = code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? Fault::overloaded : Fault::unavailable;
  pending->done(fail(fault, std::string("the journal refuses: ") + rd_kafka_err2str(code)));
}

// True: it was the last of its wave.
bool KafkaProducer::landed(const Pending& pending) {
  give_back(bytes_of(pending.entry));
  const std::lock_guard lock(wave_mutex_);
  return --waves_[{pending.stream, pending.partition}].under_way == 0;
}

bool KafkaProducer::gathers() {
  const std::lock_guard lock(wave_mutex_);
  return std::any_of(waves_.begin(), waves_.end(), [](const auto& each) { return !each.second.gathered.empty(); });
}

// What is accepted has a time in which it must be answered, and what gathered behind a slow wave has used up a part of it.
void KafkaProducer::send_next(const Log& log) {
  const auto now = std::chrono::steady_clock::now();
  const auto late = [&](const std::unique_ptr<Pending>& one) { return use_ == KafkaUse::accepting && now - one->since > gathered_within(options_.append_within); };
  Records records, refused;
  {
    const std::lock_guard lock(wave_mutex_);
    auto& wave = waves_[log];
    if (wave.under_way > 0 || !may_go(wave)) return;
    // In the order in which they came, so the late ones stand first.
    const auto first = std::find_if_not(wave.gathered.begin(), wave.gathered.end(), late);
    refused.assign(std::move_iterator(wave.gathered.begin()), std::move_iterator(first));
    records.assign(std::move_iterator(first), std::move_iterator(wave.gathered.end()));
    wave.gathered.clear();
    wave.under_way = records.size();
    if (!records.empty()) wave.not_before = next_wave_at(log.first);
  }
  for (auto& each : records) produce(std::move(each));
  refuse(std::move(refused), "the journal did not acknowledge in time");
}

bool KafkaProducer::may_go(const Wave& wave) const { return stopping_ || std::chrono::steady_clock::now() >= wave.not_before; }

// Until a wave may go that gathers, or that may begin to: whoever appends first then does not wake this thread.
int KafkaProducer::poll_for() {
  const auto now = std::chrono::steady_clock::now();
  auto longest = std::chrono::milliseconds(poll_ms);
  const std::lock_guard lock(wave_mutex_);
  for (const auto& [log, wave] : waves_)
    if (wave.under_way == 0 && wave.not_before > now)
      longest = std::min(longest, std::chrono::ceil<std::chrono::milliseconds>(wave.not_before - now));
  return static_cast<int>(longest.count());
}

// What gathered behind a record that the library did not take, or for its time.
void KafkaProducer::send_left() {
  std::vector<Log> left;
  {
    const std::lock_guard lock(wave_mutex_);
    for (const auto& [log, wave] : waves_)
      if (wave.under_way == 0 && !wave.gathered.empty()) left.push_back(log);
  }
  for (const auto& log : left) send_next(log);
}

KafkaProducer::Records KafkaProducer::take_all_gathered() {
  const std::lock_guard lock(wave_mutex_);
  closing_ = stopping_;
  Records all;
  for (auto& [log, wave] : waves_) {
    std::move(wave.gathered.begin(), wave.gathered.end(), std::back_inserter(all));
    wave.gathered.clear();
  }
  return all;
}

void KafkaProducer::refuse(Records records, const std::string& why) {
  for (auto& each : records) {
    give_back(bytes_of(each->entry));
    each->done(fail(Fault::unavailable, why));
  }
}

void KafkaProducer::hear(const rd_kafka_message_t& report) {
  const std::unique_ptr<Pending> pending(static_cast<Pending*>(report._private));
  if (landed(*pending) && !renewing_) send_next({pending->stream, pending->partition});
  if (report.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const auto fault = report.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? Fault::too_large : Fault::unavailable;
    return pending->done(fail(fault, std::string("the journal did not acknowledge: ") + rd_kafka_err2str(report.err)));
  }
  told_(pending->stream, pending->partition, report.offset);
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const auto at = rd_kafka_message_timestamp(&report, &type);
  pending->done(Appended{report.offset, from_unix_ms(at)});
}

void KafkaProducer::break_now() {
  const std::shared_lock lock(mutex_);
  rd_kafka_test_fatal_error(line_->client.get(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "made by a test");
}

void KafkaProducer::run() {
  while (!stopping_) {
    rd_kafka_poll(line_->client.get(), poll_for());
    if (broken_.exchange(false)) renew();
    send_left();
  }
  const auto until = std::chrono::steady_clock::now() + last_moment;
  while ((rd_kafka_outq_len(line_->client.get()) > 0 || gathers()) && std::chrono::steady_clock::now() < until && !broken_) {
    rd_kafka_poll(line_->client.get(), poll_ms / 10);
    send_left();
  }
  refuse(take_all_gathered(), "the journal is closing");
  drain(*line_);
}

void KafkaProducer::renew() {
  auto fresh = make_line();
  if (!fresh) {
    hooks_.log->say(fresh.error().detail);
    broken_ = true;  // Out of threads, say: again after the next poll.
    return;
  }
  {
    const std::unique_lock lock(mutex_);
    line_.swap(*fresh);
  }
  // Outside the lock: `done` may append again. What gathered is refused with what was under way, for it came later, and would now
  // come first.
  renewing_ = true;
  drain(**fresh);
  renewing_ = false;
  refuse(take_all_gathered(), "the journal's producer began anew");
}

// Every record that has no report yet is refused now; it may be found in the log all the same.
void KafkaProducer::drain(Line& line) {
  rd_kafka_purge(line.client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (rd_kafka_outq_len(line.client.get()) > 0) rd_kafka_poll(line.client.get(), poll_ms / 10);
}

}  // namespace usher::journal
