// The contract of routing/state/state_store.hpp, case by case, over every adapter of store_makers.cpp.
#include "tests/state/store_contract.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <limits>

#include "tests/journal/show_result.hpp"

using namespace usher::state;
using namespace usher::testing;
using usher::journal::Entry;

namespace {

constexpr auto no_limit = std::numeric_limits<std::uint32_t>::max();

Meta meta_at(Offset epoch, Offset offset) {
  const auto salt = static_cast<std::uint64_t>(offset) * 0x9e3779b97f4a7c15ULL;
  return Meta{{epoch, offset}, {~salt, salt}, {static_cast<std::uint64_t>(offset), {salt + 1, 0xffffffffffffffffULL}}};
}

Commit step(Position before, Offset epoch, Offset offset) {
  Commit commit;
  commit.before = before;
  commit.after = meta_at(epoch, offset);
  return commit;
}

Body body(std::uint64_t conversation, std::uint32_t sequence, std::uint64_t id, std::string json) {
  return Body{{1, conversation}, sequence, {0xffffffffffffffffULL, id}, std::move(json)};
}

std::vector<std::string> texts(const Result<std::vector<Body>>& bodies) {
  std::vector<std::string> found;
  for (const auto& each : bodies.value()) found.push_back(each.json);
  return found;
}

#define FOR_EVERY_STORE                                    \
  const auto maker = GENERATE(from_range(store_makers())); \
  INFO(maker.name);                                        \
  auto subject = maker.make();                             \
  auto& store = subject->store();                          \
  REQUIRE(store.initialise(0))

}  // namespace

TEST_CASE("a store that was never initialised has no position and takes no commit", "[state]") {
  FOR_EVERY_STORE;
  REQUIRE(store.load_meta(7));
  CHECK_FALSE(store.load_meta(7)->has_value());
  CHECK(store.load(7).error().fault == Fault::not_found);
  CHECK(texts(store.bodies(7, {1, 1}, no_limit, 10)).empty());
  auto first = step({}, 0, 0);
  first.partition = 7;
  CHECK(commit(*subject, first).error().fault == Fault::conflict);
  CHECK_FALSE(store.load_meta(7)->has_value());
  // Looking does not initialise.
  CHECK(store.initialise(7));
}

TEST_CASE("a state is initialised once, empty, before the first record", "[state]") {
  FOR_EVERY_STORE;
  CHECK(store.initialise(0).error().fault == Fault::conflict);
  CHECK(store.load_meta(0).value() == Meta{});
  CHECK(store.load(0)->entities.empty());
  CHECK(store.load(0)->outbox.empty());
}

TEST_CASE("a commit survives reopening whole", "[state]") {
  FOR_EVERY_STORE;
  auto wanted = step({}, 0, 3);
  wanted.changes = {{"queues", "support", "open"}, {"agents", "ana", std::string("\0\xff", 2)}};
  wanted.bodies = {body(1, 0, 10, "{\"text\":\"hello\"}")};
  REQUIRE(commit(*subject, wanted));
  subject->reopen();
  const auto loaded = subject->store().load(0);
  REQUIRE(loaded);
  CHECK(loaded->meta == meta_at(0, 3));
  CHECK(loaded->entities ==
        std::vector<Entity>{{"agents", "ana", std::string("\0\xff", 2)}, {"queues", "support", "open"}});
  CHECK(subject->store().body(0, {0xffffffffffffffffULL, 10}).value() == wanted.bodies[0]);
}

TEST_CASE("a commit under another position or epoch is refused and leaves nothing", "[state]") {
  FOR_EVERY_STORE;
  REQUIRE(commit(*subject, step({}, 4, 9)));
  for (const auto before : {Position{4, 8}, Position{4, 10}, Position{3, 9}, Position{5, 9}, Position{}}) {
    auto wanted = step(before, before.epoch, 11);
    wanted.changes = {{"queues", "support", "stolen"}, {"*", "*", std::nullopt}};
    wanted.bodies = {body(1, 0, 10, "{}")};
    wanted.outbox = {{11, 0, Stream::outbound, {"0/11/0", "t", "v"}}};
    CHECK(commit(*subject, wanted).error().fault == Fault::conflict);
  }
  CHECK(store.load_meta(0).value() == meta_at(4, 9));
  CHECK(store.load(0)->entities.empty());
  CHECK(store.load(0)->outbox.empty());
  CHECK(texts(store.bodies(0, {1, 1}, no_limit, 10)).empty());
  CHECK(subject->journal().bounds(Stream::outbound, 0)->end == 0);
  CHECK(commit(*subject, step({4, 9}, 4, 11)));
}

