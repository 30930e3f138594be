// What the writer writes to the log is gathered: one write for a transaction, nothing lost and nothing seen too early, whatever
// SQLite does with the log on the way, and whatever the disk says.
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <random>

#include "routing/state/sqlite_connection.hpp"
#include "routing/state/sqlite_gathered_writes.hpp"
#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/sqlite_load.hpp"
#include "tests/state/unsynced_vfs.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

bool append(SqliteDatabase& database, const std::string& value) {
  std::promise<bool> answer;
  database.journal().append(Stream::inbound, 0, {"", "", value},
                            [&](const auto& outcome) { answer.set_value(outcome.has_value()); });
  return answer.get_future().get();
}

using Rows = std::map<std::int64_t, std::string>;

Rows rows_in(SqliteConnection& connection) {
  auto statement = connection.statement("SELECT number, text FROM rows ORDER BY number");
  REQUIRE(statement.has_value());
  SqliteCursor cursor(connection.handle(), *statement);
  Rows rows;
  for (;;) {
    auto row = cursor.next();
    REQUIRE(row.has_value());
    if (!*row) return rows;
    rows[cursor.integer(0)] = std::string(cursor.bytes(1));
  }
}

std::string text_of(std::int64_t number) { return std::to_string(number) + std::string(1000, 'x'); }

// A connection that gathers, another that does not, and pages in memory for a few of them only, so that a transaction writes to the
// log before its end.
struct Two {
  TemporaryFolder folder;
  UnsyncedVfs vfs;
  SqliteGatheredWrites gathering{vfs.name()};
  std::unique_ptr<SqliteConnection> other = open(vfs.name());
  std::unique_ptr<SqliteConnection> writer = open(gathering.name());

  Two() {
    run("PRAGMA cache_size=8");
    run("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT NOT NULL)");
  }

  [[nodiscard]] std::unique_ptr<SqliteConnection> open(const std::string& name) const {
    SqliteOptions options;
    options.vfs = name;
    auto opened = SqliteConnection::open(folder.path() / "rows.db", options);
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  void run(const std::string& sql) const { REQUIRE(writer->run(sql).has_value()); }
  void insert(SqliteConnection& connection, std::int64_t from, std::int64_t to) const {
    for (auto number = from; number < to; ++number)
      REQUIRE(connection.run("INSERT INTO rows VALUES (" + std::to_string(number) + ", '" + text_of(number) + "')").has_value());
  }
  void insert(std::int64_t from, std::int64_t to) const { insert(*writer, from, to); }

  // As a machine finds the file that has lost its power now.
  Rows after_power_loss() {
    vfs.cut_now(7);
    writer.reset();
    other.reset();
    std::filesystem::remove(folder.path() / "rows.db-shm");
    auto survivor = open("");
    auto check = survivor->statement("PRAGMA integrity_check");
    REQUIRE(check.has_value());
    SqliteCursor cursor(survivor->handle(), *check);
    REQUIRE(cursor.next().value());
    CHECK(cursor.bytes(0) == "ok");
    return rows_in(*survivor);
  }
};

}  // namespace

