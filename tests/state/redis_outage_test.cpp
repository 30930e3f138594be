// A server that is slow, gone, restarted or full: every call ends within its time, and what was answered stays.
#include "tests/state/redis_fixture.hpp"

#include <atomic>
#include <thread>

using namespace usher::testing;
using usher::message::Fault;
using usher::message::Milliseconds;
using namespace std::chrono_literals;

namespace {

// Tries until it works: the store says `unavailable` at once between its attempts.
template <class Call>
auto until_it_works(Call call) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  auto outcome = call();
  while (!outcome && outcome.error().fault == Fault::unavailable && std::chrono::steady_clock::now() < end) outcome = call();
  return outcome;
}

// True once its file has what was answered: synced once a second, a server whose disk takes its time over that answers before it has
// written, for two seconds at most.
bool has_written(const RedisServer& server) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (server.ask({"INFO", "persistence"}).find("aof_buffer_length:0\r") == std::string::npos)
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

Milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_CASE("a server that stands still answers unavailable within the time, and nothing hangs [rule-S3]", "[redis][rule-S3]") {
  RedisServer server;
  auto options = server.options();
  options.answer_within = 300ms;
  const auto store = open_store(options);
  RedisLeases leases(options);
  REQUIRE(store->initialise(0));
  REQUIRE(leases.hold({"a", "me", ""}, 60s));
  server.pause();
  const auto begin_all = std::chrono::steady_clock::now();
  auto written = begin(&RedisStore::commit, *store, step({}, 1, {{"t", "k", "v"}}));
  CHECK(store->load_meta(0).error().fault == Fault::unavailable);
  CHECK(store->load(0).error().fault == Fault::unavailable);
  CHECK(store->bodies(0, {1, 1}, 5, 5).error().fault == Fault::unavailable);
  CHECK(leases.hold({"a", "me", ""}, 60s).error().fault == Fault::unavailable);
  CHECK(written.get().error().fault == Fault::unavailable);
  CHECK(since(begin_all) < 5 * 300ms + 1s);
  server.resume();
  const auto meta = until_it_works([&] { return store->load_meta(0); });
  REQUIRE(meta);
  REQUIRE(*meta);
  // The commit that was not answered is there or not; the position tells, and the next one goes on from it.
  const auto position = (*meta)->position;
  CHECK((position == Position{} || position == Position{0, 1}));
  const auto next = until_it_works([&] { return commit(*store, step(position, 5)); });
  // Late: the server read the first commit only after it was asked for the position.
  if (!next) CHECK(next.error().fault == Fault::conflict);
  const auto end = until_it_works([&] { return store->load_meta(0); });
  CHECK(((*end)->position == Position{0, 5} || (*end)->position == Position{0, 1}));
}

TEST_CASE("a store is closed while its server stands still", "[redis]") {
  RedisServer server;
  auto options = server.options();
  options.answer_within = 300ms;
  auto store = open_store(options);
  REQUIRE(store->initialise(0));
  server.pause();
  std::vector<std::future<usher::message::Result<CommitReceipt>>> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(begin(&RedisStore::commit, *store, step({}, 1)));
  const auto begin_close = std::chrono::steady_clock::now();
  store.reset();
  CHECK(since(begin_close) < 300ms + 1s);
  for (auto& answer : answers) CHECK(answer.get().error().fault == Fault::unavailable);
  server.resume();
}

TEST_CASE("a connection lost in the middle of a commit: the position tells whether it was applied [rule-S1]", "[redis][rule-S1]") {
  const auto form = GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions);
  RedisFixture fixture(form);
  // A transaction needs several exchanges; some of them are to get through.
  const int pings = form == RedisFixture::Commits::by_transactions ? 20 : 0;
  int lost = 0;
  Offset offset = 1;
  // Every connection of the user is closed again and again while commits run.
  std::atomic<bool> over{false};
  std::thread closer([&] {
    while (!over) {
      fixture.server.ask({"CLIENT", "KILL", "USER", "usher"});
      for (int i = 0; i < pings; ++i) fixture.server.ask({"PING"});
    }
  });
  for (int i = 0; i < 300 || ((lost == 0 || offset < 10) && i < 20'000); ++i) {
    const auto outcome = commit(*fixture.store, step({0, offset}, offset + 1, {{"t", "k", std::to_string(offset + 1)}}));
    if (!outcome) {
      REQUIRE(outcome.error().fault == Fault::unavailable);
      ++lost;
      const auto meta = until_it_works([&] { return fixture.store->load_meta(0); });
      REQUIRE(meta);
      REQUIRE(*meta);
      const auto now = (*meta)->position.offset;
      REQUIRE((now == offset || now == offset + 1));
      offset = now;
    } else {
      ++offset;
    }
  }
  over = true;
  closer.join();
  CHECK(lost > 0);
  CHECK(until_it_works([&] { return fixture.store->entity(0, "t", "k"); }).value() == std::to_string(offset));
}

