// See bare_kafka.hpp.
#include "tests/bench/bare_kafka.hpp"

#include <array>

#include "tests/bench/offered_load.hpp"

namespace usher::bench {

namespace {

constexpr std::size_t taken_at_once = 1000;
constexpr int wait_ms = 100;
constexpr std::size_t poll_every = 256;  // Records; a busy producer hears reports now and then.
constexpr auto in_vain_after = std::chrono::minutes(1);

journal::KafkaOwned<rd_kafka_t> client_of(const journal::KafkaOptions& kafka, journal::KafkaUse use, journal::KafkaHooks& hooks) {
  auto client = journal::make_kafka_client(kafka, use, hooks);
  if (!client) give_up(client.error().detail);
  return std::move(*client);
}

journal::KafkaOwned<rd_kafka_topic_t> topic_of(rd_kafka_t* client, const journal::KafkaOptions& kafka, journal::Stream stream) {
  const auto name = journal::kafka_topic(kafka.topic_prefix, stream);
  journal::KafkaOwned<rd_kafka_topic_t> topic(rd_kafka_topic_new(client, name.c_str(), nullptr));
  if (!topic) give_up("no topic " + name);
  return topic;
}

// Calls `take` for every record that is there; waits for the first.
template <class Take>
void consume_some(rd_kafka_topic_t* topic, Take take) {
  const auto one = [&](rd_kafka_message_t* given) {
    const journal::KafkaOwned<rd_kafka_message_t> message(given);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) take(*message);
    else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) give_up(rd_kafka_err2str(message->err));
  };
  auto* first = rd_kafka_consume(topic, 0, wait_ms);
  if (!first) return;
  one(first);
  // A batch waits until it is full or its time is over, so it gets none.
  std::array<rd_kafka_message_t*, taken_at_once> taken{};
  const auto count = rd_kafka_consume_batch(topic, 0, 0, taken.data(), taken.size());
  for (ssize_t i = 0; i < count; ++i) one(taken[static_cast<std::size_t>(i)]);
}

}  // namespace

BareKafka::BareKafka(const journal::KafkaOptions& kafka, const std::vector<journal::Entry>& records)
    : records_(records), consumed_at_(records.size()) {
  producing_.delivered = [this](const rd_kafka_message_t& report) { refused_ += report.err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : 1; };
  producer_ = client_of(kafka, journal::KafkaUse::accepting, producing_);
  consumer_ = client_of(kafka, journal::KafkaUse::following, consuming_);
  into_ = topic_of(producer_.get(), kafka, journal::Stream::inbound);
  from_ = topic_of(consumer_.get(), kafka, journal::Stream::inbound);
  if (rd_kafka_consume_start(from_.get(), 0, 0) != 0) give_up("the consumer does not start");
  thread_ = std::thread([this] { consume(); });
}

BareKafka::~BareKafka() {
  stopping_ = true;
  thread_.join();
  rd_kafka_consume_stop(from_.get(), 0);
}

void BareKafka::consume() {
  std::size_t count = 0;
  while (!stopping_) {
    consume_some(from_.get(), [&](const rd_kafka_message_t& message) {
      if (count == records_.size() || message.len != records_[count].value.size()) ++wrong_;
      else consumed_at_[count++] = Steady::now();
    });
    consumed_.store(count, std::memory_order_release);
  }
}

void BareKafka::produce(std::size_t number) {
  const auto& entry = records_[number];
  const auto header = [](const std::string& value) { return static_cast<ssize_t>(value.size()); };
  static const std::string json = "application/json";
  for (;;) {
    const auto code = rd_kafka_producev(
        producer_.get(), RD_KAFKA_V_RKT(into_.get()), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_VALUE(const_cast<char*>(entry.value.data()), entry.value.size()),
        RD_KAFKA_V_HEADER("ce_id", entry.id.data(), header(entry.id)), RD_KAFKA_V_HEADER("ce_type", entry.type.data(), header(entry.type)),
        RD_KAFKA_V_HEADER("content-type", json.data(), header(json)), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) give_up(rd_kafka_err2str(code));
    rd_kafka_poll(producer_.get(), 1);
  }
}

void BareKafka::finish() {
  const auto until = Steady::now() + in_vain_after;
  while (consumed_.load(std::memory_order_acquire) < records_.size() || rd_kafka_outq_len(producer_.get()) > 0) {
    rd_kafka_poll(producer_.get(), 1);
    if (Steady::now() > until) give_up("bare Kafka: waited in vain");
  }
  stopping_ = true;
  thread_.join();
  thread_ = std::thread([] {});
  if (refused_ != 0 || wrong_ != 0) give_up("bare Kafka: records were refused, or are not what was produced");
}

double BareKafka::run_closed(std::size_t window) {
  const auto begin = Steady::now();
  for (std::size_t number = 0; number < records_.size(); ++number) {
    if (number % poll_every == 0) rd_kafka_poll(producer_.get(), 0);
    while (number - std::min(number, consumed_.load(std::memory_order_acquire)) >= window) rd_kafka_poll(producer_.get(), 1);
    produce(number);
  }
  finish();
  return static_cast<double>(records_.size()) / std::chrono::duration<double>(consumed_at_.back() - begin).count();
}

std::vector<double> BareKafka::run_open(double per_second) {
  Pace pace;
  const auto begin = Steady::now();
  const auto due = [&](std::size_t number) {
    return begin + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / per_second));
  };
  for (std::size_t number = 0; number < records_.size(); ++number) {
    pace.until(due(number));
    produce(number);
    rd_kafka_poll(producer_.get(), 0);
  }
  finish();
  std::vector<double> taken;
  taken.reserve(records_.size());
  for (std::size_t number = 0; number < records_.size(); ++number)
    taken.push_back(std::chrono::duration<double, std::nano>(consumed_at_[number] - due(number)).count());
  return taken;
}

std::size_t read_bytes(const journal::KafkaOptions& kafka, journal::Stream stream, journal::Bounds bounds) {
  journal::KafkaHooks hooks;
  const auto client = client_of(kafka, journal::KafkaUse::following, hooks);
  const auto topic = topic_of(client.get(), kafka, stream);
  if (rd_kafka_consume_start(topic.get(), 0, bounds.first) != 0) give_up("the consumer does not start");
  std::size_t bytes = 0;
  const auto until = Steady::now() + in_vain_after;
  for (auto next = bounds.first; next < bounds.end;) {
    consume_some(topic.get(), [&](const rd_kafka_message_t& message) {
      bytes += message.len;
      next = message.offset + 1;
    });
    if (Steady::now() > until) give_up("a log cannot be read to its end");
  }
  rd_kafka_consume_stop(topic.get(), 0);
  return bytes;
}

}  // namespace usher::bench
