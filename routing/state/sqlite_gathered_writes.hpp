// SqliteGatheredWrites: a SQLite VFS for the writer's connection. What SQLite writes to the log, two calls a page, is gathered, and
// handed to the disk in one piece when the log is to be synced, or read, or when there is too much of it.
//
// Nobody misses what is gathered: SQLite tells others of a transaction, in the log's index, after it has synced it. That is so with
// synchronous=FULL and locking_mode=NORMAL only, so both are required. What a transaction leaves that was rolled back is dropped
// before it gives up the write lock; handed over later it could hit what another program wrote there meanwhile.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "routing/state/sqlite_vfs_over.hpp"

namespace usher::state {

// Must outlive its connections; each of them has its own log.
class SqliteGatheredWrites final : public SqliteVfsOver {
 public:
  explicit SqliteGatheredWrites(const std::string& base);

 private:
  class Gathered;
  struct Database;
  struct Log;

  void opened(sqlite3_file* file, const char* path, int flags, void* behind) override;

  std::mutex mutex_;
  std::vector<Database*> databases_;  // Guarded by mutex_.
};

}  // namespace usher::state
