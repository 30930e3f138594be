// The log as a file, through the VFS that SQLite uses.
#include "routing/state/sqlite_log.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <vector>

namespace usher::state {

using namespace usher::message;

namespace {

// SQLite asks of a VFS no more than a page at once; the Unix one fails from 128 KiB on.
constexpr sqlite3_int64 piece_bytes = 64 * 1024;

// 0 or SQLite's code.
int write_over_itself(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  int code = file->pMethods->xFileSize(file, &size);
  std::vector<char> piece(static_cast<std::size_t>(std::min(size, piece_bytes)));
  for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += piece_bytes) {
    const auto bytes = static_cast<int>(std::min(piece_bytes, size - at));
    code = file->pMethods->xRead(file, piece.data(), bytes, at);
    if (code == SQLITE_OK) code = file->pMethods->xWrite(file, piece.data(), bytes, at);
  }
  return code == SQLITE_OK && size > 0 ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

int rewrite(sqlite3_vfs* vfs, const std::string& database) {
  std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
  if (const int code = vfs->xFullPathname(vfs, database.c_str(), vfs->mxPathname + 1, full.data());
      (code & 0xff) != SQLITE_OK)
    return code;
  const std::string path = full.data();
  int exists = 0;
  vfs->xAccess(vfs, (path + "-wal").c_str(), SQLITE_ACCESS_EXISTS, &exists);
  if (exists == 0) return SQLITE_OK;
  // A VFS may look beyond the end of a name for what SQLite puts there, so SQLite makes the name.
  auto* names = sqlite3_create_filename(path.c_str(), (path + "-journal").c_str(), (path + "-wal").c_str(), 0, nullptr);
  std::vector<char> memory(static_cast<std::size_t>(vfs->szOsFile));
  auto* file = reinterpret_cast<sqlite3_file*>(memory.data());
  int code = vfs->xOpen(vfs, sqlite3_filename_wal(names), file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, nullptr);
  if (code == SQLITE_OK) code = write_over_itself(file);
  if (file->pMethods != nullptr) file->pMethods->xClose(file);
  sqlite3_free_filename(names);
  return code;
}

}  // namespace

Result<void> rewrite_log(const std::filesystem::path& database, const SqliteOptions& options) {
  auto* vfs = sqlite3_vfs_find(options.vfs.empty() ? nullptr : options.vfs.c_str());
  expect(vfs != nullptr, "the VFS of the options is registered");
  if (const int code = rewrite(vfs, database.string()); code != SQLITE_OK)
    return fail(Fault::unavailable,
                "sqlite: write the log anew: " + std::string(sqlite3_errstr(code)) + " (" + std::to_string(code) + ")");
  return {};
}

}  // namespace usher::state