TEST_CASE("of two commits over one position the first wins", "[state]") {
  FOR_EVERY_STORE;
  auto mine = step({}, 0, 1);
  mine.changes = {{"t", "k", "mine"}};
  auto theirs = step({}, 0, 1);
  theirs.changes = {{"t", "k", "theirs"}};
  auto first = begin_commit(*subject, mine);
  auto second = begin_commit(*subject, theirs);
  subject->settle();
  CHECK(first.get());
  CHECK(second.get().error().fault == Fault::conflict);
  CHECK(store.entity(0, "t", "k").value() == "mine");
}

TEST_CASE("a commit that goes on from one still under way is tried and answered after it [rule-S4]", "[state][rule-S4]") {
  FOR_EVERY_STORE;
  std::vector<int> answered;
  const auto send = [&](int number, const Position& before, Offset epoch, Offset offset) {
    auto wanted = step(before, epoch, offset);
    wanted.changes = {{"t", "k", std::to_string(number)}};
    auto outcome = std::make_shared<std::promise<bool>>();
    auto future = outcome->get_future();
    store.commit(std::move(wanted), [&answered, number, outcome](const auto& done) {
      answered.push_back(number);
      outcome->set_value(done.has_value());
    });
    return future;
  };
  auto first = send(1, {}, 0, 1);
  auto second = send(2, {0, 1}, 0, 2);
  subject->settle();
  CHECK(first.get());
  CHECK(second.get());
  CHECK(answered == std::vector<int>{1, 2});
  // One that is refused takes with it the one that was to go on from it.
  auto third = send(3, {7, 7}, 7, 8);
  auto fourth = send(4, {7, 8}, 7, 9);
  subject->settle();
  CHECK_FALSE(third.get());
  CHECK_FALSE(fourth.get());
  CHECK(answered == std::vector<int>{1, 2, 3, 4});
  CHECK(store.load_meta(0).value() == meta_at(0, 2));
  CHECK(store.entity(0, "t", "k").value() == "2");
}

TEST_CASE("partitions are apart", "[state]") {
  FOR_EVERY_STORE;
  REQUIRE(store.initialise(1));
  auto wanted = step({}, 0, 1);
  wanted.changes = {{"t", "k", "zero"}};
  wanted.bodies = {body(1, 0, 10, "zero")};
  REQUIRE(commit(*subject, wanted));
  CHECK(store.load_meta(1).value() == Meta{});
  CHECK(store.entity(1, "t", "k").value() == std::nullopt);
  CHECK(store.body(1, {0xffffffffffffffffULL, 10}).value() == std::nullopt);
  wanted.partition = 1;
  wanted.changes = {{"t", "*", std::nullopt}};
  wanted.bodies = {body(1, 0, 10, "one")};
  REQUIRE(commit(*subject, wanted));
  CHECK(store.entity(0, "t", "k").value() == "zero");
  CHECK(texts(store.bodies(1, {1, 1}, no_limit, 10)) == std::vector<std::string>{"one"});
}

TEST_CASE("changes are absolute and apply in their order", "[state]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 1);
  first.changes = {{"t", "a", "1"}, {"t", "a", "2"}, {"t", "b", "1"}, {"t", "b", std::nullopt}, {"u", "a", "kept"}};
  REQUIRE(commit(*subject, first));
  CHECK(store.load(0)->entities == std::vector<Entity>{{"t", "a", "2"}, {"u", "a", "kept"}});
  auto second = step({0, 1}, 0, 2);
  second.changes = {{"t", "a", std::nullopt}, {"t", "a", "3"}, {"t", "absent", std::nullopt}};
  REQUIRE(commit(*subject, second));
  CHECK(store.entity(0, "t", "a").value() == "3");
  CHECK(store.entity(0, "t", "b").value() == std::nullopt);
}

