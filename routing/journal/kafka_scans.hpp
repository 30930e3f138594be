// KafkaScans: readers of older records, a few for each log, kept where they stopped because most go on there. A read at
// another place takes one that is free, the longest unused first. Any thread.
#pragma once

#include <array>
#include <condition_variable>

#include "routing/journal/kafka_asking.hpp"
#include "routing/journal/kafka_records.hpp"

namespace usher::journal {

class KafkaScans {
 public:
  // So many places of one log can be read at once; the next reader waits.
  static constexpr std::size_t lanes = 4;

  KafkaScans(const KafkaOptions& options, KafkaLog& log) : options_(options), hooks_{&log, {}, {}} {}
  ~KafkaScans();
  KafkaScans(const KafkaScans&) = delete;
  KafkaScans& operator=(const KafkaScans&) = delete;

  // Records from `from` on, all up to `end` (which is past `from`, and was the end a moment ago) or as many as asked for.
  // not_found: the log does not have `from`. Empty: nothing is left between `from` and `end`.
  [[nodiscard]] Result<std::vector<Stored>> read(Log log, Offset from, Offset end, std::size_t records_max, Milliseconds within);

 private:
  // One client, at most one place of each log.
  struct Lane {
    KafkaOwned<rd_kafka_t> client;
    std::array<KafkaOwned<rd_kafka_topic_t>, stream_count> topics;
  };
  struct Place {
    bool taken = false;      // A thread is reading here; the rest is that thread's.
    bool fetching = false;
    Offset next = 0;
    Instant newest{Milliseconds{0}};
    std::uint64_t used = 0;
  };
  using Places = std::array<Place, lanes>;

  [[nodiscard]] Result<std::size_t> take_place(Log log, Offset from, Milliseconds within);
  [[nodiscard]] std::optional<Error> seat(std::size_t lane, Log log, Place& place, Offset from);
  [[nodiscard]] Result<std::vector<Stored>> consume(rd_kafka_topic_t* topic, Log log, Place& place, Offset end,
                                                    std::size_t records_max, Milliseconds within);
  static void stop(rd_kafka_topic_t* topic, Log log, Place& place);

  // Constant after construction.
  const KafkaOptions options_;
  KafkaHooks hooks_;

  std::mutex mutex_;
  std::condition_variable free_;
  std::array<std::unique_ptr<Lane>, lanes> lanes_;  // Guarded by mutex_ until made, then constant.
  std::map<Log, Places> places_;                    // Guarded by mutex_, but for places that are taken.
  std::uint64_t uses_ = 0;                          // Guarded by mutex_.
};

}  // namespace usher::journal
