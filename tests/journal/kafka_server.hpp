// The Kafka broker a test run started for its tests (deploy/kafka/broker; tests/journal/CMakeLists.txt), and what only a test
// does to it: stop and continue its process, kill and restart it, erase records, delete topics.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "routing/journal/kafka_journal.hpp"
#include "routing/journal/kafka_topics.hpp"

namespace usher::testing {

// A message as it stands in its topic. None: null, which is not the same as empty.
struct RawMessage {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::map<std::string, std::string> headers;
};

class KafkaServer {
 public:
  // Its folder is in the environment variable USHER_TEST_KAFKA; aborts with a sentence when there is none.
  static KafkaServer& get();

  [[nodiscard]] const std::string& address() const { return address_; }
  // SIGSTOP and SIGCONT: to everybody else it looks like a machine that does not answer. When pause() returns, nothing of it runs.
  void pause() const;
  void go_on() const;
  void kill() const;           // SIGKILL, and waits until it is gone.
  void start() const;          // In the same folder, on the same port.

  // Options for topics of their own, which are made.
  [[nodiscard]] journal::KafkaOptions fresh_topics(int partitions = 4) const;
  [[nodiscard]] journal::KafkaOptions options() const;  // As above, but nothing is made.
  void make_topics(const journal::KafkaOptions& options, int partitions = 4) const;
  // Returns when the broker does not know the topic any more.
  void delete_topic(const std::string& topic) const;
  void set_topic(const std::string& topic, const std::map<std::string, std::string>& settings) const;
  void erase_before(const std::string& topic, message::Partition partition, message::Offset offset) const;
  [[nodiscard]] RawMessage read(const std::string& topic, message::Partition partition, message::Offset offset) const;
  // Appends a message that is no CloudEvent; without value when `value` is null.
  void produce(const std::string& topic, message::Partition partition, const char* value) const;
  // As above, and the end of the transaction takes an offset as well.
  void produce_in_transaction(const std::string& topic, message::Partition partition, const char* value) const;

 private:
  KafkaServer();
  [[nodiscard]] int pid() const;

  std::filesystem::path folder_;
  std::string address_;
};

// Opens the journal, or aborts with the reason.
[[nodiscard]] std::unique_ptr<journal::KafkaJournal> open_kafka(const journal::KafkaOptions& options);

}  // namespace usher::testing
