// KafkaJournal: the journal in Apache Kafka, through librdkafka. A topic a stream, a Kafka partition a Partition.
//
// Two idempotent producers with acks=all: one for the inbound stream, whose appends fail after limits::append_within so that an
// edge can refuse in time (rule J1), one for everything a router publishes, which goes on trying (rule E1). Readers are
// explicitly assigned, never reset (rule J2); append time is the broker's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "routing/journal/journal.hpp"
#include "routing/message/limits.hpp"

namespace usher::journal {

struct KafkaOptions {
  std::string brokers;                             // host:port[,host:port…]
  std::string topic_prefix = "usher";              // usher.inbound.v1 …
  std::map<std::string, std::string> properties;   // librdkafka's own, for TLS and SASL; they may not weaken ours.
  std::string client_id = "usher";
  Milliseconds append_within = limits::append_within;
  std::size_t append_queue_max = limits::append_queue_max;
  std::size_t append_queue_bytes_max = limits::append_queue_bytes_max;
  // Said from any thread: what the library complains of, once a while. Never customers' text.
  std::function<void(const std::string& line)> log;
};

class KafkaJournal final : public Journal {
 public:
  // Connects and checks what the topics promise (rule J3). unavailable: no broker answers within `within`. malformed: a
  // topic is missing, keeps the client's time instead of the broker's, or a property is not ours to change; all in words.
  [[nodiscard]] static Result<std::unique_ptr<KafkaJournal>> open(KafkaOptions options, Milliseconds within);
  // Appends under way get a moment, then are refused.
  ~KafkaJournal() override;

  void append(Stream stream, Partition partition, Entry entry, AppendDone done) override;
  [[nodiscard]] Result<std::vector<Stored>> read(Stream stream, Partition partition, Offset from,
                                                 std::size_t records_max) override;
  [[nodiscard]] Result<Bounds> bounds(Stream stream, Partition partition) override;
  void on_append(Stream stream, Partition partition, std::function<void()> wake) override;
  void save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) override;
  [[nodiscard]] Result<std::optional<Offset>> cursor(const std::string& consumer, Stream stream,
                                                     Partition partition) override;
  [[nodiscard]] Result<std::optional<Offset>> durable_cursor(const std::string& consumer, Stream stream,
                                                             Partition partition) override;

  // What the cluster does not promise, a sentence each, for /readyz and the log: one replica, unclean election …
  [[nodiscard]] std::vector<std::string> weaknesses() const;

 private:
  struct Parts;
  explicit KafkaJournal(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace usher::journal