TEST_CASE("a change of every key drops the table, and what comes after it stays", "[state]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 1);
  first.changes = {{"t", "a", "1"}, {"t", "b", "1"}, {"tt", "a", "1"}, {"t", "*", "a key like another"}};
  REQUIRE(commit(*subject, first));
  CHECK(store.load(0)->entities.size() == 4);
  auto second = step({0, 1}, 0, 2);
  second.changes = {{"t", "c", "before"}, {"t", "*", std::nullopt}, {"t", "d", "after"}};
  REQUIRE(commit(*subject, second));
  CHECK(store.load(0)->entities == std::vector<Entity>{{"t", "d", "after"}, {"tt", "a", "1"}});
}

TEST_CASE("entities are loaded sorted bytewise by table and key", "[state]") {
  FOR_EVERY_STORE;
  auto wanted = step({}, 0, 1);
  for (const char* key : {"b", "a", "B", "10", "9", "\xc3\xa9", "a/1"}) wanted.changes.push_back({"t", key, "v"});
  wanted.changes.push_back({"T", "z", "v"});
  REQUIRE(commit(*subject, wanted));
  const auto loaded = store.load(0);
  REQUIRE(loaded);
  REQUIRE(loaded->entities.size() == 8);
  CHECK(std::is_sorted(loaded->entities.begin(), loaded->entities.end()));
}

TEST_CASE("bodies are paged from the newest back, each page oldest first", "[state]") {
  FOR_EVERY_STORE;
  auto wanted = step({}, 0, 1);
  for (std::uint32_t i = 0; i < 10; ++i) wanted.bodies.push_back(body(1, i, 100 + i, std::to_string(i)));
  wanted.bodies.push_back(body(2, 0, 200, "of another"));
  REQUIRE(commit(*subject, wanted));
  CHECK(texts(store.bodies(0, {1, 1}, no_limit, 3)) == std::vector<std::string>{"7", "8", "9"});
  CHECK(texts(store.bodies(0, {1, 1}, 7, 3)) == std::vector<std::string>{"4", "5", "6"});
  CHECK(texts(store.bodies(0, {1, 1}, 1, 3)) == std::vector<std::string>{"0"});
  CHECK(texts(store.bodies(0, {1, 1}, 0, 3)).empty());
  CHECK(store.body(0, {0xffffffffffffffffULL, 104}).value() == body(1, 4, 104, "4"));
  CHECK(store.body(0, {0, 104}).value() == std::nullopt);
}

TEST_CASE("a body is written once: the same id again changes nothing", "[state]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 1);
  first.bodies = {body(1, 0, 10, "first")};
  REQUIRE(commit(*subject, first));
  auto second = step({0, 1}, 0, 2);
  second.bodies = {body(1, 0, 10, "again"), body(1, 1, 11, "next")};
  REQUIRE(commit(*subject, second));
  CHECK(texts(store.bodies(0, {1, 1}, no_limit, 10)) == std::vector<std::string>{"first", "next"});
}

TEST_CASE("a text whose message comes again in its conversation stays where it stood first [rule-S5]", "[state][rule-S5]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 1);
  first.bodies = {body(1, 0, 10, "{\"text\":\"one\"}"), body(1, 1, 11, "{\"text\":\"two\"}")};
  REQUIRE(commit(*subject, first));
  auto again = step({0, 1}, 0, 2);
  again.bodies = {body(1, 2, 10, "{\"text\":\"one\"}")};
  REQUIRE(commit(*subject, again));
  const auto there = store.bodies(0, {1, 1}, no_limit, 10).value();
  REQUIRE(there.size() >= 2);
  CHECK(there[0] == first.bodies[0]);
  CHECK(there[1] == first.bodies[1]);
}

TEST_CASE("a text that was changed behind our back is not given out until its owner replaces it [rule-S5]", "[state][rule-S5]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 1);
  first.bodies = {body(1, 0, 10, "{\"text\":\"one\"}"), body(1, 1, 11, "{\"text\":\"two\"}"), body(1, 2, 12, "{\"text\":\"three\"}")};
  REQUIRE(commit(*subject, first));
  const auto changed = first.bodies[1].id;
  // What an adapter says of itself is shown here, or it says nothing.
  REQUIRE(subject->change_text(changed) == store.checks_texts());
  if (!store.checks_texts()) return;
  CHECK(store.body(0, changed).value() == std::nullopt);
  CHECK(store.bodies(0, {1, 1}, no_limit, 10).value() == std::vector<Body>{first.bodies[0], first.bodies[2]});
  auto again = step({0, 1}, 0, 2);
  again.bodies = {first.bodies[1], first.bodies[0]};
  again.bodies[0].replaces = true;
  REQUIRE(commit(*subject, again));
  CHECK(store.body(0, changed).value() == first.bodies[1]);
  CHECK(store.bodies(0, {1, 1}, no_limit, 10).value() == first.bodies);
}

