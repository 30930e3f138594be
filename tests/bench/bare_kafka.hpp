// BareKafka: the comparison: librdkafka alone. One thread produces records that were made before, with the properties of
// Usher's own clients; another consumes them; nothing is done with them but counted and timed.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "routing/journal/kafka_client.hpp"
#include "tests/bench/samples.hpp"

namespace usher::bench {

class BareKafka {
 public:
  // `records` outlives it: inbound entries, by number. The topics exist and are empty.
  BareKafka(const journal::KafkaOptions& kafka, const std::vector<journal::Entry>& records);
  ~BareKafka();
  BareKafka(const BareKafka&) = delete;
  BareKafka& operator=(const BareKafka&) = delete;

  // Each ends the program unless every record was acknowledged, and consumed once with as many bytes.
  // Records per second, first produced to last consumed, with at most `window` produced and not yet consumed.
  double run_closed(std::size_t window);
  // Nanoseconds from the moment each was due to its being consumed.
  std::vector<double> run_open(double per_second);

 private:
  void consume();
  void produce(std::size_t number);
  void finish();

  const std::vector<journal::Entry>& records_;
  std::size_t refused_ = 0;  // The producing thread's, which alone polls.
  journal::KafkaHooks producing_, consuming_;
  journal::KafkaOwned<rd_kafka_t> producer_, consumer_;
  journal::KafkaOwned<rd_kafka_topic_t> into_, from_;
  std::vector<Steady::time_point> consumed_at_;
  std::size_t wrong_ = 0;  // The consuming thread's, until it ends.
  std::atomic<std::size_t> consumed_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// Reads a whole log of one partition, from `from` to `end`; returns its bytes. What a rebuild cannot do without.
[[nodiscard]] std::size_t read_bytes(const journal::KafkaOptions& kafka, journal::Stream stream, journal::Bounds bounds);

}  // namespace usher::bench
