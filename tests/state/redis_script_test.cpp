// The scripts' checks before their first write (rule S7): whatever is not as it was left is told, and nothing is changed.
#include "tests/state/redis_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "routing/state/redis_limits.hpp"
#include "routing/state/redis_writer.hpp"

using namespace usher::testing;
using usher::message::Fault;

namespace {

// Touches everything a commit can touch.
Commit broad_commit() {
  auto wanted = step({0, 1}, 2, {{"agents", "ana", "2"}, {"agents", "ben", std::nullopt}, {"fresh", "a", "1"},
                                 {"queues", "*", std::nullopt}});
  wanted.bodies = {Body{{1, 1}, 1, {9, 11}, "{}"}, Body{{2, 2}, 0, {9, 20}, "{}"}};
  wanted.bodies_gone = {{1, 1}, {3, 3}};
  wanted.outbox = {OutboxEntry{2, 0, Stream::events, {"0/2/0", "t", "v"}}};
  wanted.outbox_done = 1;
  return wanted;
}

std::string zeros_and(const std::string& end) { return std::string(32 - end.size(), '0') + end; }

}  // namespace

TEST_CASE("a key of another type under a commit is told, and nothing is written [rule-S7]", "[redis][rule-S7]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  auto& server = fixture.server;
  const std::string partition = "usher:v1:{0}:";
  const std::string generation = partition + "g" + fixture.generation() + ":";
  const auto key = GENERATE_COPY(values<std::string>(
      {"meta", "G:tables", "G:table:agents", "G:table:queues", "G:table:fresh", "G:outbox", "G:outbox-order",
       "texts:" + std::string(15, '0') + "1" + std::string(15, '0') + "1",
       "texts:" + std::string(15, '0') + "2" + std::string(15, '0') + "2"}));
  INFO(key);
  const auto full = key.starts_with("G:") ? generation + key.substr(2) : partition + key;
  server.ask({"SET", full, "a string where none belongs"});
  const auto before = fixture.everything();
  const auto outcome = commit(*fixture.store, broad_commit());
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().fault == Fault::malformed);
  CHECK(fixture.everything() == before);
}

TEST_CASE("a list of texts that is none is erased with its conversation and mended by a rewrite [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture;
  auto& server = fixture.server;
  const std::string texts = "usher:v1:{0}:texts:" + std::string(15, '0');
  const auto three = texts + "3" + std::string(15, '0') + "3";
  server.ask({"SET", three, "a string where none belongs"});
  REQUIRE(commit(*fixture.store, broad_commit()));  // That conversation is forgotten.
  CHECK(fixture.everything().find(three) == std::string::npos);
  const auto nine = Body{{9, 9}, 4, {9, 90}, "kept"};
  Commit wanted;
  wanted.before = fixture.store->load_meta(0).value()->position;
  wanted.after = *fixture.store->load_meta(0).value();
  wanted.bodies = {nine};
  REQUIRE(commit(*fixture.store, wanted));
  const auto list = texts + "9" + std::string(15, '0') + "9";
  server.ask({"SET", list, "a string where none belongs"});
  Rewrite rewrite;
  rewrite.before = wanted.before;
  rewrite.after = wanted.after;
  rewrite.entities = fixture.store->load(0)->entities;
  rewrite.outbox = fixture.store->load(0)->outbox;
  rewrite.bodies = {nine};
  std::promise<Result<CommitReceipt>> answer;
  fixture.store->rewrite(rewrite, [&](Result<CommitReceipt> outcome) { answer.set_value(std::move(outcome)); });
  REQUIRE(answer.get_future().get());
  REQUIRE(fixture.store->bodies(0, {9, 9}, 100, 100)->size() == 1);
  CHECK(fixture.store->bodies(0, {9, 9}, 100, 100)->front().json == "kept");
}

TEST_CASE("a text with any bit changed is not given out [rule-S5]", "[redis][rule-S5]") {
  RedisFixture fixture;
  const auto key = "usher:v1:{0}:msg:" + std::string(15, '0') + "9" + std::string(15, '0') + "a";
  const auto sound = fixture.server.ask({"GET", key});
  REQUIRE(fixture.store->body(0, {9, 10}).value() == Body{{1, 1}, 0, {9, 10}, "{}"});
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    auto changed = sound;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    fixture.server.ask({"SET", key, changed});
    INFO(changed);
    CHECK(fixture.store->body(0, {9, 10}).value() == std::nullopt);
    CHECK(fixture.store->bodies(0, {1, 1}, 100, 100)->empty());
  }
}

