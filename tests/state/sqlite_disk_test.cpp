// A disk that is full or broken for a while: nothing acknowledged is lost, and the same SqliteDatabase goes on once the
// disk is well again. Power is cut at the end of each run, so that what was acknowledged must really be on the disk.
#include <sqlite3.h>

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

  std::int64_t checkpoint_bytes;

  explicit Machine(std::int64_t checkpoint = 64 * 1024) : checkpoint_bytes(checkpoint) {
    start();
    REQUIRE(database->store().initialise(0));
  }

  void start() {
    SqliteOptions options;
    options.vfs = vfs.name();
    options.checkpoint_bytes = checkpoint_bytes;
    options.log_bytes_max = 2 * checkpoint_bytes;
    options.change_log_max = 12;
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

  // Until checkpoints have written so many pages more.
  void append_until_copied(std::uint64_t pages) {
    const auto enough = vfs.database_writes() + pages;
    while (vfs.database_writes() < enough) REQUIRE(append(std::string(1000, 'c')));
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

TEST_CASE("power may go at any moment after a failed sync", "[state]") {
  for (std::uint64_t operation = 1; operation <= 40; ++operation) {
    INFO("cut " << operation << " operations later");
    Machine machine;
    for (int i = 0; i < 5; ++i) REQUIRE(machine.append("before"));
    machine.vfs.refuse_all(Refusal::sync_error);
    CHECK_FALSE(machine.append("refused" + std::string(20'000, 'x')));
    machine.vfs.heal();
    machine.vfs.cut_after(operation, operation);
    while (!machine.vfs.cut()) machine.append("after");
    CHECK(machine.lose_power() == "");
  }
}

TEST_CASE("a checkpoint whose sync failed is done again with the part that an earlier one had copied", "[state]") {
  Machine machine(256 * 1024);  // The first checkpoint must not come before the reader.
  REQUIRE(machine.append("first"));
  const auto copied_before = machine.vfs.database_writes();
  {
    // Whoever reads an old state of the log keeps a checkpoint from going beyond it.
    sqlite3* reader = nullptr;
    const auto file = machine.folder.path() / "usher.db";
    REQUIRE(sqlite3_open_v2(file.c_str(), &reader, SQLITE_OPEN_READWRITE, machine.vfs.name().c_str()) == SQLITE_OK);
    REQUIRE(sqlite3_db_config(reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM inbound_0", nullptr, nullptr, nullptr) == SQLITE_OK);
    while (machine.vfs.database_writes() == copied_before) REQUIRE(machine.append(std::string(1000, 'p')));
    sqlite3_close(reader);
  }
  machine.vfs.refuse_all(Refusal::database_sync_error);
  while (machine.vfs.refused() == 0) machine.append(std::string(1000, 'q'));
  machine.vfs.heal();
  for (int i = 0; i < 300; ++i) machine.append(std::string(1000, 'r'));
  CHECK(machine.lose_power() == "");
}

TEST_CASE("checkpoints go on through one connection", "[state]") {
  Machine machine;
  machine.append_until_copied(1);
  const auto opened = machine.vfs.database_opens();
  machine.append_until_copied(200);
  CHECK(machine.vfs.database_opens() == opened);
  CHECK(machine.lose_power() == "");
}

TEST_CASE("after a failed sync no connection is left open while the log is read anew", "[state]") {
  Machine machine;
  machine.append_until_copied(50);
  machine.vfs.refuse_all(Refusal::sync_error);
  CHECK_FALSE(machine.append("refused"));
  machine.vfs.heal();
  const auto opened = machine.vfs.database_first_opens();
  while (!machine.append("after")) {
  }
  CHECK(machine.vfs.database_first_opens() > opened);
  machine.append_until_copied(50);
  CHECK(machine.lose_power() == "");
}
