// The write-ahead log as a file, for the one thing SQLite cannot do with it.
#pragma once

#include <filesystem>

#include "routing/message/result.hpp"
#include "routing/state/sqlite_options.hpp"

namespace usher::state {

// Writes the log of `database` over itself and syncs it. After a failed sync the kernel calls what it could not write
// clean: it can be read, and SQLite would build on it, but it is not on the disk and no later sync would bring it
// there. Written again it is dirty again, so this sync is a true one. Requires: no connection of this process is open.
[[nodiscard]] message::Result<void> rewrite_log(const std::filesystem::path& database, const SqliteOptions& options);

}  // namespace usher::state
