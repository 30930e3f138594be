// KafkaProducer: one idempotent producer and the thread that hears its delivery reports, on which `done` runs.
// Each append is one record on an explicit partition (rule J5); its bytes stay ours until the report, so nothing is copied.
// After a fatal error everything in flight is refused and a new producer takes over (rule J1).
// The records of a partition go to the library in waves: while one is under way the next gathers here, so a wave is larger the
// busier we are, and a partition that cannot be written to holds up no other. The library's own limit of requests would gather,
// too, but it polls without a pause for as long as that holds something back: a core's worth, seen with 2.0.2.
// Waves of events keep a distance, since nobody waits for an event and each request costs the broker more than what is in it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "routing/journal/kafka_client.hpp"

namespace usher::journal {

class KafkaProducer {
 public:
  // Runs before `done` of every acknowledged record.
  using Told = std::function<void(Stream stream, Partition partition, Offset offset)>;

  [[nodiscard]] static Result<std::unique_ptr<KafkaProducer>> open(const KafkaOptions& options, KafkaUse use, KafkaLog& log,
                                                                   Told told);
  // Appends under way get two seconds, then are refused. Requires: nobody appends any more.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  void append(Stream stream, Partition partition, Entry entry, AppendDone done);

  // Does what a fatal error of the library does, so that a test can see what follows.
  void break_now();

 private:
  struct Pending;
  using Log = std::pair<Stream, Partition>;
  using Records = std::vector<std::unique_ptr<Pending>>;
  struct Wave {
    std::size_t under_way = 0;  // Handed to the library, or about to be, and not heard of again.
    Records gathered;
    std::chrono::steady_clock::time_point not_before{};  // The next one.
  };
  // A client and its topics: replaced as a whole.
  struct Line {
    KafkaOwned<rd_kafka_t> client;
    std::array<KafkaOwned<rd_kafka_topic_t>, stream_count> topics;
  };

  KafkaProducer(const KafkaOptions& options, KafkaUse use, KafkaLog& log, Told told);
  [[nodiscard]] Result<std::unique_ptr<Line>> make_line();
  [[nodiscard]] bool reserve(std::size_t bytes);
  void give_back(std::size_t bytes);
  void produce(std::unique_ptr<Pending> pending);
  [[nodiscard]] bool landed(const Pending& pending);
  [[nodiscard]] bool gathers();
  [[nodiscard]] bool may_go(const Wave& wave) const;
  void send_next(const Log& log);
  void send_left();
  [[nodiscard]] int poll_for();
  void refuse(Records records, const std::string& why);
  [[nodiscard]] Records take_all_gathered();
  void hear(const rd_kafka_message_t& report);
  void run();
  void renew();
  static void drain(Line& line);

  // Constant after construction.
  const KafkaOptions options_;
  const KafkaUse use_;
  const Told told_;
  KafkaHooks hooks_;

  std::shared_mutex mutex_;      // Held shared while something is handed to line_, alone while line_ is replaced.
  std::unique_ptr<Line> line_;   // Replaced by thread_ only, which therefore reads it without the mutex.
  std::mutex wave_mutex_;  // Never held while `done` runs or the library is called.
  // Guarded by wave_mutex_.
  std::map<Log, Wave> waves_;
  bool closing_ = false;

  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> bytes_waiting_{0};
  std::atomic<bool> broken_{false};
  std::atomic<bool> stopping_{false};
  bool renewing_ = false;  // thread_ only: nothing is sent yet.
  std::thread thread_;
};

}  // namespace usher::journal
