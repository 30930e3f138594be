// SqlitePacedWrites: a SQLite VFS for the checkpointer's connections. What they write to the database goes to the disk a few pages at
// a time, each few waited for. Without it SQLite hands all it copied to the disk at once, and the commits' own syncs wait behind that:
// 5 to 8 ms instead of 1 in a hundredth of them (docs/performance.md). It makes nothing durable: SQLite's own sync does.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "routing/state/sqlite_options.hpp"
#include "routing/state/sqlite_vfs_over.hpp"

namespace usher::state {

// One connection at a time uses it.
class SqlitePacedWrites final : public SqliteVfsOver {
 public:
  // For this file alone. Opens the file once more, and closing that descriptor would take away every lock that this process holds on
  // it (fcntl(2)): so it must outlive all connections to the file.
  // Where the file cannot be opened or the system has no such call, writes are only passed on.
  SqlitePacedWrites(const std::filesystem::path& database, const std::string& base, SyncRange sync_range);
  ~SqlitePacedWrites() override;

 private:
  struct Database;
  struct Range {
    off64_t offset;
    off64_t bytes;
  };

  void opened(sqlite3_file* file, const char* path, int flags, void* behind) override;
  // SQLite's codes.
  int wrote(off64_t offset, off64_t bytes);
  int push();

  int descriptor_;
  SyncRange sync_range_;
  std::vector<Range> under_way_;
};

}  // namespace usher::state
