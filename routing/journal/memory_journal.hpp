// MemoryJournal: the journal port inside one process, for tests and the deterministic simulation. Nothing survives the
// object; crash() forgets what a real journal would not have made durable yet.
//
// Two ways to run. at_once: an append is stored, wakes its readers and calls `done` before it returns; any thread.
// by_hand: storing, waking and `done` are events in a queue, and happen one by one when the test calls deliver_one();
// one thread. So a simulation can stop between any two of them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "routing/journal/append_time.hpp"
#include "routing/journal/entry_limits.hpp"
#include "routing/journal/journal.hpp"
#include "routing/message/limits.hpp"

namespace usher::journal {

enum class Delivering { at_once, by_hand };
// Whether a failing operation had been applied before its answer was lost.
enum class Applied { no, yes };

class MemoryJournal final : public Journal {
 public:
  // The clock outlives the journal.
  explicit MemoryJournal(const Clock& clock, Delivering delivering = Delivering::at_once,
                         std::size_t append_queue_max = limits::append_queue_max);

  void append(Stream stream, Partition partition, Entry entry, AppendDone done) override;
  [[nodiscard]] Result<std::vector<Stored>> read(Stream stream, Partition partition, Offset from,
                                                 std::size_t records_max) override;
  [[nodiscard]] Result<Bounds> bounds(Stream stream, Partition partition) override;
  void on_append(Stream stream, Partition partition, std::function<void()> wake) override;
  [[nodiscard]] Result<std::vector<Stored>> read_early(Partition partition, Offset from, std::size_t records_max) override;
  [[nodiscard]] std::uint64_t early_losses() const override;
  void save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) override;
  [[nodiscard]] Result<std::optional<Offset>> cursor(const std::string& consumer, Stream stream,
                                                     Partition partition) override;
  [[nodiscard]] Result<std::optional<Offset>> durable_cursor(const std::string& consumer, Stream stream,
                                                             Partition partition) override;

  // From now on read_early() gives what is handed in and not stored yet, as SQLite does. By hand only.
  void give_early();
  [[nodiscard]] bool gives_early() const;
  // Runs events until the record at that offset of `inbound` is stored, or none is left.
  void store_through(Partition partition, Offset offset);

  // Retention: records with smaller offsets are gone.
  void erase_before(Stream stream, Partition partition, Offset offset);

  // The log loses its end, from this offset on, and will give those offsets again: what a broker's unsynced disk does.
  void cut(Stream stream, Partition partition, Offset offset);

  // For a store that publishes its outbox itself: stores now, without waking; then wake(), outside the caller's locks.
  Appended publish(Stream stream, Partition partition, Entry entry);
  void wake(Stream stream, Partition partition);

  // By hand: runs the oldest event. False: there was none.
  bool deliver_one();
  // By hand: until none is left, those that events cause included. Returns how many ran.
  std::size_t deliver_all();
  [[nodiscard]] std::size_t undelivered() const;

  // The next `count` appends answer `unavailable`; a later call replaces an earlier one.
  void fail_next_appends(int count, Applied applied);
  void fail_next_reads(int count);

  // The process died: events not yet delivered never happen, readers' wakes are forgotten. What is stored stays.
  void crash();

 private:
  using Key = std::pair<Stream, Partition>;
  using CursorKey = std::tuple<std::string, Stream, Partition>;
  struct Log {
    std::deque<Stored> records;
    Offset first = 0;
    Offset end = 0;
    std::vector<std::function<void()>> wakes;
    std::deque<Stored> early;  // Handed in and not stored, all from `early_from` on.
    Offset early_from = 0;
    Offset given = 0;          // Larger than every offset given early.
  };

  void schedule(std::function<void()> event);
  void store(Key key, Entry entry, const AppendDone& done, const std::optional<Appended>& given);
  // Requires: mutex_ is held.
  Appended push(Log& log, Entry entry, const std::optional<Appended>& given = std::nullopt);
  [[nodiscard]] std::optional<Appended> hand_in(Key key, const Entry& entry);
  void lose_early();
  [[nodiscard]] bool read_fails();
  Result<std::optional<Offset>> find(const std::map<CursorKey, Offset>& cursors, const CursorKey& key);

  // Constant after construction.
  const Delivering delivering_;
  const std::size_t append_queue_max_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  AppendTime time_;
  std::map<Key, Log> logs_;
  std::map<CursorKey, Offset> cursors_;          // As saved.
  std::map<CursorKey, Offset> cursors_durable_;  // What a crash leaves.
  std::deque<std::function<void()>> events_;
  std::size_t appends_waiting_ = 0;
  std::size_t append_bytes_waiting_ = 0;
  int append_failures_ = 0;
  Applied failure_applied_ = Applied::no;
  int read_failures_ = 0;
  bool gives_early_ = false;
  std::uint64_t early_losses_ = 0;
};

}  // namespace usher::journal
