// What may be set about a SqliteDatabase. The defaults are the product; tests tighten them.
#pragma once

#include <fcntl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "routing/message/limits.hpp"

namespace usher::state {

// As sync_file_range(2): 0, or -1 and errno.
using SyncRange = std::function<int(int descriptor, off64_t offset, off64_t bytes, unsigned flags)>;

// Of one caller; those that wait become one (sqlite_store.cpp).
inline constexpr std::size_t sqlite_commits_in_flight_max = 64;
// Kept for a router that is a little behind; one that is far behind reads the database (sqlite_early.hpp).
inline constexpr std::size_t early_records_max = 4096;
inline constexpr std::size_t early_bytes_max = 8 * 1024 * 1024;
inline constexpr auto early_after_crash = std::chrono::hours(1);

struct SqliteOptions {
  std::string vfs;  // A registered SQLite VFS; "": the system's.
  // False gives up durability at a power loss. It exists so that a test can show that the power-loss test notices.
  bool synchronous = true;
  std::size_t append_queue_max = message::limits::append_queue_max;
  std::size_t append_queue_bytes_max = message::limits::append_queue_bytes_max;
  // Entries of the change log after which they are carried into the tables (sqlite_fold.hpp). More share pages better, and
  // cost memory, twice, and time at a start.
  std::size_t change_log_max = 16 * 1024;
  // So much of the write-ahead log is not yet in the database when the checkpointer copies it. While it syncs what it
  // copied, commits wait longer for their own syncs: so little and often.
  std::int64_t checkpoint_bytes = 1024 * 1024;
  // How a checkpoint's writes are pushed to the disk a few at a time (sqlite_paced_writes.hpp).
  SyncRange sync_range = ::sync_file_range;
  // Size from which the writer copies the last rest itself between two commits, so that the log can be restarted.
  std::int64_t log_bytes_max = 128 * 1024 * 1024;
};

}  // namespace usher::state
