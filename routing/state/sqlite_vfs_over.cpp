// See sqlite_vfs_over.hpp.
#include "routing/state/sqlite_vfs_over.hpp"

#include <atomic>

#include "routing/message/result.hpp"

namespace usher::state {

using namespace usher::message;

namespace {

std::string new_name(const std::string& kind) {
  static std::atomic<unsigned> made{0};
  return "usher-" + kind + "-" + std::to_string(++made);
}

int aligned(int bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

SqliteVfsOver::SqliteVfsOver(const std::string& kind, const std::string& base, std::size_t bytes_behind)
    : name_(new_name(kind)) {
  auto* under = sqlite3_vfs_find(base.empty() ? nullptr : base.c_str());
  expect(under != nullptr, "the VFS of the options is registered");
  vfs_ = Vfs{*under, under, this};
  vfs_.vfs.pNext = nullptr;
  vfs_.vfs.zName = name_.c_str();
  vfs_.vfs.szOsFile = aligned(under->szOsFile) + static_cast<int>(bytes_behind);
  vfs_.vfs.xOpen = &SqliteVfsOver::open;
  sqlite3_vfs_register(&vfs_.vfs, 0);
}

SqliteVfsOver::~SqliteVfsOver() { sqlite3_vfs_unregister(&vfs_.vfs); }

int SqliteVfsOver::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  const auto& over = *reinterpret_cast<const Vfs*>(vfs);
  const int code = over.base->xOpen(over.base, path, file, flags, flags_out);
  if (code == SQLITE_OK) over.self->opened(file, path, flags, reinterpret_cast<char*>(file) + aligned(over.base->szOsFile));
  return code;
}

}  // namespace usher::state
