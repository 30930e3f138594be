// SqliteJournal: appends as jobs, reads as SQL.
#include "routing/state/sqlite_journal.hpp"

#include <algorithm>

#include "routing/journal/entry_limits.hpp"
#include "routing/state/sqlite_texts.hpp"

namespace usher::state {

using namespace usher::message;
using journal::AppendDone;
using journal::Appended;
using journal::Bounds;
using journal::Entry;
using journal::Stored;
using journal::Stream;

namespace {

// A read stops here, so that 256 records of the largest size are not in memory at once.
constexpr std::size_t read_bytes_max = 8 * 1024 * 1024;
constexpr Offset erase_step = 2000;

class AppendJob final : public SqliteWriteJob {
 public:
  AppendJob(StreamKey key, Entry entry, AppendDone done)
      : key_(key), entry_(std::move(entry)), done_(std::move(done)) {}

  Result<void> write(SqliteWrites& writes) override {
    auto appended = writes.streams.append(writes.connection, key_, entry_, given_);
    // Others may rest on what is read early, so it is never refused alone.
    if (!appended) return is_early() ? fail(Fault::unavailable, appended.error().detail) : appended.error();
    appended_ = *appended;
    return {};
  }
  void taken(SqliteEarly& early) override {
    if (key_.first == Stream::inbound) given_ = early.give(key_.second, entry_);
  }
  [[nodiscard]] bool is_early() const override { return given_.has_value(); }
  void finish(const Result<void>& outcome) override {
    if (outcome)
      done_(appended_);
    else
      done_(outcome.error());
  }
  [[nodiscard]] std::optional<std::size_t> queued_bytes() const override { return entry_.value.size(); }
  [[nodiscard]] bool undone_by_savepoint() const override { return false; }

 private:
  StreamKey key_;
  Entry entry_;
  AppendDone done_;
  std::optional<Appended> given_;
  Appended appended_;
};

Result<Bounds> read_bounds(SqliteConnection& connection, StreamKey key) {
  const auto table = stream_table(key);
  auto exists = has_stream_table(connection, key);
  if (!exists) return exists.error();
  if (!*exists) return Bounds{};
  // A gap at the beginning is no loss unless something was erased; an earlier build noted the time of that only.
  auto statement = connection.statement("SELECT coalesce((SELECT value FROM facts WHERE name = 'first_" + table +
                                        "'), CASE WHEN EXISTS (SELECT 1 FROM facts WHERE name = 'last_append_at') THEN "
                                        "(SELECT min(offset) FROM " + table + ") END, 0), (SELECT coalesce(max(seq), -1) + 1 FROM sqlite_sequence WHERE name = '" +
                                        table + "'), (SELECT count(*) FROM (SELECT 1 FROM " + table + " LIMIT 1))");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  auto row = cursor.next();
  if (!row) return row.error();
  const auto end = cursor.integer(1);
  return Bounds{cursor.integer(2) == 0 ? end : cursor.integer(0), end};
}

Result<std::vector<Stored>> read_records(SqliteConnection& connection, StreamKey key, Offset from,
                                         std::size_t records_max) {
  const auto table = stream_table(key);
  auto bounds = read_bounds(connection, key);
  if (!bounds) return bounds.error();
  if (from < bounds->first)
    return fail(Fault::not_found,
                table + " begins at " + std::to_string(bounds->first) + ", not at " + std::to_string(from));
  std::vector<Stored> records;
  if (from >= bounds->end) return records;
  auto statement = connection.statement("SELECT offset, appended_at, id, type, value FROM " + table +
                                        " WHERE offset >= ?1 ORDER BY offset LIMIT ?2");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(from).bind(static_cast<std::int64_t>(records_max));
  for (std::size_t bytes = 0; bytes < read_bytes_max;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) break;
    records.push_back(
        {cursor.integer(0), from_unix_ms(cursor.integer(1)),
         Entry{std::string(cursor.bytes(2)), std::string(cursor.bytes(3)), std::string(cursor.bytes(4))}});
    bytes += records.back().entry.value.size();
  }
  return records;
}

Result<void> note_first(SqliteConnection& connection, const std::string& table, Offset first) {
  auto statement = connection.statement("INSERT OR REPLACE INTO facts (name, value) VALUES ('first_" + table + "', ?1)");
  if (!statement) return statement.error();
  return SqliteCursor(connection.handle(), *statement).bind(first).run();
}

}  // namespace