TEST_CASE("a server that is killed and started again still has every commit it answered", "[redis]") {
  const bool at_once = GENERATE(false, true);
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  Offset offset = 1;
  for (int round = 0; round < 3; ++round) {
    // Each start sets what is deployed: every second.
    if (at_once) REQUIRE(fixture.server.ask({"CONFIG", "SET", "appendfsync", "always"}) == "OK");
    for (int i = 0; i < 50; ++i, ++offset)
      REQUIRE(until_it_works([&] {
        const auto outcome = commit(*fixture.store, step({0, offset}, offset + 1, {{"t", std::to_string(offset + 1), "v"}}));
        // After an answer that did not come in time the position tells, as it does every caller (rule S1).
        const auto meta = fixture.store->load_meta(0);
        const bool there = meta && *meta && (*meta)->position == Position{0, offset + 1};
        return !outcome && there ? Result<CommitReceipt>(CommitReceipt{}) : outcome;
      }));
    if (!at_once) REQUIRE(has_written(fixture.server));
    fixture.server.kill();
    CHECK(fixture.store->load_meta(0).error().fault == Fault::unavailable);
    fixture.server.start();
    const auto loaded = until_it_works([&] { return fixture.store->load(0); });
    REQUIRE(loaded);
    CHECK(loaded->meta.position == Position{0, offset});
    CHECK(loaded->entities.size() == 3 + static_cast<std::size_t>(offset) - 1);
    CHECK(loaded->outbox.size() == 1);
  }
}

TEST_CASE("nobody waits for a server that is known to be gone", "[redis]") {
  RedisFixture fixture;
  fixture.server.stop();
  CHECK_FALSE(fixture.store->load_meta(0));
  const auto begin_all = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) CHECK(fixture.store->load_meta(0).error().fault == Fault::unavailable);
  CHECK(since(begin_all) < 1s);
  CHECK(RedisStore::open(fixture.server.options()).error().fault == Fault::unavailable);
  fixture.server.start();
  CHECK(until_it_works([&] { return fixture.store->load_meta(0); }));
}

TEST_CASE("a full server refuses a commit whole, and takes it when there is room again [rule-S3]", "[redis][rule-S3]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  fixture.server.ask({"CONFIG", "SET", "maxmemory", "1"});
  const auto before = fixture.everything();
  const auto refused = commit(*fixture.store, step({0, 1}, 2, {{"agents", "ben", std::nullopt}, {"t", "k", "v"}}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fault == Fault::unavailable);
  CHECK(fixture.everything() == before);
  // Nor is one begun that erases, and could not say so in the end.
  CHECK(commit(*fixture.store, step({0, 1}, 2, {{"agents", "ben", std::nullopt}})).error().fault == Fault::unavailable);
  CHECK(fixture.everything() == before);
  const auto loaded = fixture.store->load(0);
  REQUIRE(loaded);
  CHECK(loaded->entities.size() == 3);
  fixture.server.ask({"CONFIG", "SET", "maxmemory", "0"});
  CHECK(commit(*fixture.store, step({0, 1}, 2, {{"t", "k", "v"}})));
}

TEST_CASE("an older copy put back is read as it is, and the commits beyond it are refused [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture;
  fixture.server.stop();
  const auto data = fixture.server.folder() / "appendonlydir";
  const auto copy = fixture.server.folder() / "copy";
  std::filesystem::copy(data, copy, std::filesystem::copy_options::recursive);
  fixture.server.start();
  REQUIRE(until_it_works([&] { return commit(*fixture.store, step({0, 1}, 2, {{"agents", "ana", "2"}})); }));
  fixture.server.stop();
  std::filesystem::remove_all(data);
  std::filesystem::rename(copy, data);
  fixture.server.start();
  const auto loaded = until_it_works([&] { return fixture.store->load(0); });
  REQUIRE(loaded);
  CHECK(loaded->meta.position == Position{0, 1});
  CHECK(loaded->entities[0] == Entity{"agents", "ana", "1"});
  CHECK(until_it_works([&] { return commit(*fixture.store, step({0, 2}, 3)); }).error().fault == Fault::conflict);
  CHECK(commit(*fixture.store, step({0, 1}, 2)));
}

TEST_CASE("of a log whose end was cut off the rest is read, at an older position [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture;
  for (Offset offset = 2; offset <= 20; ++offset)
    REQUIRE(commit(*fixture.store, step({0, offset - 1}, offset, {{"t", std::to_string(offset), "v"}})));
  REQUIRE(has_written(fixture.server));
  fixture.server.kill();
  std::filesystem::path log;
  for (const auto& file : std::filesystem::directory_iterator(fixture.server.folder() / "appendonlydir"))
    if (file.path().string().ends_with(".incr.aof")) log = file.path();
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 700);
  fixture.server.start();
  const auto loaded = until_it_works([&] { return fixture.store->load(0); });
  REQUIRE(loaded);
  const auto offset = loaded->meta.position.offset;
  CHECK((offset > 1 && offset < 20));
  // Whole commits only: one entity for each offset from 2 on.
  CHECK(loaded->entities.size() == 3 + static_cast<std::size_t>(offset) - 1);
  CHECK(commit(*fixture.store, step({0, offset}, offset + 1)));
}
