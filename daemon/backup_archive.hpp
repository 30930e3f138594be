// Backups: one tar file that holds a whole installation: the database as of one instant, the files that customers sent,
// the key of private links, the hashes of agents' tokens, and last the list of all these with their SHA-256. Not admin.token: a
// restored machine makes its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

// Runs on a worker thread while the daemon serves. `copy_database` writes a consistent copy to the path it is given.
// All or nothing: FILE appears when it is whole and on disk. `conflict`: it exists already.
[[nodiscard]] Result<void> write_backup(const std::filesystem::path& data_folder, const std::filesystem::path& file,
                                        const std::function<Result<void>(const std::filesystem::path&)>& copy_database);

struct Restored {
  std::size_t files = 0;
  std::string moved_to;  // Where what was in the folder lies now; empty when there was nothing.
  bool verified = true;  // false: the backup is of an earlier build, without a list; only its database was checked.
};
// Puts a backup into `data_folder`, which no daemon may be using: `conflict` while one holds its lock. Everything is
// unpacked beside first and compared with the backup's list: `malformed` when a file differs, is missing or is not in it, and
// nothing is put in place. What was there before is moved into a folder of its own, never deleted.
[[nodiscard]] Result<Restored> restore_backup(const std::filesystem::path& file, const std::filesystem::path& data_folder);

}  // namespace usher::daemon
