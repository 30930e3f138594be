// SqliteWriter: the one thread that writes to usher.db (rule J6), with group commit: whatever was handed in while one
// transaction was being synced goes into the next one. Nobody waits for a timer, and nobody pays for a sync alone.
//
// After any failed transaction the connection is thrown away, and a fresh one must show everything that was
// acknowledged, else nothing is written any more. After a failed sync or checkpoint more is thrown away (start_anew):
//  - A commit whose sync failed may be readable and yet not on the disk; what is acknowledged behind it would be lost
//    with it. So the log is written over itself and synced.
//  - SQLite counts what an earlier, partial checkpoint copied as done, though only the sync that failed would have made
//    it durable. So the log is read anew by the first of all connections, and counts as not copied.
// So the database goes on by itself once the disk does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "routing/state/sqlite_checkpointer.hpp"
#include "routing/state/sqlite_early.hpp"
#include "routing/state/sqlite_fold.hpp"
#include "routing/state/sqlite_readers.hpp"
#include "routing/state/sqlite_streams.hpp"

namespace usher::state {

// What a job may write with.
struct SqliteWrites {
  SqliteConnection& connection;
  SqliteStreams& streams;
  SqlitePending& pending;
  const SqliteEarly& early;
};

class SqliteWriteJob {
 public:
  virtual ~SqliteWriteJob() = default;
  // Writer's thread, inside the open transaction. `unavailable` fails the whole transaction; any other fault only this
  // job, whose writes are undone.
  [[nodiscard]] virtual message::Result<void> write(SqliteWrites& writes) = 0;
  // Writer's thread, exactly once, after the COMMIT or its failure. Must be quick: the next transaction waits.
  virtual void finish(const message::Result<void>& outcome) = 0;
  // Bytes it keeps in memory while it waits. None: not an append, not counted against the queue's limits.
  [[nodiscard]] virtual std::optional<std::size_t> queued_bytes() const { return std::nullopt; }
  // True: several statements, so it needs a savepoint to be undone alone.
  [[nodiscard]] virtual bool undone_by_savepoint() const { return true; }
  // Caller's thread, once it is taken and its place among the appends is settled.
  virtual void taken(SqliteEarly&) {}
  // Its record may have been read already.
  [[nodiscard]] virtual bool is_early() const { return false; }
  // True: it rests on nothing that is handed in behind it, so it waits, behind all appends, for others to become part of it.
  [[nodiscard]] virtual bool waits_for_more() const { return false; }
  // Takes in one that was handed in later; false: that one is written by itself.
  [[nodiscard]] virtual bool absorb(SqliteWriteJob&) { return false; }
};

class SqliteWriter {
 public:
  // After a commit and before any finish() of it: the streams that grew.
  using Committed = std::function<void(const std::set<StreamKey>&)>;

  // Opens the file (creating it) and starts the thread. `readers` outlive the thread, that is stop().
  [[nodiscard]] static message::Result<std::unique_ptr<SqliteWriter>> open(std::filesystem::path file,
                                                                           const message::Clock& clock,
                                                                           const SqliteOptions& options,
                                                                           SqliteReaders& readers, Committed committed);
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // Finishes what was handed in, then stops: from here on everything is refused as `unavailable`.
  void stop();

  // Any thread. `overloaded`: the job was not taken and is not finished by the writer.
  [[nodiscard]] message::Result<void> submit(std::unique_ptr<SqliteWriteJob>& job);
  // Any thread but the writer's: waits until `write` is durable.
  [[nodiscard]] message::Result<void> write_and_wait(std::function<message::Result<void>(SqliteWrites&)> write);

  // What is committed and not yet in the tables: for readers, and for jobs being finished.
  [[nodiscard]] SqlitePending& pending() { return pending_; }
  // For jobs being finished.
  [[nodiscard]] SqliteFold& fold() { return fold_; }
  [[nodiscard]] SqliteEarly& early() { return early_; }

 private:
  using Batch = std::vector<std::unique_ptr<SqliteWriteJob>>;

  SqliteWriter(std::filesystem::path file, const message::Clock& clock, const SqliteOptions& options,
               SqliteReaders& readers, Committed committed);
  void loop();
  [[nodiscard]] Batch take_batch();
  void take_more(Batch& batch);
  void run_batch(Batch& batch);
  [[nodiscard]] message::Result<void> write_batch(Batch& batch, std::vector<message::Result<void>>& outcomes);
  [[nodiscard]] message::Result<void> write_alone(SqliteWriteJob& job, SqliteWrites& writes);
  [[nodiscard]] message::Result<void> reopen();
  [[nodiscard]] message::Result<void> start_anew();
  void distrust();
  void keep_log_short();
  void leave_tidy();

  // Constant after construction.
  const std::filesystem::path file_;
  const SqliteOptions options_;
  const Committed committed_;
  SqliteReaders& readers_;

  SqliteEarly early_;

  // Writer's thread only (and open(), before it starts).
  SqliteStreams streams_;
  SqlitePending pending_;
  SqliteFold fold_;
  SqliteCheckpointer checkpointer_;
  std::unique_ptr<SqliteConnection> connection_;  // None after a failure, until the next batch.
  std::optional<message::Error> lost_;            // Acknowledged records are missing: nothing is written any more.
  bool distrusted_ = true;  // A sync or checkpoint failed, here or, for all we know, in an earlier process.
  int copied_pages_ = 0;  // Of the log, as far as is known.
  std::size_t batch_bytes_ = 0;  // Of the records of this batch.

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<std::unique_ptr<SqliteWriteJob>> queue_;
  std::unique_ptr<SqliteWriteJob> waiting_;  // Behind all of queue_: it may still take in others.
  std::size_t appends_queued_ = 0;
  std::size_t append_bytes_queued_ = 0;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace usher::state
