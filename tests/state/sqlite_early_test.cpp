// Records that are read before they are durable (rule J6): their steps go to the disk with them, or not at all.
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <future>
#include <optional>

#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/held_writer.hpp"
#include "tests/state/sqlite_load.hpp"
#include "tests/state/unsynced_vfs.hpp"

using namespace usher::state;
using namespace usher::testing;
using usher::journal::Appended;

namespace {

struct Shop {
  TemporaryFolder folder;
  UnsyncedVfs vfs;
  FakeClock clock;
  std::unique_ptr<SqliteDatabase> database;
  std::optional<HeldWriter> held;

  Shop() {
    SqliteOptions options;
    options.vfs = vfs.name();
    auto opened = SqliteDatabase::open(folder.path(), clock, options);
    REQUIRE(opened);
    database = std::move(*opened);
    REQUIRE(store().initialise(0));
  }
  // With a state that stands at the first record.
  static std::unique_ptr<Shop> begun() {
    auto shop = std::make_unique<Shop>();
    REQUIRE(shop->append("first").get());
    REQUIRE(shop->commit({}, 0).get());
    return shop;
  }

  usher::journal::Journal& journal() { return database->journal(); }
  StateStore& store() { return database->store(); }
  void hold() { held.emplace(*database); }

  std::future<Result<Appended>> append(std::string value) {
    auto answer = std::make_shared<std::promise<Result<Appended>>>();
    journal().append(Stream::inbound, 0, {"id", "t", std::move(value)}, [answer](auto outcome) { answer->set_value(outcome); });
    return answer->get_future();
  }
  std::future<Result<CommitReceipt>> commit(Position before, Offset offset, std::uint64_t losses = 0) {
    Commit commit;
    commit.before = before;
    commit.after.position = {0, offset};
    commit.early_losses = losses;
    commit.changes = {{"t", "k", std::to_string(offset)}, {"t", "k" + std::to_string(offset), "there"}};
    commit.outbox = {{offset, 0, Stream::events, {"0/" + std::to_string(offset), "t", "v"}}};
    auto answer = std::make_shared<std::promise<Result<CommitReceipt>>>();
    store().commit(std::move(commit), [answer](auto outcome) { answer->set_value(outcome); });
    return answer->get_future();
  }
  std::int64_t count(const char* sql) {
    sqlite3* shell = nullptr;
    REQUIRE(sqlite3_open_v2((folder.path() / "usher.db").c_str(), &shell, SQLITE_OPEN_READONLY, vfs.name().c_str()) == SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_prepare_v2(shell, sql, -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const auto found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(shell);
    return found;
  }
};

}  // namespace

TEST_CASE("J6: a record that waits for the disk is read with the offset and time it will have", "[state][J6]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  shop.hold();
  auto second = shop.append("second");
  const auto early = shop.journal().read_early(0, 1, 10).value();
  CHECK(shop.journal().read(Stream::inbound, 0, 1, 10).value().empty());
  shop.held->release();
  const auto appended = second.get().value();
  REQUIRE(early.size() == 1);
  CHECK(early.front().offset == appended.offset);
  CHECK(early.front().appended_at == appended.appended_at);
  CHECK(early == shop.journal().read(Stream::inbound, 0, 1, 10).value());
  CHECK(shop.journal().early_losses() == 0);
}

TEST_CASE("J6: whoever reads records early is woken when they are handed in", "[state][J6]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  std::atomic<int> woken{0};
  shop.journal().on_early(0, [&] { ++woken; });
  shop.hold();
  auto second = shop.append("second");
  CHECK(woken == 1);
  shop.held->release();
  REQUIRE(second.get());
}

TEST_CASE("J6: a record and the commit that rests on it are durable in one moment", "[state][J6]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  std::promise<std::optional<Meta>> seen;
  shop.hold();
  auto second = shop.append("second");
  shop.journal().on_append(Stream::inbound, 0, [&] { seen.set_value(shop.store().load_meta(0).value()); });
  REQUIRE(shop.journal().read_early(0, 1, 10).value().size() == 1);
  auto committed = shop.commit({0, 0}, 1);
  shop.held->release();
  REQUIRE(second.get());
  REQUIRE(committed.get());
  CHECK(seen.get_future().get()->position == Position{0, 1});
}

TEST_CASE("S4: commits that wait for the disk become one and are answered one by one", "[state][S4]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  const auto rows = shop.count("SELECT count(*) FROM changes");
  shop.hold();
  std::vector<std::future<Result<Appended>>> records;
  std::vector<std::future<Result<CommitReceipt>>> commits;
  for (Offset offset = 1; offset <= 5; ++offset) {
    records.push_back(shop.append("more"));
    commits.push_back(shop.commit({0, offset - 1}, offset));
  }
  // Does not go on from the one before: refused by itself.
  auto stray = shop.commit({0, 2}, 9);
  shop.held->release();
  for (auto& commit : commits) CHECK(commit.get());
  CHECK(stray.get().error().fault == Fault::conflict);
  CHECK(shop.count("SELECT count(*) FROM changes") == rows + 1);
  CHECK(shop.store().load_meta(0).value()->position == Position{0, 5});
  CHECK(shop.store().entity(0, "t", "k").value() == "5");
  for (Offset offset = 1; offset <= 5; ++offset)
    CHECK(shop.store().entity(0, "t", "k" + std::to_string(offset)).value() == "there");
  const auto events = shop.journal().read(Stream::events, 0, 0, 10).value();
  REQUIRE(events.size() == 6);
  for (Offset offset = 0; offset <= 5; ++offset)
    CHECK(events[static_cast<std::size_t>(offset)].entry.id == "0/" + std::to_string(offset));
}

TEST_CASE("S4: what waits for more never grows beyond a batch", "[state][S4]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  const auto rows = shop.count("SELECT count(*) FROM changes");
  shop.hold();
  std::vector<std::future<Result<CommitReceipt>>> commits;
  std::vector<std::future<Result<Appended>>> records;
  for (Offset offset = 1; offset <= 1000; ++offset) {
    records.push_back(shop.append("more"));
    commits.push_back(shop.commit({0, offset - 1}, offset));
  }
  shop.held->release();
  for (auto& commit : commits) REQUIRE(commit.get());
  CHECK(shop.count("SELECT count(*) FROM changes") >= rows + 4);
}

TEST_CASE("J6: a commit that rests on a record that was lost is refused, and so is whatever goes on from it", "[state][J6]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  shop.hold();
  auto second = shop.append("second");
  REQUIRE(shop.journal().read_early(0, 1, 10).value().size() == 1);
  auto committed = shop.commit({0, 0}, 1);
  std::promise<std::uint64_t> known;
  shop.journal().append(Stream::inbound, 0, {"id", "t", "third"},
                        [&](const auto&) { known.set_value(shop.journal().early_losses()); });
  shop.vfs.refuse_all(Refusal::disk_full);
  shop.held->release();
  CHECK(second.get().error().fault == Fault::unavailable);
  CHECK_FALSE(committed.get());
  CHECK(known.get_future().get() == 1);  // Before anybody is told.
  shop.vfs.heal();
  auto fourth = shop.append("fourth").get();
  REQUIRE(fourth);
  CHECK(fourth->offset > 2);  // What was given once names nothing else.
  CHECK(shop.commit({0, 0}, fourth->offset).get().error().fault == Fault::conflict);
  CHECK(shop.store().load_meta(0).value()->position == Position{0, 0});
  // Read anew, all is well.
  const auto there = shop.journal().read_early(0, 1, 10).value();
  REQUIRE(there.size() == 1);
  CHECK(there.front().offset == fourth->offset);
  CHECK(shop.commit({0, 0}, fourth->offset, shop.journal().early_losses()).get());
}

TEST_CASE("J6: a reader that falls behind gets every record once and in order", "[state][J6]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  shop.hold();
  constexpr Offset last = 6000;
  std::vector<std::future<Result<Appended>>> records;
  for (Offset offset = 1; offset <= last; ++offset) records.push_back(shop.append(std::to_string(offset)));
  Offset next = 1;
  const auto read_on = [&] {
    for (;;) {
      const auto found = shop.journal().read_early(0, next, 256).value();
      for (const auto& one : found) {
        REQUIRE(one.offset == next);
        REQUIRE(one.entry.value == std::to_string(next));
        ++next;
      }
      if (found.empty()) return;
    }
  };
  read_on();
  CHECK(next == 1);  // So many are not kept for it, and none may be passed over.
  shop.held->release();
  for (auto& record : records) REQUIRE(record.get());
  read_on();
  CHECK(next == last + 1);
}

TEST_CASE("J2: a gap at the beginning of a log is no loss until something was erased", "[state][J2][J6]") {
  Shop shop;
  shop.vfs.refuse_all(Refusal::disk_full);
  CHECK_FALSE(shop.append("lost").get());
  shop.vfs.heal();
  const auto first = shop.append("first").get();
  REQUIRE(first);
  CHECK(first->offset > 0);
  CHECK(shop.journal().bounds(Stream::inbound, 0).value().first == 0);
  CHECK(shop.journal().read(Stream::inbound, 0, 0, 10).value().size() == 1);
  REQUIRE(shop.append("second").get());
  REQUIRE(shop.database->erase_before(Stream::inbound, 0, first->offset + 1));
  CHECK(shop.journal().read(Stream::inbound, 0, first->offset, 10).error().fault == Fault::not_found);
  CHECK(shop.journal().bounds(Stream::inbound, 0).value().first == first->offset + 1);
}

TEST_CASE("X1: for an hour after an unclean end no record is read before it is durable", "[state][X1][J6]") {
  TemporaryFolder crashed;
  {
    const TemporaryFolder folder;
    const FakeClock clock;
    auto database = SqliteDatabase::open(folder.path(), clock).value();
    REQUIRE(database->store().initialise(0));
    for (const auto* file : {"usher.db", "usher.db-wal"}) std::filesystem::copy(folder.path() / file, crashed.path() / file);
  }
  FakeClock clock;
  auto database = SqliteDatabase::open(crashed.path(), clock).value();
  const auto early_while_held = [&](Offset from) {
    HeldWriter held(*database);
    std::promise<void> answered;
    database->journal().append(Stream::inbound, 0, {"id", "t", "v"}, [&](const auto&) { answered.set_value(); });
    const auto found = database->journal().read_early(0, from, 10).value().size();
    held.release();
    answered.get_future().wait();
    return found;
  };
  CHECK(early_while_held(0) == 0);
  clock.pass(59 * 60'000);
  CHECK(early_while_held(1) == 0);
  clock.pass(2 * 60'000);
  CHECK(database->journal().read_early(0, 0, 10).value().size() == 2);
  CHECK(early_while_held(2) == 1);
  database.reset();
  database = SqliteDatabase::open(crashed.path(), clock).value();  // After a clean end.
  CHECK(early_while_held(3) == 1);
}

TEST_CASE("S4: a commit has its turn though appends never pause", "[state][S4]") {
  const auto begun = Shop::begun();
  auto& shop = *begun;
  constexpr int more = 6000;  // Than one transaction takes.
  constexpr int rounds = 4;
  std::atomic<int> round{0};
  std::atomic<int> committed_in{-1};
  std::promise<void> over;
  std::function<void()> flood = [&] {
    for (int i = 0; i < more; ++i)
      shop.journal().append(Stream::control, 0, {"id", "t", "v"}, [&, i](const auto&) {
        if (i == 0 && ++round < rounds) flood();  // Before the rest of these is written.
        else if (i == more - 1 && round == rounds && shop.journal().bounds(Stream::control, 0)->end >= rounds * more) over.set_value();
      });
  };
  shop.hold();
  Commit commit;
  commit.before = {0, 0};
  commit.after.position = {0, 1};
  auto second = shop.append("second");
  shop.store().commit(std::move(commit), [&](const auto& outcome) { committed_in = outcome ? round.load() : -2; });
  flood();
  shop.held->release();
  REQUIRE(second.get());
  over.get_future().wait();
  CHECK(committed_in >= 0);
  CHECK(committed_in < rounds);
}