TEST_CASE("a transaction reaches the log in one write however many pages it has", "[state]") {
  TemporaryFolder folder;
  UnsyncedVfs vfs;
  FakeClock clock;
  SqliteOptions options;
  options.vfs = vfs.name();
  auto database = SqliteDatabase::open(folder.path(), clock, options);
  REQUIRE(database.has_value());
  REQUIRE(append(**database, "the first writes the log's header too"));
  for (const std::size_t bytes : {100u, 10'000u, 80'000u}) {
    INFO(bytes);
    const auto before = vfs.log_writes();
    REQUIRE(append(**database, std::string(bytes, 'x')));
    CHECK(vfs.log_writes() == before + 1);
  }
  const auto before = vfs.log_writes();
  REQUIRE(append(**database, std::string(500'000, 'x')));
  CHECK(vfs.log_writes() == before + 5);
}

TEST_CASE("a database that does not sync does not gather either", "[state]") {
  TemporaryFolder folder;
  FakeClock clock;
  SqliteOptions options;
  options.synchronous = false;
  auto database = SqliteDatabase::open(folder.path(), clock, options);
  REQUIRE(database.has_value());
  for (std::size_t number = 0; number < 20; ++number) {
    const auto value = std::to_string(number) + std::string(5000, 'x');
    REQUIRE(append(**database, value));
    auto read = (*database)->journal().read(Stream::inbound, 0, static_cast<Offset>(number), 1);
    REQUIRE(read.has_value());
    REQUIRE(read->size() == 1);
    CHECK(read->front().entry.value == value);
  }
}

TEST_CASE("what a transaction writes to the log before its end is read again and changed again", "[state]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    // After such a ROLLBACK TO SQLite 3.40 itself writes checksums by which it does not find later transactions after a power loss.
    const bool goes_back = seed % 2 == 0;
    Two two;
    Rows committed;
    std::uint64_t written_before_end = 0;
    for (int transaction = 0; transaction < 6; ++transaction) {
      auto rows = committed;
      auto kept = rows;
      const auto before = two.vfs.log_writes();
      two.run("BEGIN IMMEDIATE");
      two.run("SAVEPOINT step");
      for (int step = 0; step < 60; ++step) {
        const auto number = static_cast<std::int64_t>(random() % 200);
        switch (random() % 8) {
          case 0:
            if (!goes_back) break;
            two.run("ROLLBACK TO step");
            rows = kept;
            break;
          case 1:
            two.run("RELEASE step");
            two.run("SAVEPOINT step");
            kept = rows;
            break;
          case 2:
            REQUIRE(rows_in(*two.writer) == rows);
            break;
          default:
            rows[number] = std::to_string(random()) + std::string(random() % 6000, 'y');
            two.run("INSERT OR REPLACE INTO rows VALUES (" + std::to_string(number) + ", '" + rows[number] + "')");
        }
      }
      written_before_end += two.vfs.log_writes() - before;
      CHECK(rows_in(*two.other) == committed);
      const bool keeps = random() % 3 != 0;
      two.run(keeps ? "COMMIT" : "ROLLBACK");
      if (keeps) committed = rows;
      REQUIRE(rows_in(*two.other) == committed);
      REQUIRE(rows_in(*two.writer) == committed);
    }
    CHECK(written_before_end > 0);
    if (goes_back) two.run("PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK(two.after_power_loss() == committed);
  }
}

TEST_CASE("what a transaction left that was rolled back is not written over what another program committed", "[state]") {
  Two two;
  two.insert(0, 10);
  const auto before = two.vfs.log_writes();
  two.run("BEGIN IMMEDIATE");
  two.insert(100, 160);
  two.run("ROLLBACK");
  REQUIRE(two.vfs.log_writes() == before);
  two.insert(*two.other, 200, 220);
  const bool goes_on = GENERATE(true, false);
  if (goes_on) two.insert(300, 310);
  Rows expected;
  for (const auto from : {0, 200, 300})
    for (int number = from; number < from + (from == 200 ? 20 : 10); ++number)
      if (goes_on || from != 300) expected[number] = text_of(number);
  CHECK(rows_in(*two.other) == expected);
  CHECK(two.after_power_loss() == expected);
}

TEST_CASE("the log's beginning and the log that is cut off are written as SQLite means it", "[state]") {
  Two two;
  Rows expected;
  for (std::int64_t round = 0; round < 12; ++round) {
    two.insert(round * 10, round * 10 + 10);
    for (auto number = round * 10; number < round * 10 + 10; ++number) expected[number] = text_of(number);
    two.run(round % 3 == 0 ? "PRAGMA wal_checkpoint(TRUNCATE)" : round % 3 == 1 ? "PRAGMA wal_checkpoint(RESTART)" : "SELECT 1");
    REQUIRE(rows_in(*two.other) == expected);
  }
  CHECK(two.after_power_loss() == expected);
}

TEST_CASE("a gathered write that fails fails the commit and is not forgotten", "[state]") {
  const auto refusal = GENERATE(Refusal::disk_full, Refusal::io_error, Refusal::write_error);
  Two two;
  two.insert(0, 10);
  Rows expected;
  for (int number = 0; number < 10; ++number) expected[number] = text_of(number);

  SECTION("at the commit itself") {
    two.run("BEGIN IMMEDIATE");
    two.insert(10, 12);
    two.vfs.refuse_all(refusal);
    CHECK_FALSE(two.writer->run("COMMIT").has_value());
    CHECK(two.writer->disk_full() == (refusal == Refusal::disk_full));
  }
  SECTION("when the rest of the transaction would go through") {
    two.run("BEGIN IMMEDIATE");
    const auto before = two.vfs.log_writes();
    two.insert(10, 70);
    REQUIRE(two.vfs.log_writes() == before);
    // Undone alone when the disk is full; the rows before it are still to be committed.
    two.vfs.refuse_all(refusal);
    CHECK_FALSE(two.writer->run("UPDATE rows SET text = text || 'z'").has_value());
    REQUIRE(two.vfs.refused() > 0);
    two.vfs.heal();
    CHECK_FALSE(two.writer->run("COMMIT").has_value());
  }
  two.vfs.heal();
  two.writer = two.open(two.gathering.name());
  CHECK(rows_in(*two.other) == expected);
  two.insert(20, 30);
  for (int number = 20; number < 30; ++number) expected[number] = text_of(number);
  CHECK(rows_in(*two.other) == expected);
  CHECK(two.after_power_loss() == expected);
}
