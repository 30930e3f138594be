// Rule J6: kill -9 cannot prove an fsync, for the kernel keeps what was written. Here the disk loses power at a random
// write or sync, and everything that was acknowledged must be there afterwards. The same with syncing switched off must
// lose something, or the test proves nothing.
#include <catch2/catch.hpp>
#include <random>

#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/sqlite_load.hpp"
#include "tests/state/unsynced_vfs.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

struct Outcome {
  std::string wrong;  // Empty: nothing was lost.
  std::size_t acknowledged = 0;
  bool cut = false;
};

Outcome run_until_power_cut(std::uint64_t seed, bool synchronous) {
  const TemporaryFolder folder;
  UnsyncedVfs vfs;
  FakeClock clock;
  SqliteOptions options;
  options.vfs = vfs.name();
  options.synchronous = synchronous;
  // Small, so that checkpoints, restarts of the log and carrying changes over are among what the cut falls into.
  options.change_log_max = 12;
  options.checkpoint_bytes = 64 * 1024;
  options.log_bytes_max = 128 * 1024;
  std::mt19937_64 random(seed);
  Account account;
  Outcome outcome;
  {
    auto database = SqliteDatabase::open(folder.path(), clock, options);
    REQUIRE(database);
    REQUIRE((*database)->store().initialise(0));
    vfs.cut_after(1 + random() % 1500, random());
    // With syncing off there are fewer operations to count, so the end may come first.
    run_load(**database, account, 120, static_cast<int>(1 + random() % 16), true);
    outcome.cut = vfs.cut();
    vfs.cut_now(random());
  }
  outcome.acknowledged = account.appended.size();
  outcome.wrong = compare_after_restart(folder.path(), account);
  return outcome;
}

}  // namespace

TEST_CASE("rule J6: a power cut at any moment loses nothing that was acknowledged", "[state]") {
  std::size_t acknowledged = 0;
  int cut_under_way = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    const auto outcome = run_until_power_cut(seed, true);
    CHECK(outcome.wrong == "");
    acknowledged += outcome.acknowledged;
    cut_under_way += outcome.cut ? 1 : 0;
  }
  CHECK(acknowledged > 1000);
  CHECK(cut_under_way > 30);
}

TEST_CASE("rule J6: the power cut test notices a database that does not sync", "[state]") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) lost += run_until_power_cut(seed, false).wrong.empty() ? 0 : 1;
  CHECK(lost > 5);
}