TEST_CASE("an effect with any bit changed is not published [rule-S5]", "[redis][rule-S5]") {
  RedisFixture fixture;
  const auto outbox = "usher:v1:{0}:g" + fixture.generation() + ":outbox";
  const auto sound = fixture.server.ask({"HGET", outbox, "1/0"});
  const std::vector<OutboxEntry> written{{1, 0, Stream::events, {"0/1/0", "t", "v"}}};
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    auto changed = sound;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    fixture.server.ask({"HSET", outbox, "1/0", changed});
    INFO(changed);
    CHECK(fixture.store->outbox(0).error().fault == Fault::malformed);
    CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  }
  // As earlier builds wrote it.
  fixture.server.ask({"HSET", outbox, "1/0", "1 0 events 5 1\n0/1/0 t\nv"});
  CHECK(fixture.store->outbox(0).value() == written);
}

TEST_CASE("a text that an earlier build wrote without a checksum is read", "[redis]") {
  RedisFixture fixture;
  const auto id = std::string(15, '0') + "9" + std::string(15, '0') + "a";
  const auto conversation = std::string(15, '0') + "1" + std::string(15, '0') + "1";
  fixture.server.ask({"SET", "usher:v1:{0}:msg:" + id, conversation + " 0\n{\"text\":\"a b\"}"});
  CHECK(fixture.store->body(0, {9, 10}).value() == Body{{1, 1}, 0, {9, 10}, "{\"text\":\"a b\"}"});
  CHECK(fixture.store->bodies(0, {1, 1}, 100, 100)->size() == 1);
}

TEST_CASE("a text whose key or whose place in the list is wrong is missing and comes back [rule-S5]", "[redis][rule-S5]") {
  RedisFixture fixture;
  auto& server = fixture.server;
  const auto id = std::string(15, '0') + "9" + std::string(15, '0') + "a";
  const auto key = "usher:v1:{0}:msg:" + id;
  const auto list = "usher:v1:{0}:texts:" + std::string(15, '0') + "1" + std::string(15, '0') + "1";
  const auto how = GENERATE(0, 1, 2, 3);
  if (how == 0) server.ask({"ZADD", list, "1", id});
  if (how == 1) server.ask({"ZREM", list, id});
  if (how == 2) server.ask({"DEL", key});
  if (how == 3) server.ask({"DEL", key}), server.ask({"SADD", key, "a set where none belongs"});
  CHECK(fixture.store->bodies(0, {1, 1}, 100, 100)->empty());
  CHECK(fixture.store->body(0, {9, 10})->has_value() == (how < 2));
  auto again = step({0, 1}, 2);
  again.bodies = {Body{{1, 1}, 0, {9, 10}, "{}"}};
  again.bodies[0].replaces = how >= 2;
  REQUIRE(commit(*fixture.store, again));
  REQUIRE(fixture.store->bodies(0, {1, 1}, 100, 100)->size() == 1);
  CHECK(fixture.store->body(0, {9, 10}).value() == Body{{1, 1}, 0, {9, 10}, "{}"});
}

TEST_CASE("the same commit passes when nothing is wrong", "[redis]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  REQUIRE(commit(*fixture.store, broad_commit()));
  const auto loaded = fixture.store->load(0);
  REQUIRE(loaded);
  CHECK(loaded->entities == std::vector<Entity>{{"agents", "ana", "2"}, {"fresh", "a", "1"}});
  REQUIRE(loaded->outbox.size() == 1);
  CHECK(loaded->outbox[0].offset == 2);
  CHECK(fixture.store->outbox(0).value() == loaded->outbox);
}

