// See sqlite_paced_writes.hpp.
#include "routing/state/sqlite_paced_writes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <utility>

namespace usher::state {

namespace {

// On its way to the disk at once. Neighbours count as one, since the disk is given them as one.
constexpr std::size_t ranges_max = 4;
constexpr off64_t range_bytes_max = 64 * 1024;

}  // namespace

struct SqlitePacedWrites::Database : SqliteFileOver {
  static constexpr char kind_of = 0;
  SqlitePacedWrites* paced;

  Database(sqlite3_file* file, SqlitePacedWrites* owner) : SqliteFileOver(file, &kind_of), paced(owner) { ours.xWrite = write; }

  static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
    const auto& self = behind<Database>(file);
    const int code = self.theirs->xWrite(file, from, bytes, offset);
    return code == SQLITE_OK ? self.paced->wrote(offset, bytes) : code;
  }
};

SqlitePacedWrites::SqlitePacedWrites(const std::filesystem::path& database, const std::string& base, SyncRange sync_range)
    : SqliteVfsOver("paced", base, sizeof(Database)),
      descriptor_(::open(database.c_str(), O_RDONLY | O_CLOEXEC)),
      sync_range_(std::move(sync_range)) {}

SqlitePacedWrites::~SqlitePacedWrites() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SqlitePacedWrites::opened(sqlite3_file* file, const char*, int flags, void* behind) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) new (behind) Database(file, this);
}

int SqlitePacedWrites::wrote(off64_t offset, off64_t bytes) {
  if (descriptor_ < 0) return SQLITE_OK;
  if (!under_way_.empty()) {
    auto& last = under_way_.back();
    if (last.offset + last.bytes == offset && last.bytes + bytes <= range_bytes_max) {
      last.bytes += bytes;
      return SQLITE_OK;
    }
  }
  const int code = under_way_.size() < ranges_max ? SQLITE_OK : push();
  under_way_.push_back({offset, bytes});
  return code;
}

// A failure is told once to each descriptor, and perhaps not at all to one that is opened later: so it ends this copy.
int SqlitePacedWrites::push() {
  bool good = true;
  for (const unsigned flags : {SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER})
    for (const auto& range : under_way_)
      if (good) good = sync_range_(descriptor_, range.offset, range.bytes, flags) == 0;
  const int error = errno;
  under_way_.clear();
  if (good) return SQLITE_OK;
  if (error == EIO || error == ENOSPC || error == EDQUOT) return SQLITE_IOERR_WRITE;
  sync_range_ = [](int, off64_t, off64_t, unsigned) { return 0; };
  return SQLITE_OK;
}

}  // namespace usher::state
