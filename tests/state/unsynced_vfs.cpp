// UnsyncedVfs: a sqlite3_vfs that keeps each database file and log in memory and writes the real file on sync.
// Locks, the shared-memory index and everything else go to the system's VFS.
#include "tests/state/unsynced_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <set>
#include <vector>

namespace usher::testing {

namespace {

constexpr std::size_t sector_bytes = 512;

struct Handle;

// One file, as the programs see it and as the disk has it.
struct File {
  std::string live;
  std::map<std::size_t, std::size_t> unsynced;  // Sector number to count of writes, in no order a disk would promise.
  std::uint64_t sync_failures = 0;
  bool is_database = false;
  bool is_log = false;
  std::set<Handle*> handles;
};

struct Handle {
  sqlite3_file base;
  UnsyncedVfs::Disk* disk;
  File* file;  // None: passed through.
  sqlite3_file* real;
  std::uint64_t sync_failures_seen;
};

}  // namespace

struct UnsyncedVfs::Disk {
  sqlite3_vfs vfs{};
  sqlite3_vfs* system = nullptr;
  std::string name;
  mutable std::mutex mutex;
  // Guarded by mutex.
  std::map<std::string, File> files;
  bool off = false;
  std::uint64_t operations = 0;
  std::uint64_t cut_at = 0;
  std::uint64_t seed = 0;
  std::uint64_t refuse_each = 0;
  std::uint64_t refused = 0;
  std::uint64_t database_writes = 0;
  std::uint64_t log_writes = 0;
  std::uint64_t database_opens = 0;
  std::uint64_t database_first_opens = 0;
  Refusal refusal = Refusal::none;

  // Counts a write or sync; true: it is refused.
  bool refuses(bool is_sync, bool is_database) {
    ++operations;
    if (cut_at != 0 && operations >= cut_at && !off) cut();
    if (off) return true;
    bool meant = refusal != Refusal::none && (refusal != Refusal::write_error || !is_sync);
    if (refusal == Refusal::sync_error || refusal == Refusal::database_sync_error) meant = is_sync;
    if (refusal == Refusal::database_sync_error && !is_database) meant = false;
    const bool no = meant && operations % refuse_each == 0;
    if (no) ++refused;
    return no;
  }

  void cut() {
    std::mt19937_64 random(seed);
    // In a third of the cuts nothing unsynced survives, else any part of it.
    const auto kept_of_four = random() % 3 == 0 ? 0 : 1 + random() % 4;
    for (auto& [path, file] : files) {
      if (file.handles.empty()) continue;
      auto* real = (*file.handles.begin())->real;
      for (const auto& [sector, writes] : file.unsynced)
        if (random() % 4 < kept_of_four) write_sector(file, real, sector);
    }
    off = true;
  }