void SqliteWakes::add(StreamKey key, std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  auto& wakes = wakes_[key];
  auto more = wakes ? *wakes : Wakes{};
  more.push_back(std::move(wake));
  wakes = std::make_shared<const Wakes>(std::move(more));
}

void SqliteWakes::grown(const std::set<StreamKey>& keys) {
  for (const auto& key : keys) grown(key);
}

void SqliteWakes::grown(const StreamKey& key) {
  std::shared_ptr<const Wakes> wakes;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = wakes_.find(key); found != wakes_.end()) wakes = found->second;
  }
  if (!wakes) return;
  for (const auto& wake : *wakes) wake();
}

// Cursors as last saved, durable or not yet: a save waits for nobody, and many saves may be one write.
struct SqliteJournal::Cursors {
  using Key = std::tuple<std::string, Stream, Partition>;
  struct Mark {
    Offset next = 0;
    bool queued = false;
  };
  std::mutex mutex;
  std::map<Key, Mark> marks;  // Guarded by mutex.

  class Job final : public SqliteWriteJob {
   public:
    Job(std::shared_ptr<Cursors> cursors, Key key) : cursors_(std::move(cursors)), key_(std::move(key)) {}

    Result<void> write(SqliteWrites& writes) override {
      Offset next = 0;
      {
        const std::lock_guard lock(cursors_->mutex);
        auto& mark = cursors_->marks[key_];
        mark.queued = false;
        next = mark.next;
      }
      auto statement = writes.connection.statement(
          "INSERT OR REPLACE INTO cursors (consumer, stream, partition, offset) VALUES (?1, ?2, ?3, ?4)");
      if (!statement) return statement.error();
      SqliteCursor cursor(writes.connection.handle(), *statement);
      cursor.bind_text(std::get<0>(key_)).bind_text(journal::stream_name(std::get<1>(key_)));
      return cursor.bind(std::get<2>(key_)).bind(next).run();
    }
    // A failure only means that the consumer repeats more after a crash; the next save writes again.
    void finish(const Result<void>& outcome) override {
      if (outcome) return;
      const std::lock_guard lock(cursors_->mutex);
      cursors_->marks[key_].queued = false;
    }
    [[nodiscard]] bool undone_by_savepoint() const override { return false; }

   private:
    std::shared_ptr<Cursors> cursors_;
    Key key_;
  };
};

SqliteJournal::SqliteJournal(SqliteWriter& writer, SqliteReaders& readers, SqliteWakes& wakes)
    : writer_(writer), readers_(readers), wakes_(wakes), cursors_(std::make_shared<Cursors>()) {}

SqliteJournal::~SqliteJournal() = default;

void SqliteJournal::append(Stream stream, Partition partition, Entry entry, AppendDone done) {
  if (auto refused = journal::refuse_oversize(entry)) return done(*refused);
  const StreamKey key{stream, partition};
  std::unique_ptr<SqliteWriteJob> job = std::make_unique<AppendJob>(key, std::move(entry), std::move(done));
  if (auto taken = writer_.submit(job); !taken) job->finish(taken);
  else if (stream == Stream::inbound) early_wakes_.grown(key);
}

Result<std::vector<Stored>> SqliteJournal::read_early(Partition partition, Offset from, std::size_t records_max) {
  if (auto early = writer_.early().read(partition, from, records_max)) return std::move(*early);
  return read(Stream::inbound, partition, from, records_max);
}

