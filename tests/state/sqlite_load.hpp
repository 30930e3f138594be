// Load for the SQLite tests: appends and state commits under way at once, and an exact account of what was
// acknowledged.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "routing/state/sqlite_database.hpp"
#include "tests/journal/fake_clock.hpp"

namespace usher::testing {

// What the database has answered for. Filled by callbacks on its writer's thread.
struct Account {
  std::mutex mutex;
  std::map<message::Offset, std::string> appended;   // Acknowledged, by offset.
  message::Offset committed = message::offset_none;  // Newest acknowledged position.
  std::size_t refused = 0;
};

// Each round hands in `appends` records and one state commit, then waits for all answers. A commit at offset n sets
// entity (t, k) to n, keeps body n and publishes one outbound entry. Stops early when `stop_when_refused` and a round
// was refused. Returns the rounds done.
int run_load(state::SqliteDatabase& database, Account& account, int rounds, int appends, bool stop_when_refused);

// Opens the folder with the system's VFS, as a process after a restart would, and compares. Empty: everything that was
// acknowledged is there and the file is sound; else what is wrong.
[[nodiscard]] std::string compare_after_restart(const std::filesystem::path& folder, const Account& account);

}  // namespace usher::testing
