// What SqliteDatabase has beyond the two contracts: one process only, one transaction for many, refusals that undo only
// themselves, checkpoints, backup.
#include "routing/state/sqlite_database.hpp"

#include <sqlite3.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <latch>
#include <thread>

#include "routing/state/sqlite_journal.hpp"
#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/held_writer.hpp"
#include "tests/state/sqlite_load.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

std::unique_ptr<SqliteDatabase> open(const TemporaryFolder& folder, const FakeClock& clock,
                                     SqliteOptions options = {}) {
  auto opened = SqliteDatabase::open(folder.path(), clock, options);
  REQUIRE(opened);
  return std::move(*opened);
}

void shell(const std::filesystem::path& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  INFO(sqlite3_errmsg(database));
  CHECK(code == SQLITE_OK);
  sqlite3_close(database);
}

Commit commit_with(Position before, Offset offset, std::string json) {
  Commit commit;
  commit.before = before;
  commit.after.position = {0, offset};
  commit.changes = {{"t", "k", std::to_string(offset)}};
  commit.bodies = {Body{{1, 1}, 0, {2, static_cast<std::uint64_t>(offset)}, std::move(json)}};
  commit.outbox = {{offset, 0, Stream::outbound, {"id", "t", "v"}}};
  return commit;
}

}  // namespace

TEST_CASE("a second Usher on the same folder is refused with a sentence that names it", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto first = open(folder, clock);
  const auto second = SqliteDatabase::open(folder.path(), clock);
  REQUIRE_FALSE(second);
  CHECK(second.error().fault == Fault::conflict);
  CHECK_THAT(second.error().detail, Catch::Contains(folder.path().string()));
  first.reset();
  CHECK(SqliteDatabase::open(folder.path(), clock));
}

TEST_CASE("a file that is not Usher's, or of a newer Usher, is refused and left alone", "[state]") {
  const FakeClock clock;
  const TemporaryFolder foreign;
  shell(foreign.path() / "usher.db", "CREATE TABLE mine (x)");
  CHECK(SqliteDatabase::open(foreign.path(), clock).error().fault == Fault::malformed);
  const TemporaryFolder newer;
  open(newer, clock).reset();
  shell(newer.path() / "usher.db", "PRAGMA user_version = 99");
  CHECK_THAT(SqliteDatabase::open(newer.path(), clock).error().detail, Catch::Contains("99"));
  const TemporaryFolder garbage;
  std::ofstream(garbage.path() / "usher.db") << std::string(10'000, 'x');
  CHECK_FALSE(SqliteDatabase::open(garbage.path(), clock));
}

TEST_CASE("an error in the middle of a commit undoes that commit alone", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  open(folder, clock).reset();
  shell(folder.path() / "usher.db",
        "CREATE TRIGGER refuse BEFORE INSERT ON state_meta WHEN new.offset = 13 BEGIN SELECT raise(ABORT, 'no'); END");
  auto database = open(folder, clock);
  REQUIRE(database->store().initialise(0));
  // All in one transaction: the writer is held while they are handed in.
  HeldWriter held(*database);
  std::promise<Result<CommitReceipt>> failed, passed;
  std::promise<Result<usher::journal::Appended>> before, after;
  database->journal().append(Stream::inbound, 0, {"1", "t", "before"},
                             [&](auto outcome) { before.set_value(outcome); });
  database->store().commit(commit_with({}, 13, "unlucky"), [&](auto outcome) { failed.set_value(outcome); });
  database->journal().append(Stream::inbound, 0, {"2", "t", "after"}, [&](auto outcome) { after.set_value(outcome); });
  database->store().commit(commit_with({}, 14, "lucky"), [&](auto outcome) { passed.set_value(outcome); });
  held.release();
  CHECK(failed.get_future().get().error().fault == Fault::malformed);
  CHECK(before.get_future().get());
  CHECK(after.get_future().get());
  CHECK(passed.get_future().get());
  CHECK(database->store().load_meta(0).value()->position == Position{0, 14});
  CHECK(database->store().body(0, {2, 13}).value() == std::nullopt);
  const auto outbound = database->journal().read(Stream::outbound, 0, 0, 10);
  REQUIRE(outbound);
  REQUIRE(outbound->size() == 1);
  CHECK(outbound->front().offset == 0);
}

TEST_CASE("appends that wait while one transaction is synced share the next one", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder, clock);
  HeldWriter held(*database);
  constexpr int waiting = 500;
  std::latch answered(waiting);
  std::atomic<int> readable{0};
  for (int i = 0; i < waiting; ++i)
    database->journal().append(Stream::inbound, 0, {"", "", "x"}, [&](const auto&) {
      // The first answer comes when all are committed, since all are in one transaction.
      readable += database->journal().bounds(Stream::inbound, 0)->end == waiting ? 1 : 0;
      answered.count_down();
    });
  held.release();
  answered.wait();
  CHECK(readable == waiting);
}