TEST_CASE("an entity that somebody erased is noticed by the next commit, and a rewrite mends it [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  auto& server = fixture.server;
  const auto how = GENERATE(0, 1, 2, 3, 4, 5);
  if (how == 0) server.ask({"HDEL", fixture.table("agents"), "ben"});
  if (how == 1) server.ask({"HSET", fixture.table("agents"), "carl", "1"});
  if (how == 2) server.ask({"DEL", fixture.table("queues")});
  if (how == 3) server.ask({"DEL", "usher:v1:{0}:g" + fixture.generation() + ":tables"});
  if (how == 4) server.ask({"DEL", "usher:v1:{0}:g" + fixture.generation() + ":outbox"});
  if (how == 5) server.ask({"HDEL", "usher:v1:{0}:meta", "generation"});
  const auto before = fixture.everything();
  const auto outcome = commit(*fixture.store, step({0, 1}, 2, {{"policy", "head", "1"}}));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().fault == Fault::malformed);
  CHECK(fixture.everything() == before);
  Rewrite anew;
  anew.before = Position{0, 1};
  anew.after.position = {0, 1};
  anew.entities = {{"agents", "ana", "1"}, {"agents", "ben", "1"}, {"queues", "support", "1"}};
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.store->load(0)->entities == anew.entities);
  CHECK(commit(*fixture.store, step({0, 1}, 2, {{"policy", "head", "1"}})));
}

TEST_CASE("an effect that somebody erased is missed by a load and by whoever takes over [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture;
  const auto generation = "usher:v1:{0}:g" + fixture.generation();
  const auto all = GENERATE(false, true);
  if (all) fixture.server.ask({"DEL", generation + ":outbox", generation + ":outbox-order"});
  else fixture.server.ask({"HDEL", generation + ":outbox", "1/0"});
  CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  CHECK(fixture.store->outbox(0).error().fault == Fault::malformed);
  Rewrite anew;
  anew.before = Position{0, 1};
  anew.after.position = {0, 1};
  anew.outbox = {OutboxEntry{1, 0, Stream::events, {"0/1/0", "t", "v"}}};
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.store->load(0)->outbox == anew.outbox);
  CHECK(fixture.store->outbox(0).value() == anew.outbox);
}

TEST_CASE("a meta without its position is told, not taken for no state [rule-S7]", "[redis][rule-S7]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  fixture.server.ask({"HDEL", "usher:v1:{0}:meta", "epoch"});
  const auto before = fixture.everything();
  CHECK(fixture.store->load_meta(0).error().fault == Fault::malformed);
  CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  CHECK(commit(*fixture.store, step({0, 1}, 2)).error().fault == Fault::malformed);
  CHECK(fixture.store->initialise(0).error().fault == Fault::conflict);
  Rewrite named;
  named.before = Position{0, 1};
  CHECK(rewrite(*fixture.store, named).error().fault == Fault::malformed);
  CHECK(fixture.everything() == before);
}

TEST_CASE("a meta that cannot be read is mended by a rewrite that says so and by no other [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture;
  const std::string meta = "usher:v1:{0}:meta";
  Rewrite anew;
  anew.before = Position{0, 1};
  anew.after.position = {0, 3};
  anew.entities = {{"agents", "ana", "1"}};
  anew.outbox = {OutboxEntry{1, 0, Stream::events, {"0/1/0", "t", "v"}}};
  anew.over_damage = true;
  CHECK(rewrite(*fixture.store, anew).error().fault == Fault::conflict);  // Nothing is wrong with it.
  const auto field = GENERATE(values<std::string>(
      {"epoch", "offset", "fingerprint", "count", "digest", "entities", "outbox", "generation", ""}));
  const auto how = GENERATE(0, 1);
  INFO(field << " " << how);
  if (field.empty()) fixture.server.ask({"SET", meta, "a string where none belongs"});
  else if (how == 0) fixture.server.ask({"HDEL", meta, field});
  else fixture.server.ask({"HSET", meta, field, field == "generation" ? "" : "0x1z"});
  CHECK(fixture.store->load_meta(0).error().fault == Fault::malformed);
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.store->load(0)->entities == anew.entities);
  CHECK(fixture.store->load(0)->outbox == anew.outbox);
  CHECK(fixture.store->body(0, {9, 10}).value().has_value());  // Texts stay.
  CHECK(commit(*fixture.store, step({0, 3}, 4, {{"policy", "head", "1"}})));
}

