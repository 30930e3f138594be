// KafkaMarks: where named consumers go on, as offsets committed for the group PREFIX-CONSUMER, which has no members. Saved by
// a thread of its own, the newest of each; what a crash forgets is repeated, for consumers may read a record twice.
// A client for each consumer: librdkafka 2.0's admin calls for offsets crash when the group's coordinator has just moved
// (librdkafka issue 5040), its consumers' calls do not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "routing/journal/kafka_asking.hpp"

namespace usher::journal {

class KafkaMarks {
 public:
  // A cluster forgets offsets of a group without members some days after they were last saved (offsets.retention.minutes).
  static constexpr auto save_again_after = std::chrono::hours(6);

  KafkaMarks(const KafkaOptions& options, KafkaLog& log);
  // Saves what is not saved yet, for five seconds at most.
  ~KafkaMarks();
  KafkaMarks(const KafkaMarks&) = delete;
  KafkaMarks& operator=(const KafkaMarks&) = delete;

  void save(const std::string& consumer, Log log, Offset next);
  [[nodiscard]] Result<std::optional<Offset>> find(const std::string& consumer, Log log);
  // As the cluster has it.
  [[nodiscard]] Result<std::optional<Offset>> committed(const std::string& consumer, Log log);

 private:
  struct Mark {
    Offset next = offset_none;
    bool dirty = true;
    bool saving = false;  // Under way to the cluster.
  };
  struct Consumer {
    std::map<Log, Mark> marks;           // Guarded by mutex_.
    KafkaOwned<rd_kafka_t> client;       // Made under mutex_, then constant.
  };

  [[nodiscard]] Result<rd_kafka_t*> client_of(const std::string& consumer);
  // Empty: saved.
  [[nodiscard]] std::optional<std::string> commit(const std::string& consumer, const std::map<Log, Offset>& marks);
  void run();
  // True: all of it is saved. Called with `lock` held, which it lets go while it asks.
  void keep_alive(std::unique_lock<std::mutex>& lock);
  bool save_dirty(std::unique_lock<std::mutex>& lock);

  // Constant after construction.
  const KafkaOptions options_;
  KafkaLog& log_;
  KafkaHooks hooks_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Consumer> consumers_;  // Guarded by mutex_; none is ever removed.
  bool dirty_ = false;                         // Guarded by mutex_.
  bool stopping_ = false;                      // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace usher::journal
