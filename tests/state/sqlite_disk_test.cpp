// A disk that is full or broken for a while: nothing acknowledged is lost, and the same SqliteDatabase goes on once the
// disk is well again. Power is cut at the end of each run, so that what was acknowledged must really be on the disk.
#include <catch2/catch.hpp>
#include <future>

#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/sqlite_load.hpp"
#include "tests/state/unsynced_vfs.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

struct Machine {
  TemporaryFolder folder;
  UnsyncedVfs vfs;
  FakeClock clock;
  Account account;
  std::unique_ptr<SqliteDatabase> database;

  Machine() {
    start();
    REQUIRE(database->store().initialise(0));
  }

  void start() {
    SqliteOptions options;
    options.vfs = vfs.name();
    options.checkpoint_bytes = 64 * 1024;
    options.log_bytes_max = 128 * 1024;
    auto opened = SqliteDatabase::open(folder.path(), clock, options);
    REQUIRE(opened);
    database = std::move(*opened);
  }

  // Appends and waits, and reads nothing: then the writer's are the only connections.
  bool append(const std::string& value) {
    std::promise<bool> answer;
    database->journal().append(Stream::inbound, 0, {"", "", value}, [&](const auto& outcome) {
      if (outcome) account.appended[outcome->offset] = value;
      answer.set_value(outcome.has_value());
    });
    return answer.get_future().get();
  }

  std::string lose_power() {
    vfs.cut_now(7);
    database.reset();
    return compare_after_restart(folder.path(), account);
  }
};

}  // namespace

TEST_CASE("a write or sync that fails now and then loses nothing acknowledged, and the database goes on", "[state]") {
  const auto refusal = GENERATE(Refusal::disk_full, Refusal::io_error);
  const std::uint64_t each = GENERATE(2u, 3u, 5u, 7u, 11u, 17u, 29u, 53u, 101u);
  INFO("every " << each << (refusal == Refusal::disk_full ? ", disk full" : ", I/O error"));
  Machine machine;
  run_load(*machine.database, machine.account, 5, 8, false);
  REQUIRE(machine.account.refused == 0);
  machine.vfs.refuse_every(each, refusal);
  run_load(*machine.database, machine.account, 40, 8, false);
  CHECK(machine.vfs.refused() > 0);
  machine.vfs.heal();
  // An error of a sync that nobody has been told yet may cost one more round.
  run_load(*machine.database, machine.account, 2, 8, false);
  machine.account.refused = 0;
  CHECK(run_load(*machine.database, machine.account, 5, 8, true) == 5);
  CHECK(machine.account.refused == 0);
  CHECK(machine.lose_power() == "");
}

TEST_CASE("while the disk is full appends and commits are refused as unavailable, and go on when space returns",
          "[state]") {
  const auto refusal = GENERATE(Refusal::disk_full, Refusal::io_error);
  Machine machine;
  run_load(*machine.database, machine.account, 5, 8, false);
  const auto before = machine.account.appended.size();
  machine.vfs.refuse_all(refusal);
  run_load(*machine.database, machine.account, 5, 8, false);
  CHECK(machine.account.appended.size() == before);
  CHECK(machine.account.refused == 45);
  CHECK(machine.database->store().count_attempt(0, 5).error().fault == Fault::unavailable);
  // Reading goes on meanwhile.
  CHECK(machine.database->journal().read(Stream::inbound, 0, 0, 100)->size() == before);
  machine.vfs.heal();
  machine.account.refused = 0;
  run_load(*machine.database, machine.account, 1, 8, false);
  machine.account.refused = 0;
  CHECK(run_load(*machine.database, machine.account, 3, 8, true) == 3);
  CHECK(machine.account.appended.size() >= before + 24);
  CHECK(machine.lose_power() == "");
}

TEST_CASE("a commit whose sync failed does not become the ground of the next one", "[state]") {
  Machine machine;
  REQUIRE(machine.append("before"));
  // Written, so that it can be read back from the cache, but never on the disk.
  machine.vfs.refuse_all(Refusal::sync_error);
  CHECK_FALSE(machine.append("refused"));
  CHECK_FALSE(machine.append("refused too"));
  machine.vfs.heal();
  while (!machine.append("after")) {
  }
  CHECK(machine.lose_power() == "");
}

TEST_CASE("what a process left after a failed sync is on the disk before the next process acknowledges anything",
          "[state]") {
  Machine machine;
  REQUIRE(machine.append("before"));
  machine.vfs.refuse_all(Refusal::sync_error);
  CHECK_FALSE(machine.append("refused"));
  machine.database.reset();
  machine.vfs.heal();
  machine.start();
  REQUIRE(machine.append("after"));
  CHECK(machine.lose_power() == "");
}

TEST_CASE("a checkpoint that failed after a part had been copied loses nothing of that part", "[state]") {
  for (std::uint64_t each = 20; each < 60; each += 2) {
    INFO("every " << each);
    Machine machine;
    machine.vfs.refuse_every(each, Refusal::sync_error);
    run_load(*machine.database, machine.account, 60, 24, false);
    machine.vfs.heal();
    run_load(*machine.database, machine.account, 20, 24, false);
    CHECK(machine.lose_power() == "");
  }
}