TEST_CASE("a number of meta that somebody changed into another is damage, not another position [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  const std::string meta = "usher:v1:{0}:meta";
  const auto [field, value] = GENERATE(table<std::string, std::string>({{"epoch", "7"},
                                                                        {"offset", "0"},
                                                                        {"offset", "999"},
                                                                        {"fingerprint", "00000000000000000000000000000001"},
                                                                        {"count", "2"},
                                                                        {"digest", "00000000000000000000000000000001"}}));
  INFO(field << " " << value);
  REQUIRE(commit(*fixture.store, step({0, 1}, 2, {{"policy", "head", "1"}})));
  fixture.server.ask({"HSET", meta, field, value});
  CHECK(fixture.store->load_meta(0).error().fault == Fault::malformed);
  CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  Rewrite anew;
  anew.after.position = {0, 3};
  anew.entities = {{"agents", "ana", "1"}};
  anew.over_damage = true;
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.store->load_meta(0).value()->position == Position{0, 3});
  CHECK(commit(*fixture.store, step({0, 3}, 4, {{"policy", "head", "1"}})));
  // An earlier build writes no such fields.
  fixture.server.ask({"HDEL", meta, "numbers", "hashes"});
  fixture.server.ask({"HSET", meta, field, value});
  CHECK(fixture.store->load_meta(0));
}

TEST_CASE("after FLUSHALL every commit is refused, and a state can be begun anew [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  fixture.server.ask({"FLUSHALL"});
  CHECK(commit(*fixture.store, step({0, 1}, 2)).error().fault == Fault::conflict);
  CHECK_FALSE(fixture.store->load_meta(0)->has_value());
  CHECK(fixture.store->load(0).error().fault == Fault::not_found);
  CHECK(fixture.store->outbox(0).error().fault == Fault::not_found);
  CHECK(fixture.server.ask({"DBSIZE"}) == "0");
  REQUIRE(fixture.store->initialise(0));
  CHECK(commit(*fixture.store, step({}, 1, {{"t", "k", "v"}})));
}

TEST_CASE("a state whose meta was erased is begun anew without what it left [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture;
  fixture.server.ask({"DEL", "usher:v1:{0}:meta"});
  CHECK(commit(*fixture.store, step({0, 1}, 2)).error().fault == Fault::conflict);
  REQUIRE(fixture.store->initialise(0));
  CHECK(fixture.store->load(0)->entities.empty());
  // Meta, the set of generations, and the text with its list; nothing of the old tables.
  CHECK(fixture.server.ask({"DBSIZE"}) == "4");
}

TEST_CASE("of two routers' stores that race for one position, one wins every time [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture;
  const auto other = open_store(fixture.server.options());
  for (Offset offset = 2; offset <= 100; ++offset) {
    auto mine = begin(&RedisStore::commit, *fixture.store, step({0, offset - 1}, offset, {{"t", "k", "mine"}}));
    auto theirs = begin(&RedisStore::commit, *other, step({0, offset - 1}, offset, {{"t", "k", "theirs"}}));
    const auto first = mine.get();
    const auto second = theirs.get();
    REQUIRE(first.has_value() != second.has_value());
    CHECK((first ? second : first).error().fault == Fault::conflict);
    CHECK(fixture.store->entity(0, "t", "k").value() == (first ? "mine" : "theirs"));
  }
}

