// See sqlite_gathered_writes.hpp.
#include "routing/state/sqlite_gathered_writes.hpp"

#include <algorithm>
#include <new>

namespace usher::state {

namespace {

// 30 pages with their headers. SQLite's Unix VFS fails from 128 KiB on.
constexpr std::size_t bytes_max = 30 * (4096 + 24);
// Of the locks on the log's index: https://www.sqlite.org/walformat.html
constexpr int write_lock = 0;

}  // namespace

// What is to be written to a log, neighbouring bytes all.
class SqliteGatheredWrites::Gathered {
 public:
  // A failure lasts until the connection is closed: what was lost belongs to writes that SQLite was told had succeeded.
  int add(SqliteFileOver& log, sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    const auto size = static_cast<std::size_t>(amount);
    if (offset != end() || bytes_.size() + size > bytes_max) hand_over(log, file);
    if (failed_ != SQLITE_OK) return failed_;
    if (bytes_.empty()) {
      bytes_.reserve(bytes_max);
      begin_ = offset;
    }
    bytes_.append(static_cast<const char*>(from), size);
    return SQLITE_OK;
  }

  int hand_over(SqliteFileOver& log, sqlite3_file* file) {
    if (failed_ == SQLITE_OK && !bytes_.empty())
      failed_ = log.theirs->xWrite(file, bytes_.data(), static_cast<int>(bytes_.size()), begin_);
    drop();
    return failed_;
  }

  [[nodiscard]] bool overlaps(sqlite3_int64 offset, int amount) const { return offset < end() && offset + amount > begin_; }
  void drop() { bytes_.clear(); }

 private:
  [[nodiscard]] sqlite3_int64 end() const { return begin_ + static_cast<sqlite3_int64>(bytes_.size()); }

  std::string bytes_;
  sqlite3_int64 begin_ = 0;
  int failed_ = SQLITE_OK;
};

// The database file of a connection, by which its log is found: the locks of the log are this file's.
struct SqliteGatheredWrites::Database : SqliteFileOver {
  static constexpr char kind_of = 0;
  SqliteGatheredWrites* owner;
  const char* path;  // The very pointer that SQLite gave: two connections to one file have two.
  Gathered gathered;

  Database(sqlite3_file* file, SqliteGatheredWrites* vfs, const char* name)
      : SqliteFileOver(file, &kind_of), owner(vfs), path(name) {
    ours.xShmLock = lock;
    ours.xClose = close;
  }

  static int lock(sqlite3_file* file, int offset, int count, int flags) {
    auto& self = behind<Database>(file);
    // After a commit nothing is left.
    if ((flags & SQLITE_SHM_UNLOCK) != 0 && offset == write_lock) self.gathered.drop();
    return self.theirs->xShmLock(file, offset, count, flags);
  }

  static int close(sqlite3_file* file) {
    auto& self = behind<Database>(file);
    {
      const std::lock_guard guard(self.owner->mutex_);
      std::erase(self.owner->databases_, &self);
    }
    const auto* methods = self.theirs;
    self.~Database();
    return methods->xClose(file);
  }
};

struct SqliteGatheredWrites::Log : SqliteFileOver {
  static constexpr char kind_of = 0;
  Gathered* gathered;

  Log(sqlite3_file* file, Gathered* of_connection) : SqliteFileOver(file, &kind_of), gathered(of_connection) {
    ours.xWrite = write;
    ours.xRead = read;
    ours.xSync = sync;
    ours.xTruncate = truncate;
    ours.xFileSize = size;
  }

  static int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    auto& self = behind<Log>(file);
    return self.gathered->add(self, file, from, amount, offset);
  }

  static int read(sqlite3_file* file, void* into, int amount, sqlite3_int64 offset) {
    auto& self = behind<Log>(file);
    const int code = self.gathered->overlaps(offset, amount) ? self.gathered->hand_over(self, file) : SQLITE_OK;
    return code == SQLITE_OK ? self.theirs->xRead(file, into, amount, offset) : code;
  }

  static int sync(sqlite3_file* file, int flags) {
    auto& self = behind<Log>(file);
    const int code = self.gathered->hand_over(self, file);
    return code == SQLITE_OK ? self.theirs->xSync(file, flags) : code;
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 bytes) {
    auto& self = behind<Log>(file);
    const int code = self.gathered->hand_over(self, file);
    return code == SQLITE_OK ? self.theirs->xTruncate(file, bytes) : code;
  }

  static int size(sqlite3_file* file, sqlite3_int64* bytes) {
    auto& self = behind<Log>(file);
    const int code = self.gathered->hand_over(self, file);
    return code == SQLITE_OK ? self.theirs->xFileSize(file, bytes) : code;
  }
};

SqliteGatheredWrites::SqliteGatheredWrites(const std::string& base)
    : SqliteVfsOver("gathered", base, std::max(sizeof(Database), sizeof(Log))) {}

void SqliteGatheredWrites::opened(sqlite3_file* file, const char* path, int flags, void* behind) {
  if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) return;
  const std::lock_guard guard(mutex_);
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
    databases_.push_back(new (behind) Database(file, this, path));
    return;
  }
  // A log that no connection has opened is written to as it is (sqlite_log.hpp).
  const char* of_database = sqlite3_filename_database(path);
  const auto found = std::find_if(databases_.begin(), databases_.end(), [&](const auto* one) { return one->path == of_database; });
  if (found != databases_.end()) new (behind) Log(file, &(*found)->gathered);
}

}  // namespace usher::state
