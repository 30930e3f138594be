// SqlitePacedWrites: a SQLite VFS for the checkpointer's connections. What they write to the database goes to the disk a few pages at
// a time, each few waited for. Without it SQLite hands all it copied to the disk at once, and the commits' own syncs wait behind that:
// 5 to 8 ms instead of 1 in a hundredth of them (docs/performance.md). It makes nothing durable: SQLite's own sync does.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "routing/state/sqlite_options.hpp"

namespace usher::state {

class SqlitePacedWrites {
 public:
  // Over the VFS of that name ("": the system's), for this file alone. Opens the file once more, and closing that descriptor would take away
  // every lock that this process holds on it (fcntl(2)): so it must outlive all connections to the file.
  // Where the file cannot be opened or the system has no such call, writes are only passed on.
  SqlitePacedWrites(const std::filesystem::path& database, const std::string& base, SyncRange sync_range);
  ~SqlitePacedWrites();
  SqlitePacedWrites(const SqlitePacedWrites&) = delete;
  SqlitePacedWrites& operator=(const SqlitePacedWrites&) = delete;

  // For sqlite3_open_v2. One connection at a time uses it.
  [[nodiscard]] const std::string& name() const { return name_; }

  struct Pace;

 private:
  struct Vfs;

  const std::string name_;
  std::unique_ptr<Pace> pace_;
  std::unique_ptr<Vfs> vfs_;
};

}  // namespace usher::state
