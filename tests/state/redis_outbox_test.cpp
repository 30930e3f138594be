// The outbox in Redis: effects of a commit stand in blocks, which leave when all of them are out (rules E3, S5, S7).
#include "tests/state/redis_fixture.hpp"

#include "routing/state/redis_limits.hpp"

using namespace usher::testing;
using usher::message::Fault;

namespace {

OutboxEntry effect(Offset offset, std::uint32_t index, std::string value = "{}\n1 2\n") {
  return {offset, index, Stream::events, {"0/" + std::to_string(offset) + "/" + std::to_string(index), "a type", std::move(value)}};
}

struct OutboxFixture : RedisFixture {
  [[nodiscard]] std::string outbox() const { return "usher:v1:{0}:g" + generation() + ":outbox"; }
  // The fixture's own effect, of record 1, is out with the first commit.
  [[nodiscard]] Result<CommitReceipt> commit_effects(Offset before, Offset after, std::vector<OutboxEntry> effects, Offset done) {
    auto wanted = step({0, before}, after);
    wanted.outbox = std::move(effects);
    wanted.outbox_done = done;
    return commit(*store, wanted);
  }
  // What a load and whoever asks for the outbox alone are given, which is the same.
  [[nodiscard]] std::vector<OutboxEntry> waiting() const {
    const auto alone = store->outbox(0).value();
    CHECK(store->load(0)->outbox == alone);
    return alone;
  }
  [[nodiscard]] std::string blocks() const { return server.ask({"HLEN", outbox()}); }
  [[nodiscard]] std::string listed() const { return server.ask({"ZCARD", outbox() + "-order"}); }
};

}  // namespace

TEST_CASE("the effects of a commit share a block, and none is published when any bit of it was changed [rule-S5]", "[redis][rule-S5]") {
  OutboxFixture fixture;
  const std::vector<OutboxEntry> effects{effect(2, 0), effect(2, 1, ""), effect(3, 0)};
  REQUIRE(fixture.commit_effects(1, 3, effects, 1));
  CHECK(fixture.waiting() == effects);
  CHECK(fixture.blocks() == "1");
  CHECK(fixture.listed() == "1");
  const auto sound = fixture.server.ask({"HGET", fixture.outbox(), "2/0"});
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    auto changed = sound;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    fixture.server.ask({"HSET", fixture.outbox(), "2/0", changed});
    INFO(changed);
    CHECK(fixture.store->outbox(0).error().fault == Fault::malformed);
    CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  }
  // Cut off anywhere, too.
  for (std::size_t size = 0; size < sound.size(); ++size) {
    fixture.server.ask({"HSET", fixture.outbox(), "2/0", sound.substr(0, size)});
    CHECK(fixture.store->outbox(0).error().fault == Fault::malformed);
  }
}

TEST_CASE("a block that stands under another name is damage, and nothing of it is published [rule-S5]", "[redis][rule-S5]") {
  OutboxFixture fixture;
  const auto& server = fixture.server;
  REQUIRE(fixture.commit_effects(1, 3, {effect(2, 0), effect(2, 1), effect(3, 0)}, 1));
  REQUIRE(fixture.commit_effects(3, 4, {effect(4, 0)}, 1));
  const auto several = server.ask({"HGET", fixture.outbox(), "2/0"});
  const auto alone = server.ask({"HGET", fixture.outbox(), "4/0"});
  const auto is_damage = [&] {
    CHECK(fixture.store->outbox(0).error().fault == Fault::malformed);
    CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  };
  // Each in the place of the other.
  server.ask({"HSET", fixture.outbox(), "2/0", alone, "4/0", several});
  is_damage();
  // One alone, and the number of blocks is right.
  for (const std::string name : {"4/1", "5/0", "3/0", "04/0", "4/0 ", "4", ""}) {
    INFO(name);
    server.ask({"HDEL", fixture.outbox(), "4/0"});
    server.ask({"HSET", fixture.outbox(), "2/0", several, name, alone});
    is_damage();
    server.ask({"HDEL", fixture.outbox(), name});
  }
  // Several, by the name of one that is not the first of them.
  server.ask({"HDEL", fixture.outbox(), "2/0"});
  server.ask({"HSET", fixture.outbox(), "4/0", alone, "3/0", several});
  is_damage();
  server.ask({"HDEL", fixture.outbox(), "3/0"});
  server.ask({"HSET", fixture.outbox(), "2/0", several});
  CHECK(fixture.waiting().size() == 4);
}