  static void write_sector(const File& file, sqlite3_file* real, std::size_t sector) {
    const auto begin = sector * sector_bytes;
    if (begin >= file.live.size()) return;
    const auto size = std::min(sector_bytes, file.live.size() - begin);
    real->pMethods->xWrite(real, file.live.data() + begin, static_cast<int>(size), static_cast<sqlite3_int64>(begin));
  }
};

namespace {

Handle& handle_of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

UnsyncedVfs::Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<UnsyncedVfs::Disk*>(vfs->pAppData); }

void note_write(File& file, std::size_t begin, std::size_t size) {
  for (auto sector = begin / sector_bytes; sector * sector_bytes < begin + size; ++sector) ++file.unsynced[sector];
}

int on_close(sqlite3_file* file) {
  auto& handle = handle_of(file);
  {
    const std::lock_guard lock(handle.disk->mutex);
    if (handle.file != nullptr) handle.file->handles.erase(&handle);
  }
  return handle.real->pMethods->xClose(handle.real);
}

int on_read(sqlite3_file* file, void* into, int amount, sqlite3_int64 offset) {
  auto& handle = handle_of(file);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.disk->off) return SQLITE_IOERR_READ;
  const auto& live = handle.file->live;
  const auto begin = std::min(static_cast<std::size_t>(offset), live.size());
  const auto size = std::min(static_cast<std::size_t>(amount), live.size() - begin);
  std::memcpy(into, live.data() + begin, size);
  std::memset(static_cast<char*>(into) + size, 0, static_cast<std::size_t>(amount) - size);
  return size == static_cast<std::size_t>(amount) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int on_write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  auto& handle = handle_of(file);
  auto& disk = *handle.disk;
  const std::lock_guard lock(disk.mutex);
  const bool refused = disk.refuses(false, handle.file->is_database);
  if (disk.off) return SQLITE_IOERR_WRITE;
  if (handle.file->is_database) ++disk.database_writes;
  if (handle.file->is_log) ++disk.log_writes;
  // A refused write may have been half done.
  const auto size = static_cast<std::size_t>(refused ? amount / 2 : amount);
  const auto begin = static_cast<std::size_t>(offset);
  auto& live = handle.file->live;
  if (live.size() < begin + size) live.resize(begin + size);
  std::memcpy(live.data() + begin, from, size);
  note_write(*handle.file, begin, size);
  if (!refused) return SQLITE_OK;
  return disk.refusal == Refusal::disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int on_truncate(sqlite3_file* file, sqlite3_int64 size) {
  auto& handle = handle_of(file);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.disk->off) return SQLITE_IOERR_TRUNCATE;
  // The length is kept in the real file at the next sync.
  handle.file->live.resize(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int on_sync(sqlite3_file* file, int flags) {
  auto& handle = handle_of(file);
  auto& disk = *handle.disk;
  const std::lock_guard lock(disk.mutex);
  const bool refused = disk.refuses(true, handle.file->is_database);
  if (disk.off) return SQLITE_IOERR_FSYNC;
  if (refused) {
    ++handle.file->sync_failures;
    handle.file->unsynced.clear();
  }
  if (handle.sync_failures_seen != handle.file->sync_failures) {
    handle.sync_failures_seen = handle.file->sync_failures;
    return SQLITE_IOERR_FSYNC;
  }
  for (const auto& [sector, writes] : handle.file->unsynced)
    UnsyncedVfs::Disk::write_sector(*handle.file, handle.real, sector);
  handle.file->unsynced.clear();
  handle.real->pMethods->xTruncate(handle.real, static_cast<sqlite3_int64>(handle.file->live.size()));
  (void)flags;
  return SQLITE_OK;
}

int on_size(sqlite3_file* file, sqlite3_int64* size) {
  auto& handle = handle_of(file);
  const std::lock_guard lock(handle.disk->mutex);
  *size = static_cast<sqlite3_int64>(handle.file->live.size());
  return SQLITE_OK;
}

int on_lock(sqlite3_file* file, int level) {
  return handle_of(file).real->pMethods->xLock(handle_of(file).real, level);
}
int on_unlock(sqlite3_file* file, int level) {
  return handle_of(file).real->pMethods->xUnlock(handle_of(file).real, level);
}
int on_reserved(sqlite3_file* file, int* taken) {
  return handle_of(file).real->pMethods->xCheckReservedLock(handle_of(file).real, taken);
}
int on_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int on_sector(sqlite3_file* file) { return handle_of(file).real->pMethods->xSectorSize(handle_of(file).real); }
int on_device(sqlite3_file* file) {
  return handle_of(file).real->pMethods->xDeviceCharacteristics(handle_of(file).real);
}
int on_shared_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return handle_of(file).real->pMethods->xShmMap(handle_of(file).real, page, size, extend, memory);
}
int on_shared_lock(sqlite3_file* file, int offset, int count, int flags) {
  return handle_of(file).real->pMethods->xShmLock(handle_of(file).real, offset, count, flags);
}
void on_shared_barrier(sqlite3_file* file) { handle_of(file).real->pMethods->xShmBarrier(handle_of(file).real); }
int on_shared_unmap(sqlite3_file* file, int erase) {
  return handle_of(file).real->pMethods->xShmUnmap(handle_of(file).real, erase);
}

const sqlite3_io_methods methods = {
    2,         on_close,      on_read,        on_write,          on_truncate,     on_sync,
    on_size,   on_lock,       on_unlock,      on_reserved,       on_control,      on_sector,
    on_device, on_shared_map, on_shared_lock, on_shared_barrier, on_shared_unmap, nullptr,
    nullptr};

File& load_file(UnsyncedVfs::Disk& disk, const std::string& path, sqlite3_file* real) {
  const auto [found, is_new] = disk.files.try_emplace(path);
  if (is_new) {
    sqlite3_int64 size = 0;
    real->pMethods->xFileSize(real, &size);
    found->second.live.resize(static_cast<std::size_t>(size));
    if (size > 0) real->pMethods->xRead(real, found->second.live.data(), static_cast<int>(size), 0);
  }
  return found->second;
}

int on_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  auto& disk = disk_of(vfs);
  file->pMethods = nullptr;
  auto* memory = reinterpret_cast<char*>(file);
  auto* real = reinterpret_cast<sqlite3_file*>(memory + sizeof(Handle));
  const std::lock_guard lock(disk.mutex);
  if (disk.off) return SQLITE_CANTOPEN;
  const int code = disk.system->xOpen(disk.system, path, real, flags, flags_out);
  if (code != SQLITE_OK) {
    if (real->pMethods != nullptr) real->pMethods->xClose(real);
    return code;
  }
  auto& handle = *new (memory) Handle{{&methods}, &disk, nullptr, real, 0};
  handle.file = &load_file(disk, path, real);
  handle.file->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  handle.file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  handle.sync_failures_seen = handle.file->sync_failures;
  if (handle.file->is_database) {
    ++disk.database_opens;
    if (handle.file->handles.empty()) ++disk.database_first_opens;
  }
  handle.file->handles.insert(&handle);
  return SQLITE_OK;
}

