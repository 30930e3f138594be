// UnsyncedVfs: a disk that can lose power. Writes are seen by every reader at once, but reach the real file only when
// SQLite syncs it; a power cut drops what was not synced, or keeps any part of it, sector by sector. It can also refuse
// writes and syncs, and then behaves as Linux does: what a failed sync had not written is lost though still readable,
// and every open handle of the file is told once.
//
// Registered with SQLite under name() while it lives. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace usher::testing {

// Of the last three only writes fail; only syncs of every file, or of the database file, which only checkpoints sync.
enum class Refusal { none, disk_full, io_error, write_error, sync_error, database_sync_error };

class UnsyncedVfs {
 public:
  UnsyncedVfs();
  ~UnsyncedVfs();
  UnsyncedVfs(const UnsyncedVfs&) = delete;
  UnsyncedVfs& operator=(const UnsyncedVfs&) = delete;

  [[nodiscard]] const std::string& name() const;

  // The power goes while the `operations`-th write or sync from now runs; from then on nothing works. `seed` decides
  // which unsynced sectors happen to be on the disk.
  void cut_after(std::uint64_t operations, std::uint64_t seed);
  void cut_now(std::uint64_t seed);
  [[nodiscard]] bool cut() const;

  // Every `n`-th write or sync fails.
  void refuse_every(std::uint64_t n, Refusal refusal);
  // Every write and sync fails.
  void refuse_all(Refusal refusal) { refuse_every(1, refusal); }
  void heal();
  [[nodiscard]] std::uint64_t refused() const;
  // Writes to the database file, that is by checkpoints.
  [[nodiscard]] std::uint64_t database_writes() const;
  [[nodiscard]] std::uint64_t log_writes() const;
  // How often the database file was opened, and how often of these while nobody had it open.
  [[nodiscard]] std::uint64_t database_opens() const;
  [[nodiscard]] std::uint64_t database_first_opens() const;

  struct Disk;

 private:
  std::unique_ptr<Disk> disk_;
};

}  // namespace usher::testing