TEST_CASE("the bodies of a conversation go together and take no other with them", "[state]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 1);
  first.bodies = {body(1, 0, 10, "a"), body(1, 1, 11, "b"), body(2, 0, 20, "kept")};
  REQUIRE(commit(*subject, first));
  auto second = step({0, 1}, 0, 2);
  second.bodies_gone = {{1, 1}, {1, 99}};
  REQUIRE(commit(*subject, second));
  CHECK(texts(store.bodies(0, {1, 1}, no_limit, 10)).empty());
  CHECK(store.body(0, {0xffffffffffffffffULL, 10}).value() == std::nullopt);
  CHECK(texts(store.bodies(0, {1, 2}, no_limit, 10)) == std::vector<std::string>{"kept"});
}

TEST_CASE("the outbox is kept until it is trimmed, or is in its streams with the commit", "[state]") {
  FOR_EVERY_STORE;
  auto first = step({}, 0, 5);
  first.outbox = {{4, 1, Stream::events, {"0/4/1", "e", "b"}},
                  {4, 0, Stream::outbound, {"0/4/0", "o", "a"}},
                  {5, 0, Stream::outbound, {"0/5/0", "o", "c"}}};
  int woken = 0;
  subject->journal().on_append(Stream::outbound, 0, [&woken] { ++woken; });
  const auto receipt = commit(*subject, first);
  REQUIRE(receipt);
  auto second = step({0, 5}, 0, 6);
  second.outbox_done = 4;
  if (receipt->outbox_published) {
    CHECK(woken >= 1);
    CHECK(store.load(0)->outbox.empty());
    const auto outbound = subject->journal().read(Stream::outbound, 0, 0, 10);
    REQUIRE(outbound);
    REQUIRE(outbound->size() == 2);
    CHECK((*outbound)[0].entry == Entry{"0/4/0", "o", "a"});
    CHECK((*outbound)[1].entry == Entry{"0/5/0", "o", "c"});
    CHECK((*outbound)[0].appended_at == subject->clock().wall());
    CHECK(subject->journal().read(Stream::events, 0, 0, 10)->size() == 1);
    CHECK(commit(*subject, second));
    CHECK(subject->journal().read(Stream::outbound, 0, 0, 10)->size() == 2);
  } else {
    CHECK(woken == 0);
    subject->reopen();
    CHECK(store.load(0)->outbox == std::vector<OutboxEntry>{first.outbox[1], first.outbox[0], first.outbox[2]});
    CHECK(commit(*subject, second));
    CHECK(store.load(0)->outbox == std::vector<OutboxEntry>{first.outbox[2]});
  }
}

TEST_CASE("attempts at an offset are counted durably, and another offset begins anew", "[state]") {
  FOR_EVERY_STORE;
  CHECK(store.count_attempt(0, 5).value() == 1);
  CHECK(store.count_attempt(0, 5).value() == 2);
  subject->reopen();
  CHECK(subject->store().count_attempt(0, 5).value() == 3);
  CHECK(subject->store().count_attempt(1, 5).value() == 1);
  CHECK(subject->store().count_attempt(0, 6).value() == 1);
  CHECK(subject->store().count_attempt(0, 5).value() == 1);
}

TEST_CASE("a reader sees a commit before its answer comes, and each answer comes once", "[state]") {
  FOR_EVERY_STORE;
  std::atomic<int> answers{0};
  std::atomic<int> seen{0};
  Position before;
  for (Offset offset = 1; offset <= 5; ++offset) {
    auto wanted = step(before, 0, offset);
    wanted.changes = {{"t", "k", std::to_string(offset)}};
    store.commit(wanted, [&, offset](const auto& outcome) {
      ++answers;
      const auto found = store.entity(0, "t", "k");
      const auto meta = store.load_meta(0);
      if (outcome && found && *found == std::to_string(offset) && meta && (*meta)->position.offset == offset) ++seen;
    });
    subject->settle();
    before = {0, offset};
    // Waits, if the store has a thread: attempts and commits are done in turn.
    REQUIRE(store.count_attempt(0, offset));
  }
  CHECK(answers == 5);
  CHECK(seen == 5);
}