std::uint64_t SqliteJournal::early_losses() const { return writer_.early().losses(); }

// Those that are no longer kept for it are told of when they are durable.
void SqliteJournal::on_early(Partition partition, std::function<void()> wake) {
  wakes_.add({Stream::inbound, partition}, wake);
  early_wakes_.add({Stream::inbound, partition}, std::move(wake));
}

Result<std::vector<Stored>> SqliteJournal::read(Stream stream, Partition partition, Offset from,
                                                std::size_t records_max) {
  const StreamKey key{stream, partition};
  return readers_.with([&](SqliteConnection& connection) { return read_records(connection, key, from, records_max); });
}

Result<Bounds> SqliteJournal::bounds(Stream stream, Partition partition) {
  const StreamKey key{stream, partition};
  return readers_.with([&](SqliteConnection& connection) { return read_bounds(connection, key); });
}

void SqliteJournal::on_append(Stream stream, Partition partition, std::function<void()> wake) {
  wakes_.add({stream, partition}, std::move(wake));
}

void SqliteJournal::save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) {
  const Cursors::Key key{consumer, stream, partition};
  {
    const std::lock_guard lock(cursors_->mutex);
    auto& mark = cursors_->marks[key];
    mark.next = next;
    if (mark.queued) return;
    mark.queued = true;
  }
  std::unique_ptr<SqliteWriteJob> job = std::make_unique<Cursors::Job>(cursors_, key);
  if (auto taken = writer_.submit(job); !taken) job->finish(taken);
}

Result<std::optional<Offset>> SqliteJournal::cursor(const std::string& consumer, Stream stream, Partition partition) {
  {
    const std::lock_guard lock(cursors_->mutex);
    const auto found = cursors_->marks.find({consumer, stream, partition});
    if (found != cursors_->marks.end()) return std::optional(found->second.next);
  }
  return durable_cursor(consumer, stream, partition);
}

// A reader sees what was committed, which is synced by then.
Result<std::optional<Offset>> SqliteJournal::durable_cursor(const std::string& consumer, Stream stream, Partition partition) {
  return readers_.with([&](SqliteConnection& connection) -> Result<std::optional<Offset>> {
    auto statement =
        connection.statement("SELECT offset FROM cursors WHERE consumer = ?1 AND stream = ?2 AND partition = ?3");
    if (!statement) return statement.error();
    SqliteCursor cursor(connection.handle(), *statement);
    cursor.bind_text(consumer).bind_text(journal::stream_name(stream)).bind(partition);
    auto row = cursor.next();
    if (!row) return row.error();
    return *row ? std::optional(cursor.integer(0)) : std::nullopt;
  });
}

Result<void> SqliteJournal::erase_before(Stream stream, Partition partition, Offset offset) {
  const auto table = stream_table({stream, partition});
  if (stream == Stream::inbound) {
    auto there = bounds(stream, partition);
    if (!there) return there.error();
    if (std::min(offset, there->end) <= there->first) return {};
    if (auto kept = keep_texts_before(writer_, partition, std::min(offset, there->end)); !kept) return kept;
  }
  for (;;) {
    auto found = bounds(stream, partition);
    if (!found) return found.error();
    const auto upto = std::min({offset, found->end, found->first + erase_step});
    if (upto <= found->first) return {};
    auto erased = writer_.write_and_wait([&](SqliteWrites& writes) -> Result<void> {
      if (auto kept = writes.streams.keep_time(writes.connection); !kept) return kept;
      if (auto noted = note_first(writes.connection, table, upto); !noted) return noted;
      auto statement = writes.connection.statement("DELETE FROM " + table + " WHERE offset < ?1");
      if (!statement) return statement.error();
      return SqliteCursor(writes.connection.handle(), *statement).bind(upto).run();
    });
    if (!erased) return erased;
  }
}

}  // namespace usher::state
