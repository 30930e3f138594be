// KafkaTail: follows the ends of the logs somebody waits for, wakes the waiting, and keeps the newest records of each in
// memory, so that everybody at the tail is served from one fetch. One thread of its own; a slow reader holds nobody up, it
// falls out of the window and scans (kafka_scans.hpp) until it has caught up.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>

#include "routing/journal/kafka_asking.hpp"
#include "routing/journal/kafka_records.hpp"

namespace usher::journal {

class KafkaTail {
 public:
  static constexpr std::size_t window_records_max = 8192;
  static constexpr std::size_t window_bytes_max = 16 * 1024 * 1024;
  // So long the end of a log is believed where it was last heard of; an older belief is worth a question.
  static constexpr auto end_believed_for = std::chrono::seconds(1);

  [[nodiscard]] static Result<std::unique_ptr<KafkaTail>> open(const KafkaOptions& options, KafkaLog& log, KafkaAsking& asking);
  ~KafkaTail();
  KafkaTail(const KafkaTail&) = delete;
  KafkaTail& operator=(const KafkaTail&) = delete;

  // Begins to follow `log`, at its end. Waits for the broker for a second at most; then it goes on trying by itself.
  void on_append(Log log, std::function<void()> wake);
  // A producer of this process was told that `offset` is durable: whoever waits need not wait for the fetch.
  void acknowledged(Log log, Offset offset);

  // True: `log` is followed and its end was heard of a moment ago.
  [[nodiscard]] bool end_is_fresh(Log log) const;
  void end_was_asked(Log log);
  // True: everything before `end` was seen here, and what has no record has none: a producer's marks of a transaction, say.
  [[nodiscard]] bool has_passed(Log log, Offset end) const;
  // Nothing: not followed, or `from` is before the window. Else what is there, at least up to the end known when asked;
  // empty if that does not come `within`.
  [[nodiscard]] std::optional<std::vector<Stored>> read(Log log, Offset from, std::size_t records_max, Milliseconds within);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Window {
    bool live = false;            // Fetching.
    std::deque<Stored> records;
    std::size_t bytes = 0;
    Offset start = 0;             // Complete from here ...
    Offset next = 0;              // ... to before here.
    Instant newest{Milliseconds{0}};
    Time end_heard_at{};
    std::vector<std::shared_ptr<std::function<void()>>> wakes;
    Offset woken_until = 0;
  };

  KafkaTail(const KafkaOptions& options, KafkaLog& log, KafkaAsking& asking);
  [[nodiscard]] rd_kafka_topic_t* topic(Stream stream) const { return topics_[static_cast<std::size_t>(stream)].get(); }
  void seat(Log log, Milliseconds within);
  [[nodiscard]] std::vector<Log> seat_the_unseated();
  void lose(Log log, const char* why);
  void take(Log log, const rd_kafka_message_t& message);
  void reach_end(Log log, Offset end);
  // Wakes whoever waits for `log`, unless they were woken for everything before `until`. Requires: waking_ is held.
  void wake(Log log, Offset until);
  void run();
  void take_all(std::map<Log, Offset>& grown);
  static void trim(Window& window);

  // Constant after construction.
  KafkaAsking& asking_;
  KafkaLog& log_;
  const std::string prefix_;
  KafkaHooks hooks_;
  KafkaOwned<rd_kafka_t> client_;
  std::array<KafkaOwned<rd_kafka_topic_t>, stream_count> topics_;
  KafkaOwned<rd_kafka_queue_t> queue_;

  mutable std::mutex mutex_;
  std::condition_variable grown_;
  std::map<Log, Window> windows_;  // Guarded by mutex_.
  // Held while wakes run, so that when acknowledged() returns a wake begun by thread_ is over, too. Taken before mutex_.
  std::mutex waking_;
  std::mutex seating_;             // One seat at a time; taken before mutex_.
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace usher::journal