int on_delete(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  auto& disk = disk_of(vfs);
  const std::lock_guard lock(disk.mutex);
  if (disk.off) return SQLITE_IOERR_DELETE;
  const auto found = disk.files.find(path);
  if (found != disk.files.end() && found->second.handles.empty()) disk.files.erase(found);
  return disk.system->xDelete(disk.system, path, sync_folder);
}

int on_access(sqlite3_vfs* vfs, const char* path, int flags, int* found) {
  return disk_of(vfs).system->xAccess(disk_of(vfs).system, path, flags, found);
}

int on_full_name(sqlite3_vfs* vfs, const char* path, int size, char* into) {
  return disk_of(vfs).system->xFullPathname(disk_of(vfs).system, path, size, into);
}

}  // namespace

UnsyncedVfs::UnsyncedVfs() : disk_(std::make_unique<Disk>()) {
  static std::atomic<int> count{0};
  disk_->name = "unsynced-" + std::to_string(++count);
  disk_->system = sqlite3_vfs_find(nullptr);
  disk_->vfs = *disk_->system;
  disk_->vfs.pNext = nullptr;
  disk_->vfs.zName = disk_->name.c_str();
  disk_->vfs.pAppData = disk_.get();
  disk_->vfs.szOsFile = static_cast<int>(sizeof(Handle)) + disk_->system->szOsFile;
  disk_->vfs.xOpen = on_open;
  disk_->vfs.xDelete = on_delete;
  disk_->vfs.xAccess = on_access;
  disk_->vfs.xFullPathname = on_full_name;
  sqlite3_vfs_register(&disk_->vfs, 0);
}

UnsyncedVfs::~UnsyncedVfs() { sqlite3_vfs_unregister(&disk_->vfs); }

const std::string& UnsyncedVfs::name() const { return disk_->name; }

void UnsyncedVfs::cut_after(std::uint64_t operations, std::uint64_t seed) {
  const std::lock_guard lock(disk_->mutex);
  disk_->cut_at = disk_->operations + operations;
  disk_->seed = seed;
}

void UnsyncedVfs::cut_now(std::uint64_t seed) {
  const std::lock_guard lock(disk_->mutex);
  disk_->seed = seed;
  if (!disk_->off) disk_->cut();
}

bool UnsyncedVfs::cut() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->off;
}

void UnsyncedVfs::refuse_every(std::uint64_t n, Refusal refusal) {
  const std::lock_guard lock(disk_->mutex);
  disk_->refuse_each = n;
  disk_->refusal = refusal;
}

void UnsyncedVfs::heal() { refuse_every(0, Refusal::none); }

std::uint64_t UnsyncedVfs::refused() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->refused;
}

std::uint64_t UnsyncedVfs::database_writes() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->database_writes;
}

std::uint64_t UnsyncedVfs::log_writes() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->log_writes;
}

std::uint64_t UnsyncedVfs::database_opens() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->database_opens;
}

std::uint64_t UnsyncedVfs::database_first_opens() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->database_first_opens;
}

}  // namespace usher::testing
