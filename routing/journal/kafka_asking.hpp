// KafkaAsking: short questions to the cluster (where does the log end, how is a topic set), each with a
// limit of time, on a client that never fetches. And what is known of the ends of logs, so that few questions are asked.
// Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "routing/journal/kafka_client.hpp"

namespace usher::journal {

using Log = std::pair<Stream, Partition>;

// How a topic is, as far as rule J3 asks.
struct KafkaTopicState {
  bool exists = false;
  int partitions = 0;
  int replication = 0;                         // Of its least replicated partition.
  std::map<std::string, std::string> settings; // All of them, defaults too.
  std::map<std::string, std::string> chosen;   // Those set on the topic itself.
};

class KafkaAsking {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KafkaAsking>> open(const KafkaOptions& options, KafkaLog& log);

  // Raises the end that is known; also called for records that were acknowledged or read.
  void know_end(Log log, Offset end);
  // 0: nothing known.
  [[nodiscard]] Offset known_end(Log log) const;
  // Asks the broker, and believes it also when the log has become shorter (its topic was made anew).
  [[nodiscard]] Result<Bounds> bounds(Log log, Milliseconds within);

  // Empty: the cluster answers and tells of its topics.
  [[nodiscard]] std::optional<Error> reach(Milliseconds within);
  [[nodiscard]] Result<KafkaTopicState> describe(const std::string& topic, Milliseconds within);
  [[nodiscard]] std::optional<Error> create(const std::string& topic, int partitions, int replication,
                                            const std::map<std::string, std::string>& settings, Milliseconds within);
  // A setting of one of the brokers, which all should have alike. None: it has no such setting, or does not tell us.
  [[nodiscard]] std::optional<std::string> broker_setting(const std::string& name, Milliseconds within);
  // Replaces everything that is set on the topic itself.
  [[nodiscard]] std::optional<Error> set(const std::string& topic, const std::map<std::string, std::string>& settings,
                                         Milliseconds within);

  [[nodiscard]] std::string topic(Stream stream) const { return kafka_topic(prefix_, stream); }

 private:
  KafkaAsking(std::string prefix, KafkaLog& log) : log_(log), prefix_(std::move(prefix)), hooks_{&log, {}, {}} {}
  [[nodiscard]] Result<Offset> ask_offset(Log log, Offset which, Milliseconds within);
  [[nodiscard]] Error unavailable(const std::string& what, const std::string& why) const;
  [[nodiscard]] std::optional<Error> read_settings(rd_kafka_ResourceType_t type, const std::string& name, KafkaTopicState& state,
                                                   Milliseconds within);

  // Constant after construction.
  KafkaLog& log_;
  const std::string prefix_;
  KafkaHooks hooks_;
  KafkaOwned<rd_kafka_t> client_;

  mutable std::mutex mutex_;
  std::map<Log, Offset> ends_;  // Guarded by mutex_.
};

}  // namespace usher::journal