TEST_CASE("an offset taken by a hand with the sqlite3 shell is passed over", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder, clock);
  shell(folder.path() / "usher.db", "INSERT INTO inbound_0 VALUES (0, 0, '', '', 'by hand')");
  std::promise<Result<usher::journal::Appended>> refused, appended;
  database->journal().append(Stream::inbound, 0, {}, [&](auto outcome) { refused.set_value(outcome); });
  CHECK(refused.get_future().get().error().fault == Fault::unavailable);
  database->journal().append(Stream::inbound, 0, {}, [&](auto outcome) { appended.set_value(outcome); });
  CHECK(appended.get_future().get()->offset == 1);
}

TEST_CASE("a database that lost what it had acknowledged takes nothing any more", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder, clock);
  Account account;
  REQUIRE(database->store().initialise(0));
  run_load(*database, account, 1, 8, false);
  shell(folder.path() / "usher.db",
        "DELETE FROM inbound_0 WHERE offset > 2; UPDATE sqlite_sequence SET seq = 2 WHERE name = 'inbound_0';"
        "DELETE FROM events_0; INSERT INTO events_0 VALUES (0, 0, '', '', '')");
  // The taken offset makes it look again.
  std::promise<Result<usher::journal::Appended>> first, second;
  database->journal().append(Stream::events, 0, {}, [&](auto outcome) { first.set_value(outcome); });
  CHECK_FALSE(first.get_future().get());
  database->journal().append(Stream::inbound, 0, {}, [&](auto outcome) { second.set_value(outcome); });
  const auto refused = second.get_future().get();
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().detail, Catch::Contains("lost acknowledged records of inbound_0"));
}

TEST_CASE("the log is copied while appends go on, and stays short", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  SqliteOptions options;
  options.checkpoint_bytes = 256 * 1024;
  options.log_bytes_max = 512 * 1024;
  auto database = open(folder, clock, options);
  REQUIRE(database->store().initialise(0));
  Account account;
  std::uintmax_t longest = 0;
  for (int i = 0; i < 150; ++i) {
    run_load(*database, account, 1, 64, false);
    longest = std::max(longest, std::filesystem::file_size(folder.path() / "usher.db-wal"));
  }
  CHECK(account.appended.size() == 150 * 64);
  CHECK(longest > 256 * 1024);
  CHECK(longest < 4 * 1024 * 1024);
  database.reset();
  CHECK_FALSE(std::filesystem::exists(folder.path() / "usher.db-wal"));
  CHECK(compare_after_restart(folder.path(), account) == "");
}

TEST_CASE("a backup taken while the database is written to is a whole database of that moment", "[state]") {
  const TemporaryFolder folder;
  const TemporaryFolder copy;
  const FakeClock clock;
  auto database = open(folder, clock);
  REQUIRE(database->store().initialise(0));
  Account before;
  run_load(*database, before, 5, 32, false);
  std::thread writing([&] {
    Account meanwhile;
    run_load(*database, meanwhile, 50, 32, false);
  });
  std::ofstream(copy.path() / "usher.db") << "an older backup";
  const auto made = database->backup(copy.path() / "usher.db");
  writing.join();
  REQUIRE(made);
  CHECK(compare_after_restart(copy.path(), before) == "");
  CHECK_FALSE(std::filesystem::exists(copy.path() / "usher.db.partial"));
  CHECK_FALSE(database->backup(copy.path() / "absent" / "usher.db"));
}

TEST_CASE("closing finishes what was handed in", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder, clock);
  std::atomic<int> answers{0};
  for (int i = 0; i < 1000; ++i)
    database->journal().append(Stream::inbound, 0, {}, [&](const auto& outcome) { answers += outcome ? 1 : 0; });
  database->journal().save_cursor("egress", Stream::inbound, 0, 7);
  database.reset();
  CHECK(answers == 1000);
  database = open(folder, clock);
  CHECK(database->journal().bounds(Stream::inbound, 0)->end == 1000);
  CHECK(database->journal().cursor("egress", Stream::inbound, 0).value() == 7);
}

TEST_CASE("erasing thousands of records keeps the rest and the bounds", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder, clock);
  std::latch answered(5000);
  for (int i = 0; i < 5000; ++i)
    database->journal().append(Stream::inbound, 0, {}, [&](const auto&) { answered.count_down(); });
  answered.wait();
  CHECK(database->erase_before(Stream::inbound, 0, 4500));
  CHECK(database->journal().bounds(Stream::inbound, 0)->first == 4500);
  CHECK(database->erase_before(Stream::inbound, 0, 100));
  CHECK(database->journal().read(Stream::inbound, 0, 4500, 1000)->size() == 500);
  CHECK(database->erase_before(Stream::events, 6, 100));
}
