// The change log of usher.db: whatever is in the log, in the tables, or between the two, readers, restarts and crashes see
// one and the same state; and a text that the journal has is not stored again.
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <random>
#include <thread>

#include "routing/state/memory_store.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/journal/fake_clock.hpp"
#include "tests/journal/show_result.hpp"
#include "tests/journal/temporary_folder.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

constexpr std::uint32_t no_limit = 1'000'000;

SqliteOptions carrying_after(std::size_t entries) {
  SqliteOptions options;
  options.change_log_max = entries;
  return options;
}

std::unique_ptr<SqliteDatabase> open(const std::filesystem::path& folder, const FakeClock& clock, std::size_t entries) {
  auto opened = SqliteDatabase::open(folder, clock, carrying_after(entries));
  REQUIRE(opened);
  return std::move(*opened);
}

template <class Begin>
Result<CommitReceipt> outcome_of(const Begin& begin) {
  std::promise<Result<CommitReceipt>> answer;
  begin([&](Result<CommitReceipt> outcome) { answer.set_value(std::move(outcome)); });
  return answer.get_future().get();
}

Result<CommitReceipt> commit(StateStore& store, const Commit& wanted) {
  return outcome_of([&](CommitDone done) { store.commit(wanted, std::move(done)); });
}

Result<CommitReceipt> rewrite(StateStore& store, const Rewrite& wanted) {
  return outcome_of([&](CommitDone done) { store.rewrite(wanted, std::move(done)); });
}

Offset append(SqliteDatabase& database, const std::string& value) {
  std::promise<Offset> answer;
  database.journal().append(Stream::inbound, 0, {"id", "t", value}, [&](const auto& done) { answer.set_value(done->offset); });
  return answer.get_future().get();
}

