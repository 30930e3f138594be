// The contract of StateStore::rewrite, case by case, over every adapter (rule S2).
#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "tests/journal/show_result.hpp"
#include "tests/state/store_contract.hpp"

using namespace usher::state;
using namespace usher::testing;

namespace {

constexpr auto no_limit = std::numeric_limits<std::uint32_t>::max();

Meta meta_at(Offset epoch, Offset offset, std::uint64_t count) {
  const auto salt = static_cast<std::uint64_t>(offset) + 77;
  return Meta{{epoch, offset}, {salt, ~salt}, {count, {salt, salt * 3}}};
}

Rewrite rewrite_at(std::optional<Position> before, Offset epoch, Offset offset, std::vector<Entity> entities) {
  Rewrite wanted;
  wanted.before = before;
  wanted.after = meta_at(epoch, offset, entities.size());
  wanted.entities = std::move(entities);
  return wanted;
}

CommitOutcome rewrite(StoreUnderTest& subject, Rewrite wanted) {
  auto answer = std::make_shared<std::promise<CommitOutcome>>();
  auto future = answer->get_future();
  subject.store().rewrite(std::move(wanted), [answer](CommitOutcome outcome) { answer->set_value(std::move(outcome)); });
  subject.settle();
  return future.get();
}

Commit first_commit() {
  Commit wanted;
  wanted.after = meta_at(2, 5, 3);
  wanted.changes = {{"agents", "ana", "old"}, {"agents", "ben", "old"}, {"queues", "support", "old"}};
  wanted.bodies = {Body{{1, 1}, 0, {9, 10}, "kept"}};
  wanted.outbox = {OutboxEntry{5, 0, Stream::events, {"0/5/0", "t", "old"}}};
  return wanted;
}

std::vector<std::string> texts(StateStore& store, ConversationId conversation) {
  std::vector<std::string> found;
  for (const auto& each : store.bodies(0, conversation, no_limit, 10).value()) found.push_back(each.json);
  return found;
}

// Page by page to the end.
std::set<ConversationId> walk(StateStore& store, std::size_t limit) {
  std::set<ConversationId> found;
  std::string from;
  do {
    const auto page = store.texts_held(0, from, limit).value();
    found.insert(page.conversations.begin(), page.conversations.end());
    from = page.next;
  } while (!from.empty());
  return found;
}

#define FOR_EVERY_STORE                                    \
  const auto maker = GENERATE(from_range(store_makers())); \
  INFO(maker.name);                                        \
  auto subject = maker.make();                             \
  auto& store = subject->store()

}  // namespace

TEST_CASE("a rewrite replaces entities and outbox, and keeps the texts [rule-S2]", "[state][rule-S2]") {
  FOR_EVERY_STORE;
  REQUIRE(store.initialise(0));
  REQUIRE(commit(*subject, first_commit()));
  auto wanted = rewrite_at(Position{2, 5}, 6, 9, {{"agents", "ana", std::string("\0new", 4)}, {"policy", "head", "new"}});
  wanted.bodies = {Body{{1, 1}, 1, {9, 11}, "added"}, Body{{1, 1}, 0, {9, 10}, "never replaced"}};
  wanted.outbox = {OutboxEntry{9, 1, Stream::events, {"0/9/1", "t", "b"}}, OutboxEntry{9, 0, Stream::outbound, {"0/9/0", "t", "a"}}};
  const auto receipt = rewrite(*subject, wanted);
  REQUIRE(receipt);
  subject->reopen();
  auto& reopened = subject->store();
  const auto loaded = reopened.load(0);
  REQUIRE(loaded);
  CHECK(loaded->meta == wanted.after);
  CHECK(loaded->entities == wanted.entities);
  CHECK(reopened.entity(0, "agents", "ben").value() == std::nullopt);
  CHECK(reopened.entity(0, "queues", "support").value() == std::nullopt);
  CHECK(texts(reopened, {1, 1}) == std::vector<std::string>{"kept", "added"});
  if (receipt->outbox_published)
    CHECK(loaded->outbox.empty());
  else
    CHECK(loaded->outbox == std::vector<OutboxEntry>{wanted.outbox[1], wanted.outbox[0]});
}

TEST_CASE("a rewrite makes a state where there was none [rule-S2]", "[state][rule-S2]") {
  FOR_EVERY_STORE;
  auto wanted = rewrite_at(std::nullopt, 3, 4, {{"t", "k", "v"}});
  REQUIRE(rewrite(*subject, wanted));
  CHECK(store.load(0)->meta == wanted.after);
  CHECK(store.load(0)->entities == wanted.entities);
  CHECK(store.initialise(0).error().fault == Fault::conflict);
  // Another who thinks that there is none is too late.
  auto late = rewrite_at(std::nullopt, 3, 4, {{"t", "k", "late"}});
  CHECK(rewrite(*subject, late).error().fault == Fault::conflict);
  CHECK(store.entity(0, "t", "k").value() == "v");
}

TEST_CASE("a rewrite over damage is refused where nothing is damaged [rule-S1]", "[state][rule-S1]") {
  FOR_EVERY_STORE;
  auto wanted = rewrite_at(std::nullopt, 3, 4, {{"t", "k", "v"}});
  wanted.over_damage = true;
  CHECK(rewrite(*subject, wanted).error().fault == Fault::conflict);
  CHECK_FALSE(store.load_meta(0)->has_value());
  REQUIRE(store.initialise(0));
  REQUIRE(commit(*subject, first_commit()));
  const auto before = store.load(0).value();
  CHECK(rewrite(*subject, wanted).error().fault == Fault::conflict);
  CHECK(store.load(0)->entities == before.entities);
}

