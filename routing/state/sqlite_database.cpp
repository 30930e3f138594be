// SqliteDatabase: puts the parts together in the order in which they may be taken apart.
#include "routing/state/sqlite_database.hpp"

#include <sqlite3.h>

#include <optional>

#include "routing/state/sqlite_folder.hpp"
#include "routing/state/sqlite_gathered_writes.hpp"
#include "routing/state/sqlite_journal.hpp"
#include "routing/state/sqlite_store.hpp"

namespace usher::state {

namespace {

Result<void> copy_database(sqlite3* from, const std::filesystem::path& file) {
  sqlite3* to = nullptr;
  const int opened = sqlite3_open_v2(file.c_str(), &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Result<void> outcome;
  if (opened != SQLITE_OK) {
    outcome = sqlite_error(to, "open the backup");
  } else if (auto* copy = sqlite3_backup_init(to, "main", from, "main"); copy == nullptr) {
    outcome = sqlite_error(to, "begin the backup");
  } else {
    // All pages in one step: one snapshot, never begun anew because somebody wrote, and WAL lets the writer go on.
    const int copied = sqlite3_backup_step(copy, -1);
    sqlite3_backup_finish(copy);
    if (copied != SQLITE_DONE) outcome = sqlite_error(to, "copy to the backup");
  }
  sqlite3_close(to);
  return outcome;
}

}  // namespace

struct SqliteDatabase::Parts {
  Parts(FolderLock held, std::filesystem::path path, const SqliteOptions& options)
      : lock(std::move(held)), file(std::move(path)), readers(file, options) {
    // Without syncs others would look for a commit in the log while it is still gathered.
    if (options.synchronous) gathered.emplace(options.vfs);
  }

  FolderLock lock;
  std::filesystem::path file;
  std::optional<SqliteGatheredWrites> gathered;
  SqliteWakes wakes;
  // Outlived by the writer, whose connection is the last and removes the log; stopped before, so it does not use them.
  std::unique_ptr<SqliteWriter> writer;
  SqliteReaders readers;
  std::unique_ptr<SqliteJournal> journal;
  std::unique_ptr<SqliteStore> store;
};

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::filesystem::path& folder, const Clock& clock,
                                                             SqliteOptions options) {
  auto lock = FolderLock::take(folder);
  if (!lock) return lock.error();
  auto parts = std::make_unique<Parts>(std::move(*lock), folder / "usher.db", options);
  if (parts->gathered) options.vfs = parts->gathered->name();
  auto writer = SqliteWriter::open(parts->file, clock, options, parts->readers,
                                   [wakes = &parts->wakes](const std::set<StreamKey>& keys) { wakes->grown(keys); });
  if (!writer) return writer.error();
  parts->writer = std::move(*writer);
  // SQLite syncs the content of usher.db, not its name; without the name a power loss takes the whole database.
  for (const auto& path : {folder, std::filesystem::absolute(folder).parent_path()})
    if (auto synced = sync_path(path); !synced) return synced.error();
  parts->journal = std::make_unique<SqliteJournal>(*parts->writer, parts->readers, parts->wakes);
  parts->store = std::make_unique<SqliteStore>(*parts->writer, parts->readers);
  return std::unique_ptr<SqliteDatabase>(new SqliteDatabase(std::move(parts)));
}

SqliteDatabase::SqliteDatabase(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

SqliteDatabase::~SqliteDatabase() {
  // While every part is still there: the last callbacks may read or append.
  parts_->writer->stop();
}

journal::Journal& SqliteDatabase::journal() { return *parts_->journal; }

StateStore& SqliteDatabase::store() { return *parts_->store; }

Result<void> SqliteDatabase::erase_before(Stream stream, Partition partition, Offset offset) {
  return parts_->journal->erase_before(stream, partition, offset);
}

Result<void> SqliteDatabase::backup(const std::filesystem::path& file) {
  auto partial = file;
  partial += ".partial";
  std::error_code failed;
  std::filesystem::remove(partial, failed);
  auto copied =
      parts_->readers.with([&](SqliteConnection& connection) { return copy_database(connection.handle(), partial); });
  if (!copied) return copied;
  if (auto synced = sync_path(partial); !synced) return synced;
  std::filesystem::rename(partial, file, failed);
  if (failed) return fail(Fault::unavailable, "cannot name the backup " + file.string() + ": " + failed.message());
  return sync_path(std::filesystem::absolute(file).parent_path());
}

}  // namespace usher::state