TEST_CASE("a commit over the caps is staged and applied as one [rule-S4]", "[redis][rule-S4]") {
  RedisFixture fixture;
  auto large = step({0, 1}, 2);
  for (int i = 0; i < 5000; ++i) large.changes.push_back({"t", std::to_string(i), std::string("\0\n", 2)});
  large.bodies = {Body{{4, 4}, 0, {9, 40}, std::string(900'000, 'z')}};
  auto stale = large;
  stale.before = {0, 0};
  CHECK(commit(*fixture.store, stale).error().fault == Fault::conflict);
  CHECK(fixture.store->load(0)->entities.size() == 3);
  REQUIRE(commit(*fixture.store, large));
  CHECK(fixture.store->load(0)->entities.size() == 5003);
  CHECK(fixture.store->body(0, {9, 40}).value()->json.size() == 900'000);
  CHECK(fixture.server.ask({"KEYS", "*staged*"}).empty());
}

TEST_CASE("what a staged commit lost is noticed, and nothing of it is applied [rule-S4]", "[redis][rule-S4]") {
  RedisFixture fixture;
  RedisDialer dialer(fixture.server.options());
  RedisLine line(dialer);
  fixture.server.ask({"RPUSH", "usher:v1:{0}:staged:x", "0", "1", "0", "2"});
  const auto before = fixture.everything();
  const auto reply = line.run(RedisScript::commit, {"usher:v1:{0}:meta", "usher:v1:{0}:staged:x"}, RedisCommand{"5"},
                              RedisDeadline::in(usher::message::Milliseconds{2000}));
  REQUIRE(reply);
  CHECK(script_outcome(reply->view()).error().fault == Fault::unavailable);
  CHECK(fixture.everything() == before);
}

TEST_CASE("a rewrite cut off in the middle leaves the old state whole, and the next one clears up [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture;
  RedisDialer dialer(fixture.server.options());
  RedisLine line(dialer);
  // The first piece of a rewrite, as redis_rewrite.cpp writes it; then its router dies.
  const RedisCommand piece{"0", "1", "abandoned", "1", "agents", "1", "zoe", "2", "0", "1", "7/0", "text", "7", "7/0"};
  const auto deadline = RedisDeadline::in(usher::message::Milliseconds{2000});
  REQUIRE(script_outcome(line.run(RedisScript::stage, {"usher:v1:{0}:meta"}, piece, deadline).value().view()));
  CHECK(fixture.server.ask({"KEYS", "*abandoned*"}) != "");
  const auto loaded = fixture.store->load(0);
  REQUIRE(loaded);
  CHECK(loaded->meta.position == Position{0, 1});
  CHECK(loaded->entities.size() == 3);
  CHECK(loaded->outbox.size() == 1);
  // It cannot be made the one that is read: the pieces that follow are missing.
  const RedisCommand flip{"0", "1", "0", "9", zeros_and("1"), "2", zeros_and("2"), "abandoned", "1", "1", "agents", "2"};
  const auto flipped = line.run(RedisScript::flip, {"usher:v1:{0}:meta"}, flip, deadline);
  CHECK(script_outcome(flipped.value().view()).error().fault == Fault::unavailable);
  CHECK(commit(*fixture.store, step({0, 1}, 2, {{"agents", "ana", "2"}})));
  Rewrite anew;
  anew.before = Position{0, 2};
  anew.after.position = {0, 2};
  anew.entities = {{"agents", "ana", "3"}};
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.store->load(0)->entities == anew.entities);
  CHECK(fixture.server.ask({"KEYS", "*abandoned*"}) == "");
  CHECK(fixture.server.ask({"SCARD", "usher:v1:{0}:generations"}) == "1");
}

TEST_CASE("a script the server forgot is loaded again", "[redis]") {
  RedisFixture fixture(GENERATE(RedisFixture::Commits::by_size, RedisFixture::Commits::by_transactions));
  fixture.server.ask({"SCRIPT", "FLUSH"});
  CHECK(commit(*fixture.store, step({0, 1}, 2)));
  CHECK(fixture.store->count_attempt(0, 2).value() == 1);
  fixture.server.ask({"SCRIPT", "FLUSH"});
  for (Offset at = 2; at < 5; ++at) CHECK(commit(*fixture.store, step({0, at}, at + 1, {{"agents", std::to_string(at), "1"}})));
  CHECK(fixture.store->load(0)->entities.size() == 6);
}

TEST_CASE("a large state is read in pages that belong to one moment, even while it changes", "[redis]") {
  RedisFixture fixture;
  Rewrite large;
  large.before = Position{0, 1};
  large.after.position = {0, 1};
  for (std::size_t i = 0; i < redis_limits::load_at_once_max + 1000; ++i) large.entities.push_back({"t", std::to_string(i), "0"});
  REQUIRE(rewrite(*fixture.store, large));
  const auto quiet = fixture.store->load(0);
  REQUIRE(quiet);
  CHECK(quiet->entities.size() == large.entities.size());
  CHECK(quiet->meta.position == Position{0, 1});
  // Each commit writes its offset at both ends of the keys: a mixture of two moments shows.
  std::atomic<bool> over{false};
  std::thread owner([&] {
    for (Offset offset = 2; !over; ++offset) {
      const auto now = std::to_string(offset);
      if (!commit(*fixture.store, step({0, offset - 1}, offset, {{"t", "0", now}, {"t", "9", now}, {"t", "999", now}}))) break;
    }
  });
  const auto other = open_store(fixture.server.options());
  for (int i = 0; i < 3; ++i) {
    const auto busy = other->load(0);
    CHECK(busy);
    if (!busy) break;
    const auto now = std::to_string(busy->meta.position.offset);
    CHECK(busy->entities.size() == large.entities.size());
    if (busy->meta.position.offset > 1)
      for (const char* key : {"0", "9", "999"})
        CHECK(std::binary_search(busy->entities.begin(), busy->entities.end(), Entity{"t", key, now}));
  }
  over = true;
  owner.join();
}