TEST_CASE("a rewrite over another position is refused and leaves nothing [rule-S1]", "[state][rule-S1]") {
  FOR_EVERY_STORE;
  auto nowhere = rewrite_at(Position{}, 0, 1, {{"t", "k", "v"}});
  CHECK(rewrite(*subject, nowhere).error().fault == Fault::conflict);
  CHECK_FALSE(store.load_meta(0)->has_value());
  REQUIRE(store.initialise(0));
  REQUIRE(commit(*subject, first_commit()));
  const auto before = store.load(0).value();
  for (const auto position : {std::optional<Position>(), std::optional(Position{2, 4}), std::optional(Position{1, 5}),
                              std::optional(Position{2, 6}), std::optional(Position{})}) {
    auto wanted = rewrite_at(position, 2, 9, {{"t", "k", "stolen"}});
    wanted.bodies = {Body{{7, 7}, 0, {9, 70}, "stolen"}};
    wanted.outbox = {OutboxEntry{9, 0, Stream::outbound, {"0/9/0", "t", "stolen"}}};
    CHECK(rewrite(*subject, wanted).error().fault == Fault::conflict);
  }
  const auto after = store.load(0).value();
  CHECK(after.meta == before.meta);
  CHECK(after.entities == before.entities);
  CHECK(after.outbox == before.outbox);
  CHECK(texts(store, {7, 7}).empty());
  CHECK(subject->journal().bounds(Stream::outbound, 0)->end == 0);
}

TEST_CASE("commits go on from a rewrite's position, and those of before are refused [rule-S1]", "[state][rule-S1]") {
  FOR_EVERY_STORE;
  REQUIRE(store.initialise(0));
  REQUIRE(commit(*subject, first_commit()));
  REQUIRE(rewrite(*subject, rewrite_at(Position{2, 5}, 6, 6, {{"t", "a", "1"}, {"t", "b", "1"}, {"u", "a", "1"}})));
  Commit stale;
  stale.before = {2, 5};
  stale.after = meta_at(2, 6, 3);
  stale.changes = {{"t", "a", "stale"}};
  CHECK(commit(*subject, stale).error().fault == Fault::conflict);
  Commit next;
  next.before = {6, 6};
  next.after = meta_at(6, 7, 2);
  next.changes = {{"t", "*", std::nullopt}, {"t", "c", "2"}};
  CHECK(commit(*subject, next));
  CHECK(store.load(0)->entities == std::vector<Entity>{{"t", "c", "2"}, {"u", "a", "1"}});
}

TEST_CASE("a rewrite may be larger than any commit, and an empty one leaves an empty state [rule-S4]", "[state][rule-S4]") {
  FOR_EVERY_STORE;
  std::vector<Entity> many;
  for (int i = 0; i < 5000; ++i) many.push_back({i % 2 == 0 ? "even" : "odd", std::to_string(i), std::string(200, 'x')});
  std::sort(many.begin(), many.end());
  auto wanted = rewrite_at(std::nullopt, 0, 1, many);
  for (std::uint32_t i = 0; i < 700; ++i) wanted.bodies.push_back(Body{{1, 1}, i, {9, i}, std::string(1000, 'y')});
  REQUIRE(rewrite(*subject, wanted));
  CHECK(store.load(0)->entities == many);
  CHECK(texts(store, {1, 1}).size() == 10);
  CHECK(store.body(0, {9, 699}).value()->json.size() == 1000);
  REQUIRE(rewrite(*subject, rewrite_at(Position{0, 1}, 0, 1, {})));
  CHECK(store.load(0)->entities.empty());
  CHECK(store.load_meta(0).value()->position == Position{0, 1});
}

TEST_CASE("a walk names each conversation that has texts, and none whose texts were erased [rule-S5]", "[state][rule-S5]") {
  FOR_EVERY_STORE;
  CHECK(walk(store, 3).empty());
  REQUIRE(store.initialise(0));
  auto wanted = first_commit();
  wanted.before = {};
  std::set<ConversationId> expected{{1, 1}};
  for (std::uint64_t i = 2; i < 40; ++i) {
    wanted.bodies.push_back(Body{{i % 3, i}, 0, {8, i}, "one"});
    wanted.bodies.push_back(Body{{i % 3, i}, 1, {9, 100 + i}, "two"});
    expected.insert({i % 3, i});
  }
  REQUIRE(commit(*subject, wanted));
  CHECK(walk(store, 7) == expected);
  Commit erasing;
  erasing.before = {2, 5};
  erasing.after = meta_at(2, 6, 3);
  for (std::uint64_t i = 2; i < 40; i += 2) {
    erasing.bodies_gone.push_back({i % 3, i});
    expected.erase({i % 3, i});
  }
  REQUIRE(commit(*subject, erasing));
  CHECK(walk(store, 1) == expected);
  // What a rewrite leaves there, it leaves to be found.
  REQUIRE(rewrite(*subject, rewrite_at(Position{2, 6}, 2, 7, {{"t", "k", "v"}})));
  CHECK(walk(store, 5) == expected);
  subject->reopen();
  CHECK(walk(subject->store(), 1000) == expected);
}
