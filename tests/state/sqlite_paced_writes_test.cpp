// What a checkpoint writes goes to the disk a few pages at a time; a disk that fails meanwhile, or has no such call, costs nothing
// that was acknowledged.
#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <vector>

#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/sqlite_load.hpp"
#include "tests/state/unsynced_vfs.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

constexpr unsigned begun = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE;
constexpr off64_t page = 4096;

struct Push {
  off64_t offset;
  off64_t bytes;
  unsigned flags;
  std::uint64_t pages_written;  // Into the database, by then.
};

// The database on a disk that tells how it was written to.
struct Watched {
  TemporaryFolder folder;
  UnsyncedVfs vfs;
  FakeClock clock;
  Account account;
  std::unique_ptr<SqliteDatabase> database;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Push> pushes;
  std::size_t failing_from = 0;  // Counted in calls; 0: never.
  std::size_t failing_to = 0;
  int error = 0;

  void start() {
    SqliteOptions options;
    options.vfs = vfs.name();
    options.checkpoint_bytes = 256 * 1024;
    options.change_log_max = 64;
    options.sync_range = [this](int, off64_t offset, off64_t bytes, unsigned flags) {
      const std::lock_guard lock(mutex);
      pushes.push_back({offset, bytes, flags, vfs.database_writes()});
      changed.notify_all();
      const bool fails = pushes.size() >= failing_from && pushes.size() < failing_to;
      errno = error;
      return fails ? -1 : 0;
    };
    auto opened = SqliteDatabase::open(folder.path(), clock, options);
    REQUIRE(opened);
    database = std::move(*opened);
    REQUIRE(database->store().initialise(0));
  }

  // Rows in many places, since entities and texts have tables of their own.
  void load(int rounds) {
    run_load(*database, account, rounds, 40, false);
    REQUIRE(account.refused == 0);
  }

  template <class Enough>
  void load_until(const Enough& enough) {
    for (int times = 0; times < 200; ++times) {
      load(10);
      std::unique_lock lock(mutex);
      if (changed.wait_for(lock, std::chrono::milliseconds(50), enough)) return;
    }
    FAIL("the checkpointer did not come that far");
  }

  std::string lose_power() {
    vfs.cut_now(7);
    database.reset();
    return compare_after_restart(folder.path(), account);
  }
};

}  // namespace

TEST_CASE("what a checkpoint writes is handed to the disk four ranges at a time and waited for", "[state]") {
  Watched watched;
  watched.start();
  watched.load_until([&] { return watched.pushes.size() >= 200; });
  const std::lock_guard lock(watched.mutex);
  // Before the first, the file was made.
  auto written = watched.pushes.front().pages_written;
  const auto made = written;
  off64_t pushed = 0;
  std::vector<Push> under_way;
  for (const auto& push : watched.pushes) {
    if (push.flags == begun) {
      // Only what has been waited for is followed by more.
      if (under_way.empty()) {
        CHECK(push.pages_written - written <= 4 * 16 + 1);
        written = push.pages_written;
      }
      CHECK(push.bytes <= 16 * page);
      under_way.push_back(push);
      CHECK(under_way.size() <= 4);
      pushed += push.bytes;
      continue;
    }
    REQUIRE(push.flags == SYNC_FILE_RANGE_WAIT_AFTER);
    const auto same = std::find_if(under_way.begin(), under_way.end(), [&](const auto& one) { return one.offset == push.offset; });
    REQUIRE(same != under_way.end());
    CHECK(same->bytes == push.bytes);
    under_way.erase(same);
  }
  CHECK(pushed / page >= static_cast<off64_t>(written - made));
}

TEST_CASE("a failure while a checkpoint's pages are pushed costs nothing and all are copied again", "[state]") {
  Watched watched;
  watched.error = GENERATE(EIO, ENOSPC, EDQUOT);
  watched.failing_from = 30;
  watched.failing_to = 31;
  watched.start();
  watched.load_until([&] { return watched.pushes.size() >= 120; });
  {
    const std::lock_guard lock(watched.mutex);
    const auto& all = watched.pushes;
    // The first page of the database was pushed before, and is again, from the first connection that reads the log anew.
    const auto is_first = [](const Push& push) { return push.offset == 0 && push.flags == begun; };
    CHECK(std::any_of(all.begin(), all.begin() + 29, is_first));
    CHECK(std::find_if(all.begin() + 30, all.end(), is_first) - all.begin() < 40);
  }
  CHECK(watched.lose_power() == "");
}

TEST_CASE("where the system cannot push single pages a checkpoint goes on without", "[state]") {
  Watched watched;
  watched.error = GENERATE(ENOSYS, EINVAL, EPERM);
  watched.failing_from = 1;
  watched.failing_to = 2;
  watched.start();
  watched.load_until([&] { return watched.vfs.database_writes() > 300; });
  const std::lock_guard lock(watched.mutex);
  CHECK(watched.pushes.size() == 1);
  CHECK(watched.account.refused == 0);
}
