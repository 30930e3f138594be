// See sqlite_paced_writes.hpp. A file is the other VFS' own, with one of its methods replaced.
#include "routing/state/sqlite_paced_writes.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#include "routing/message/result.hpp"

namespace usher::state {

using namespace usher::message;

namespace {

// On its way to the disk at once. Neighbours count as one, since the disk is given them as one.
constexpr std::size_t ranges_max = 4;
constexpr off64_t range_bytes_max = 64 * 1024;

struct Range {
  off64_t offset;
  off64_t bytes;
};

std::string new_name() {
  static std::atomic<unsigned> made{0};
  return "usher-paced-" + std::to_string(++made);
}

}  // namespace

struct SqlitePacedWrites::Pace {
  int descriptor = -1;
  SyncRange sync_range;
  std::vector<Range> under_way;

  int wrote(off64_t offset, off64_t bytes) {
    if (descriptor < 0) return SQLITE_OK;
    if (!under_way.empty()) {
      auto& last = under_way.back();
      if (last.offset + last.bytes == offset && last.bytes + bytes <= range_bytes_max) {
        last.bytes += bytes;
        return SQLITE_OK;
      }
    }
    const int code = under_way.size() < ranges_max ? SQLITE_OK : push();
    under_way.push_back({offset, bytes});
    return code;
  }

  // A failure is told once to each descriptor, and perhaps not at all to one that is opened later: so it ends this copy.
  int push() {
    bool good = true;
    for (const unsigned flags : {SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER})
      for (const auto& range : under_way)
        if (good) good = sync_range(descriptor, range.offset, range.bytes, flags) == 0;
    const int error = errno;
    under_way.clear();
    if (good) return SQLITE_OK;
    if (error == EIO || error == ENOSPC || error == EDQUOT) return SQLITE_IOERR_WRITE;
    sync_range = [](int, off64_t, off64_t, unsigned) { return 0; };
    return SQLITE_OK;
  }
};

// All else is the other VFS' own, whose functions look at what they know in `vfs` alone.
struct SqlitePacedWrites::Vfs {
  sqlite3_vfs vfs;
  sqlite3_vfs* base;
  Pace* pace;

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out);
};

namespace {

// Stands behind the other VFS' file, in the memory that SQLite gives for both. `ours` is first: the file points to it.
struct PacedMethods {
  sqlite3_io_methods ours;
  const sqlite3_io_methods* theirs;
  SqlitePacedWrites::Pace* pace;
};

int write_paced(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  const auto& methods = *reinterpret_cast<const PacedMethods*>(file->pMethods);
  const int code = methods.theirs->xWrite(file, from, bytes, offset);
  return code == SQLITE_OK ? methods.pace->wrote(offset, bytes) : code;
}

int aligned(int bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

int SqlitePacedWrites::Vfs::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  const auto& self = *reinterpret_cast<const Vfs*>(vfs);
  const int code = self.base->xOpen(self.base, path, file, flags, flags_out);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0) return code;
  auto* behind = reinterpret_cast<char*>(file) + aligned(self.base->szOsFile);
  auto* methods = new (behind) PacedMethods{*file->pMethods, file->pMethods, self.pace};
  methods->ours.xWrite = write_paced;
  file->pMethods = &methods->ours;
  return code;
}

SqlitePacedWrites::SqlitePacedWrites(const std::filesystem::path& database, const std::string& base, SyncRange sync_range)
    : name_(new_name()), pace_(std::make_unique<Pace>()) {
  auto* under = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  expect(under != nullptr, "the VFS of the options is registered");
  pace_->descriptor = ::open(database.c_str(), O_RDONLY | O_CLOEXEC);
  pace_->sync_range = std::move(sync_range);
  vfs_ = std::make_unique<Vfs>(Vfs{*under, under, pace_.get()});
  vfs_->vfs.pNext = nullptr;
  vfs_->vfs.zName = name_.c_str();
  vfs_->vfs.szOsFile = aligned(under->szOsFile) + static_cast<int>(sizeof(PacedMethods));
  vfs_->vfs.xOpen = &Vfs::open;
  sqlite3_vfs_register(&vfs_->vfs, 0);
}

SqlitePacedWrites::~SqlitePacedWrites() {
  sqlite3_vfs_unregister(&vfs_->vfs);
  if (pace_->descriptor >= 0) ::close(pace_->descriptor);
}

}  // namespace usher::state
