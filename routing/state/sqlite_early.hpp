// SqliteEarly: inbound records that were handed in, with the offsets and times under which they will be written, for the router to
// apply while the transaction before theirs is being synced: its commit then goes to the disk together with them. A transaction that
// fails takes them back, and every commit that was made until then with them (rule J6: no step without its record).
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "routing/journal/append_time.hpp"
#include "routing/journal/journal.hpp"

namespace usher::state {

class SqliteEarly {
 public:
  // The clock outlives it. After an unclean end a record may be what ended the process before. Rule X1 finds it by where it stands,
  // so it must be durable before it is applied: nothing is given early for early_after_crash.
  SqliteEarly(const message::Clock& clock, bool ended_badly);

  // Writer's thread, when the database was opened: the next offset is not below `next`, no time before `last`.
  void stands_at(message::Partition partition, message::Offset next, message::Instant last);
  // Any thread; the records are written in the order of the calls, so the caller sees to that.
  [[nodiscard]] journal::Appended give(message::Partition partition, const journal::Entry& entry);
  // Any thread, each record to the first who asks. None: they stand in the database, if they do.
  [[nodiscard]] std::optional<std::vector<journal::Stored>> read(message::Partition partition, message::Offset from,
                                                                 std::size_t records_max);
  // Writer's thread, before any job of the failed transaction is told.
  void lost();
  // Any thread: how often that was.
  [[nodiscard]] std::uint64_t losses() const { return losses_; }

 private:
  struct Log {
    message::Offset next = 0;
    message::Offset whole_from = 0;  // Everything that was given from here on is in `records`.
    std::deque<journal::Stored> records;
    std::size_t bytes = 0;
  };

  const message::Clock& clock_;
  const message::Milliseconds not_before_;  // Monotonic.

  std::mutex mutex_;
  // Guarded by mutex_.
  journal::AppendTime time_;
  std::map<message::Partition, Log> logs_;

  std::atomic<std::uint64_t> losses_{0};
};

}  // namespace usher::state