// The first column of the first row, through another connection, as text.
std::string look(const std::filesystem::path& folder, const std::string& sql) {
  sqlite3* database = nullptr;
  std::string found;
  REQUIRE(sqlite3_open_v2((folder / "usher.db").c_str(), &database, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  const auto take = [](void* into, int, char** columns, char**) {
    if (columns[0] != nullptr) *static_cast<std::string*>(into) = columns[0];
    return 0;
  };
  CHECK(sqlite3_exec(database, sql.c_str(), take, &found, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  return found;
}

// What a process that is killed now leaves behind.
void copy_as_killed(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directories(to);
  for (const char* name : {"usher.db", "usher.db-wal"})
    if (std::filesystem::exists(from / name)) std::filesystem::copy_file(from / name, to / name);
}

Body body(std::uint64_t conversation, std::uint32_t sequence, std::uint64_t id, std::string json, Offset offset = offset_none) {
  return Body{{7, conversation}, sequence, {9, id}, std::move(json), offset};
}

// The same steps into a database and into memory, made up from a seed.
class Twins {
 public:
  Twins(std::uint64_t seed, std::size_t entries) : random_(seed), entries_(entries) {
    database_ = open(folder_.path(), clock_, entries_);
    REQUIRE(database_->store().initialise(0));
    REQUIRE(memory_.initialise(0));
  }

  void step() {
    const auto what = below(40);
    if (what == 0) return reopen();
    if (what == 1) return go_on_as_killed();
    if (what == 2) return write_anew();
    Commit wanted;
    wanted.before = position_;
    wanted.after = next();
    for (auto count = below(12); count-- > 0;) wanted.changes.push_back(change());
    for (auto count = below(4); count-- > 0;) wanted.bodies.push_back(text());
    if (below(10) == 0) wanted.bodies_gone.push_back({7, below(6)});
    REQUIRE(commit(database_->store(), wanted));
    REQUIRE(commit(memory_, wanted));
    position_ = wanted.after.position;
  }

  void compare() { compare_with(database_->store()); }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  Meta next() { return {{0, ++offset_}, {1, 2}, {3, {4, 5}}}; }

  Change change() {
    const std::string table(1, static_cast<char>('a' + below(3)));
    if (below(25) == 0) return {table, "*", std::nullopt};
    const auto key = std::to_string(below(30));
    if (below(4) == 0) return {table, key, std::nullopt};
    return {table, key, std::to_string(random_())};
  }

  Body text() {
    const auto id = ++bodies_;
    auto json = "text " + std::to_string(id);
    const auto offset = below(2) == 0 ? append(*database_, json) : offset_none;
    return body(below(6), static_cast<std::uint32_t>(id), id, std::move(json), offset);
  }

  void reopen() {
    database_.reset();
    CHECK(look(folder_.path(), "SELECT count(*) FROM changes") == "0");
    database_ = open(folder_.path(), clock_, entries_);
  }

  void go_on_as_killed() {
    const TemporaryFolder& other = killed_;
    copy_as_killed(folder_.path(), other.path());
    database_.reset();
    copy_as_killed(other.path(), folder_.path());
    database_ = open(folder_.path(), clock_, entries_);
  }

  void write_anew() {
    Rewrite wanted;
    wanted.before = position_;
    wanted.after = next();
    for (int key = 0; key < 5; ++key) wanted.entities.push_back({"a", std::to_string(key), std::to_string(random_())});
    wanted.bodies.push_back(text());
    REQUIRE(rewrite(database_->store(), wanted));
    REQUIRE(rewrite(memory_, wanted));
    position_ = wanted.after.position;
  }

  void compare_with(StateStore& store) {
    const auto mine = store.load(0);
    REQUIRE(mine);
    const auto other = memory_.load(0);
    CHECK(mine->entities == other->entities);
    CHECK(mine->meta == other->meta);
    for (std::uint64_t conversation = 0; conversation < 6; ++conversation) {
      const ConversationId id{7, conversation};
      const auto before = static_cast<std::uint32_t>(below(bodies_ + 2));
      CHECK(plain(store.bodies(0, id, no_limit, 3)) == plain(memory_.bodies(0, id, no_limit, 3)));
      CHECK(plain(store.bodies(0, id, before, 2)) == plain(memory_.bodies(0, id, before, 2)));
    }
    for (int i = 0; i < 3; ++i) {
      const MessageId id{9, 1 + below(bodies_ + 1)};
      CHECK(plain(store.body(0, id)) == plain(memory_.body(0, id)));
      const auto key = std::to_string(below(30));
      CHECK(store.entity(0, "a", key).value() == memory_.entity(0, "a", key).value());
    }
  }

  // The memory keeps offsets; readers of a store that is the journal too see none.
  static std::vector<Body> plain(const Result<std::vector<Body>>& bodies) {
    auto all = bodies.value();
    for (auto& one : all) one.offset = offset_none;
    return all;
  }
  static std::vector<Body> plain(const Result<std::optional<Body>>& one) {
    return one.value() ? plain(Result<std::vector<Body>>(std::vector<Body>{**one})) : std::vector<Body>{};
  }

  std::mt19937_64 random_;
  const std::size_t entries_;
  const TemporaryFolder folder_;
  const TemporaryFolder killed_;
  const FakeClock clock_;
  MemoryStore memory_;
  std::unique_ptr<SqliteDatabase> database_;
  Position position_;
  Offset offset_ = 0;
  std::uint64_t bodies_ = 0;
};

}  // namespace

TEST_CASE("rule S1: log and tables together are the state, however far the one was carried into the others",
          "[state][rule-S1]") {
  const std::size_t entries = GENERATE(std::size_t{1}, std::size_t{20}, std::size_t{150}, std::size_t{100'000});
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed << ", carried after " << entries);
    Twins twins(seed, entries);
    for (int step = 0; step < 150; ++step) {
      twins.step();
      if (step % 5 == 0) twins.compare();
    }
    twins.compare();
  }
}

// In rows, while that many commits of as many changes each are made.
std::size_t longest_log(const std::filesystem::path& folder, std::size_t carried_after, Offset commits, Offset changes) {
  const FakeClock clock;
  auto database = open(folder, clock, carried_after);
  auto& store = database->store();
  REQUIRE(store.initialise(0));
  std::size_t longest = 0;
  Position before;
  for (Offset offset = 0; offset < commits; ++offset) {
    Commit wanted;
    wanted.before = before;
    wanted.after.position = before = {0, offset};
    for (Offset i = 0; i < changes; ++i) wanted.changes.push_back({"t", std::to_string(offset * changes + i), "v"});
    REQUIRE(commit(store, wanted));
    longest = std::max(longest, static_cast<std::size_t>(std::stoul(look(folder, "SELECT count(*) FROM changes"))));
  }
  CHECK(std::stoul(look(folder, "SELECT count(*) FROM entities")) > 4000);
  return longest;
}

TEST_CASE("the log is carried into the tables while commits go on, and stays short", "[state]") {
  const TemporaryFolder folder;
  const auto longest = longest_log(folder.path(), 500, 600, 10);
  CHECK(longest > 40);
  CHECK(longest < 160);
}

TEST_CASE("the log stays short though each transaction brings more rows than are carried at once", "[state]") {
  const TemporaryFolder folder;
  CHECK(longest_log(folder.path(), 1000, 300, 300) * 300 < 7500);
}

TEST_CASE("rule S5: a text that stands in the journal is not stored again", "[state][rule-S5]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder.path(), clock, 1);
  REQUIRE(database->store().initialise(0));
  const auto offset = append(*database, "what the customer wrote");
  Commit wanted;
  wanted.after.position = {0, offset};
  wanted.bodies = {body(1, 0, 1, "what the customer wrote", offset), body(1, 1, 2, "what the agent wrote")};
  REQUIRE(commit(database->store(), wanted));
  CHECK(database->store().body(0, {9, 1}).value() == body(1, 0, 1, "what the customer wrote"));
  database.reset();
  CHECK(look(folder.path(), "SELECT offset || ',' || (json IS NULL) FROM bodies WHERE sequence = 0") == "0,1");
  CHECK(look(folder.path(), "SELECT json FROM bodies WHERE sequence = 1") == "what the agent wrote");
  CHECK(look(folder.path(), "SELECT json FROM readable_bodies WHERE sequence = 0") == "what the customer wrote");
  database = open(folder.path(), clock, 1);
  CHECK(database->store().bodies(0, {7, 1}, no_limit, 10).value() ==
        std::vector<Body>{body(1, 0, 1, "what the customer wrote"), body(1, 1, 2, "what the agent wrote")});
}

TEST_CASE("rule S5: texts outlive the records they stood in", "[state][rule-S5]") {
  // In the tables, or still in the log.
  const std::size_t entries = GENERATE(std::size_t{1}, std::size_t{100'000});
  INFO("carried after " << entries);
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder.path(), clock, entries);
  REQUIRE(database->store().initialise(0));
  std::vector<Body> all;
  Position before;
  const auto commit_text = [&](Offset offset) {
    const auto number = static_cast<std::uint64_t>(offset);
    Commit wanted;
    wanted.before = before;
    wanted.after.position = before = {0, offset};
    wanted.bodies = {body(number % 3, static_cast<std::uint32_t>(number), number, "text " + std::to_string(number), offset)};
    all.push_back(wanted.bodies.front());
    REQUIRE(commit(database->store(), wanted));
  };
  for (int i = 0; i < 5000; ++i) {
    std::string value = "text " + std::to_string(i);
    database->journal().append(Stream::inbound, 0, {"id", "t", std::move(value)}, [](const auto&) {});
  }
  (void)append(*database, "last");
  for (Offset offset = 0; offset < 60; ++offset) commit_text(offset);
  REQUIRE(database->erase_before(Stream::inbound, 0, 4000));
  // A router that read this one just before.
  commit_text(60);
  commit_text(4500);
  const auto check = [&] {
    for (const auto& one : all) {
      auto wanted = one;
      wanted.offset = offset_none;
      CHECK(database->store().body(0, one.id).value() == wanted);
    }
    CHECK(database->store().bodies(0, {7, 0}, no_limit, 1000)->size() == 22);
  };
  check();
  CHECK(database->journal().bounds(Stream::inbound, 0)->first == 4000);
  const TemporaryFolder killed;
  copy_as_killed(folder.path(), killed.path());
  database = open(killed.path(), clock, entries);
  check();
  database.reset();
  database = open(killed.path(), clock, entries);
  check();
  CHECK(look(killed.path(), "SELECT count(*) FROM bodies WHERE offset IS NOT NULL") == "1");
}

TEST_CASE("a reader never misses a text that goes from the log into the tables", "[state]") {
  const TemporaryFolder folder;
  const FakeClock clock;
  auto database = open(folder.path(), clock, 8);
  auto& store = database->store();
  REQUIRE(store.initialise(0));
  std::atomic<std::uint64_t> committed{0};
  std::atomic<std::uint64_t> missed{0};
  std::atomic<bool> ended{false};
  std::thread reading([&] {
    std::mt19937_64 random(5);
    while (!ended) {
      const auto newest = committed.load();
      if (newest == 0) continue;
      const auto id = newest - random() % std::min<std::uint64_t>(newest, 20);
      if (!store.body(0, {9, id}).value()) ++missed;
      if (store.bodies(0, {7, 1}, static_cast<std::uint32_t>(id) + 1, 4)->size() != std::min<std::uint64_t>(id, 4)) ++missed;
    }
  });
  Position before;
  for (std::uint64_t id = 1; id <= 600; ++id) {
    Commit wanted;
    wanted.before = before;
    wanted.after.position = before = {0, static_cast<Offset>(id)};
    wanted.bodies = {body(1, static_cast<std::uint32_t>(id), id, "text")};
    REQUIRE(commit(store, wanted));
    committed = id;
  }
  ended = true;
  reading.join();
  CHECK(missed == 0);
}