TEST_CASE("a block leaves when all of it is out, and what of it is out before is not given out again [rule-E3]", "[redis][rule-E3]") {
  OutboxFixture fixture;
  // Not in their order, and the newest is not the last.
  REQUIRE(fixture.commit_effects(1, 4, {effect(2, 0), effect(4, 0), effect(3, 1), effect(3, 0)}, 1));
  CHECK(fixture.waiting() == std::vector<OutboxEntry>{effect(2, 0), effect(3, 0), effect(3, 1), effect(4, 0)});
  REQUIRE(fixture.commit_effects(4, 5, {effect(5, 0), effect(5, 1)}, 3));
  CHECK(fixture.waiting() == std::vector<OutboxEntry>{effect(4, 0), effect(5, 0), effect(5, 1)});
  CHECK(fixture.blocks() == "2");
  // What was out stays out.
  REQUIRE(fixture.commit_effects(5, 6, {}, 2));
  CHECK(fixture.waiting().front() == effect(4, 0));
  fixture.store = open_store(fixture.server.options());
  REQUIRE(fixture.commit_effects(6, 7, {}, 4));
  CHECK(fixture.waiting() == std::vector<OutboxEntry>{effect(5, 0), effect(5, 1)});
  CHECK(fixture.blocks() == "1");
  CHECK(fixture.listed() == "1");
  REQUIRE(fixture.commit_effects(7, 8, {}, 8));
  CHECK(fixture.waiting().empty());
  CHECK(fixture.blocks() == "0");
  CHECK(fixture.listed() == "0");
}

TEST_CASE("how far effects are out is damage when somebody changed it, and a rewrite begins anew with it [rule-S2]", "[redis][rule-S2]") {
  OutboxFixture fixture;
  REQUIRE(fixture.commit_effects(1, 3, {effect(2, 0), effect(3, 0)}, 1));
  const auto changed = GENERATE(values<std::string>({"3", "0", "one"}));
  INFO(changed);
  fixture.server.ask({"HSET", "usher:v1:{0}:meta", "published", changed});
  CHECK(fixture.store->load_meta(0).error().fault == Fault::malformed);
  CHECK(fixture.store->load(0).error().fault == Fault::malformed);
  CHECK(fixture.store->outbox(0).error().fault == Fault::malformed);
  // A commit would take it over, and hide what is not out.
  CHECK(fixture.commit_effects(3, 4, {}, 2).error().fault == Fault::malformed);
  Rewrite anew;
  anew.after.position = {0, 3};
  anew.outbox = {effect(1, 0), effect(2, 0)};
  anew.over_damage = true;
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.waiting() == anew.outbox);
  REQUIRE(fixture.commit_effects(3, 4, {}, 1));
  CHECK(fixture.waiting() == std::vector<OutboxEntry>{effect(2, 0)});
}

TEST_CASE("what an earlier build left in the outbox is read, published and trimmed with the rest", "[redis]") {
  OutboxFixture fixture;
  const auto& server = fixture.server;
  const std::string meta = "usher:v1:{0}:meta";
  // That build knew neither blocks nor `published`.
  server.ask({"HDEL", meta, "published"});
  server.ask({"HSET", meta, "numbers", "0 1 0", "outbox", "3"});
  server.ask({"HSET", fixture.outbox(), "1/1", "1 1 events 5 6\n0/1/1 a type\nv", "1/2", "1 2 events 5 6\n0/1/2 a type\nw"});
  server.ask({"ZADD", fixture.outbox() + "-order", "1", "1/1", "1", "1/2"});
  CHECK(fixture.waiting().size() == 3);
  auto wanted = step({0, 1}, 2);
  wanted.outbox = {effect(2, 0), effect(2, 1)};
  REQUIRE(commit(*fixture.store, wanted));
  CHECK(fixture.waiting().size() == 5);
  CHECK(fixture.waiting()[1] == effect(1, 1, "v"));
  REQUIRE(fixture.commit_effects(2, 3, {}, 1));
  CHECK(fixture.waiting() == wanted.outbox);
  CHECK(fixture.blocks() == "1");
}

TEST_CASE("many or large effects go into several blocks, of a commit and of a rewrite [rule-S4]", "[redis][rule-S4]") {
  OutboxFixture fixture;
  std::vector<OutboxEntry> effects;
  for (std::uint32_t index = 0; index < 12; ++index)
    effects.push_back(effect(2, index, std::string(index < 10 ? 10'000 : 2 * redis_limits::block_bytes_max, 'v')));
  REQUIRE(fixture.commit_effects(1, 2, effects, 1));
  CHECK(fixture.waiting() == effects);
  CHECK(fixture.blocks() == "4");
  Rewrite anew;
  anew.before = Position{0, 2};
  anew.after.position = {0, 2};
  anew.outbox = effects;
  REQUIRE(rewrite(*fixture.store, anew));
  CHECK(fixture.waiting() == effects);
  REQUIRE(fixture.commit_effects(2, 3, {}, 2));
  CHECK(fixture.blocks() == "0");
}
