// SqliteJournal: the journal port on usher.db. Appends go through the writer's group commit, reads through the readers.
// Any thread; `done` and wakes run on the writer's thread.
#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include "routing/journal/journal.hpp"
#include "routing/state/sqlite_readers.hpp"
#include "routing/state/sqlite_writer.hpp"

namespace usher::state {

// Who is to be told of new records.
class SqliteWakes {
 public:
  void add(StreamKey key, std::function<void()> wake);
  // Any thread.
  void grown(const std::set<StreamKey>& keys);
  void grown(const StreamKey& key);

 private:
  using Wakes = std::vector<std::function<void()>>;

  std::mutex mutex_;
  // Guarded by mutex_. What stands in it is replaced, not changed: it is run outside.
  std::map<StreamKey, std::shared_ptr<const Wakes>> wakes_;
};

class SqliteJournal final : public journal::Journal {
 public:
  // All outlive the journal.
  SqliteJournal(SqliteWriter& writer, SqliteReaders& readers, SqliteWakes& wakes);
  ~SqliteJournal() override;

  void append(journal::Stream stream, message::Partition partition, journal::Entry entry,
              journal::AppendDone done) override;
  [[nodiscard]] message::Result<std::vector<journal::Stored>> read(journal::Stream stream, message::Partition partition,
                                                                   message::Offset from,
                                                                   std::size_t records_max) override;
  [[nodiscard]] message::Result<journal::Bounds> bounds(journal::Stream stream, message::Partition partition) override;
  void on_append(journal::Stream stream, message::Partition partition, std::function<void()> wake) override;
  [[nodiscard]] message::Result<std::vector<journal::Stored>> read_early(message::Partition partition, message::Offset from,
                                                                         std::size_t records_max) override;
  [[nodiscard]] std::uint64_t early_losses() const override;
  void on_early(message::Partition partition, std::function<void()> wake) override;
  void save_cursor(const std::string& consumer, journal::Stream stream, message::Partition partition,
                   message::Offset next) override;
  [[nodiscard]] message::Result<std::optional<message::Offset>> cursor(const std::string& consumer,
                                                                       journal::Stream stream,
                                                                       message::Partition partition) override;
  [[nodiscard]] message::Result<std::optional<message::Offset>> durable_cursor(const std::string& consumer,
                                                                               journal::Stream stream,
                                                                               message::Partition partition) override;

  // Retention: erases records with smaller offsets, a piece at a time, so that appends go on. Waits; any thread but the
  // writer's.
  [[nodiscard]] message::Result<void> erase_before(journal::Stream stream, message::Partition partition,
                                                   message::Offset offset);

 private:
  struct Cursors;

  SqliteWriter& writer_;
  SqliteReaders& readers_;
  SqliteWakes& wakes_;
  SqliteWakes early_wakes_;
  // Shared with the jobs that write them.
  std::shared_ptr<Cursors> cursors_;
};

}  // namespace usher::state
