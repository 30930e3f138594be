// SqliteVfsOver: a SQLite VFS of ours over another one. A file is the other VFS' own, with some of its methods replaced.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <string>

namespace usher::state {

// Stands behind the other VFS' file, in the memory that SQLite gives for both; what a VFS knows of a file follows in a type
// derived from this one. That file points to `ours`.
struct SqliteFileOver {
  sqlite3_io_methods ours;
  const sqlite3_io_methods* theirs;
  const void* kind;  // &Mine::kind_of of the derived type.

  // Begins as the other VFS' file, nothing replaced.
  SqliteFileOver(sqlite3_file* file, const void* kind_of_mine) : ours(*file->pMethods), theirs(file->pMethods), kind(kind_of_mine) {
    file->pMethods = &ours;
  }

  // What Mine knows of this file, whatever other VFS of ours stands over it.
  template <class Mine>
  static Mine& behind(sqlite3_file* file) {
    const auto* methods = file->pMethods;
    for (;;) {
      auto* over = reinterpret_cast<SqliteFileOver*>(const_cast<sqlite3_io_methods*>(methods));
      if (over->kind == &Mine::kind_of) return *static_cast<Mine*>(over);
      methods = over->theirs;
    }
  }
};

class SqliteVfsOver {
 public:
  // Over the VFS of that name ("": the system's), which has to be registered. `bytes_behind`: of the largest type of file.
  SqliteVfsOver(const std::string& kind, const std::string& base, std::size_t bytes_behind);
  virtual ~SqliteVfsOver();
  SqliteVfsOver(const SqliteVfsOver&) = delete;
  SqliteVfsOver& operator=(const SqliteVfsOver&) = delete;

  // For sqlite3_open_v2.
  [[nodiscard]] const std::string& name() const { return name_; }

 protected:
  // The other VFS has opened the file. `behind` is memory for what is to be known of it; its place is told by nobody else.
  virtual void opened(sqlite3_file* file, const char* path, int flags, void* behind) = 0;

 private:
  // All else is the other VFS' own, whose functions look at what they know in `vfs` alone.
  struct Vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs* base;
    SqliteVfsOver* self;
  };
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out);

  const std::string name_;
  Vfs vfs_{};
};

}  // namespace usher::state
