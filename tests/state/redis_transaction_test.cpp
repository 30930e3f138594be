// Commits as transactions of Redis' own: when they are, what their end leaves, and what stops them between the two exchanges.
#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

#include "routing/state/redis_writer.hpp"
#include "tests/state/redis_fixture.hpp"

using namespace usher::testing;
using usher::message::Fault;
using Commits = RedisFixture::Commits;

namespace {

// As one routed message leaves behind, so many times.
Commit messages(Position before, Offset first, Offset last) {
  auto commit = step(before, last);
  for (Offset i = first; i <= last; ++i) {
    const auto key = std::to_string(i);
    commit.changes.push_back({"conversation", key, std::string(300, 'c')});
    commit.changes.push_back({"agent", std::to_string(i % 3), key});
    commit.bodies.push_back(Body{{7, static_cast<std::uint64_t>(i)}, 0, {8, static_cast<std::uint64_t>(i)}, "{\"n\":" + key + "}"});
    commit.outbox.push_back(OutboxEntry{i, 0, Stream::events, {"0/" + key + "/0", "t", std::string(200, 'e')}});
  }
  return commit;
}

// How often the server has carried out a command.
std::int64_t calls(RedisServer& server, const std::string& command) {
  const auto told = server.ask({"INFO", "commandstats"});
  const auto at = told.find("cmdstat_" + command + ":calls=");
  return at == std::string::npos ? 0 : std::stoll(told.substr(told.find('=', at) + 1));
}

}  // namespace

TEST_CASE("a commit of many messages is a transaction and a small one the script alone [rule-S4]", "[redis][rule-S4]") {
  RedisFixture fixture;
  const auto before = calls(fixture.server, "exec");
  REQUIRE(commit(*fixture.store, messages({0, 1}, 2, 5)));
  CHECK(calls(fixture.server, "exec") == before);
  REQUIRE(commit(*fixture.store, messages({0, 5}, 6, 105)));
  CHECK(calls(fixture.server, "exec") == before + 1);
}

TEST_CASE("both forms of commit leave the same behind [rule-S4]", "[redis][rule-S4]") {
  std::vector<std::string> left;
  for (const auto commits : {Commits::by_size, Commits::by_transactions}) {
    RedisFixture fixture(commits);
    auto second = messages({0, 1}, 2, 9);
    second.changes.push_back({"agents", "ana", std::nullopt});
    second.changes.push_back({"queues", "*", std::nullopt});
    // Another text of a conversation that has some.
    second.bodies.push_back(Body{{1, 1}, 1, {9, 11}, "{}"});
    REQUIRE(commit(*fixture.store, second));
    auto third = messages({0, 9}, 10, 12);
    third.outbox_done = 6;
    third.bodies_gone = {{7, 3}, {6, 6}};
    REQUIRE(commit(*fixture.store, third));
    const auto loaded = fixture.store->load(0);
    REQUIRE(loaded);
    std::string all;
    for (const auto& entity : loaded->entities) all += entity.table + " " + entity.key + " " + entity.value + "\n";
    for (const auto& effect : loaded->outbox) all += std::to_string(effect.offset) + " " + effect.entry.value + "\n";
    for (Offset i = 2; i <= 12; ++i) {
      const auto bodies = fixture.store->bodies(0, {7, static_cast<std::uint64_t>(i)}, 9, 9);
      REQUIRE(bodies);
      for (const auto& body : *bodies) all += body.json + "\n";
    }
    CHECK(fixture.store->bodies(0, {1, 1}, 9, 9)->size() == 2);
    const auto generation = fixture.generation();
    for (const auto* field : {"epoch", "offset", "entities", "outbox", "published", "numbers", "hashes", "count"})
      all += fixture.server.ask({"HGET", "usher:v1:{0}:meta", field}) + "\n";
    for (const auto* table : {"agents", "agent", "conversation", "queues"})
      all += fixture.server.ask({"HGET", "usher:v1:{0}:g" + generation + ":tables", table}) + "\n";
    left.push_back(all);
  }
  CHECK(left[0] == left[1]);
}

TEST_CASE("texts that are there already stay as they are also under a large commit [rule-S5]", "[redis][rule-S5]") {
  RedisFixture fixture(Commits::by_transactions);
  auto again = messages({0, 1}, 2, 20);
  again.bodies.push_back(Body{{1, 1}, 0, {9, 10}, "{\"other\":1}"});
  REQUIRE(commit(*fixture.store, again));
  CHECK(fixture.store->body(0, {9, 10}).value()->json == "{}");
  CHECK(fixture.store->body(0, {8, 20}).value()->json == "{\"n\":20}");
  // What the look had watched holds up nothing that comes after it on the same connection.
  auto large = step({0, 20}, 21);
  for (int i = 0; i < 5000; ++i) large.changes.push_back({"t", std::to_string(i), "v"});
  CHECK(commit(*fixture.store, large));
}

TEST_CASE("a transaction under which somebody writes is refused or whole, never half [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture(Commits::by_transactions);
  std::atomic<bool> stop = false;
  std::atomic<int> tampered = 0;
  // Another program that touches what the checks looked at, as fast as it can: the meta by writing the same again.
  std::jthread other([&](const std::stop_token&) {
    const auto generation = fixture.generation();
    while (!stop) {
      fixture.server.ask({"HSET", "usher:v1:{0}:meta", "generation", generation});
      ++tampered;
    }
  });
  Offset at = 1;
  Result<CommitReceipt> outcome;
  for (int i = 0; outcome && (i < 60 || (tampered < 20 && i < 5'000)); ++i) {
    outcome = commit(*fixture.store, messages({0, at}, at + 1, at + 3));
    if (outcome) at += 3;
  }
  stop = true;
  other.join();
  REQUIRE(outcome);
  CHECK(tampered >= 20);
  const auto loaded = fixture.store->load(0);
  REQUIRE(loaded);
  CHECK(loaded->meta.position.offset == at);
  CHECK(loaded->outbox.size() == static_cast<std::size_t>(at));
}

TEST_CASE("of two stores whose transactions race for one position, one wins every time [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture(Commits::by_transactions);
  auto rival = open_store(RedisFixture::options(fixture.server, Commits::by_transactions));
  for (Offset at = 1; at < 100; ++at) {
    // Of every other one nothing but the position tells.
    const auto wanted = at % 2 == 0 ? step({0, at}, at + 1) : messages({0, at}, at + 1, at + 1);
    auto ours = begin(&RedisStore::commit, *fixture.store, wanted);
    auto theirs = begin(&RedisStore::commit, *rival, wanted);
    const auto first = ours.get();
    const auto second = theirs.get();
    REQUIRE(first.has_value() != second.has_value());
    CHECK((first ? second : first).error().fault == Fault::conflict);
  }
  CHECK(fixture.store->load(0)->outbox.size() == 51);
}

TEST_CASE("a generation that a rewrite left is found again by the next transaction [rule-S2]", "[redis][rule-S2]") {
  RedisFixture fixture(Commits::by_transactions);
  REQUIRE(commit(*fixture.store, messages({0, 1}, 2, 9)));
  auto rival = open_store(fixture.server.options());
  Rewrite anew;
  anew.before = Position{0, 9};
  anew.after.position = {1, 10};
  anew.entities = {{"agent", "zoe", "1"}};
  REQUIRE(rewrite(*rival, anew));
  CHECK(commit(*fixture.store, messages({0, 9}, 10, 12)).error().fault == Fault::conflict);
  REQUIRE(commit(*fixture.store, messages({1, 10}, 11, 12)));
  REQUIRE(commit(*fixture.store, messages({0, 12}, 13, 14)));
  CHECK(fixture.store->load(0)->entities.size() == 1 + 3 + 4);
}

TEST_CASE("a user who may not do what a transaction needs commits by the script, and the store says what that costs [rule-S3]", "[redis][rule-S3]") {
  RedisServer server;
  const auto command = GENERATE(as<std::string>(), "watch", "mset");
  INFO(command);
  REQUIRE(server.ask({"ACL", "SETUSER", "usher", "-" + command}) == "OK");
  auto store = open_store(RedisFixture::options(server, Commits::by_transactions));
  REQUIRE(store->initialise(0));
  const auto before = calls(server, "exec");
  REQUIRE(commit(*store, messages({}, 1, 50)));
  CHECK(calls(server, "exec") == before);
  const auto weak = store->weaknesses();
  CHECK(std::any_of(weak.begin(), weak.end(), [](const std::string& one) { return one.find("WATCH") != std::string::npos; }));
  REQUIRE(server.ask({"ACL", "SETUSER", "usher", "+" + command}) == "OK");
  CHECK(open_store(server.options())->weaknesses().size() + 1 == weak.size());
}

TEST_CASE("a user who loses a command commits by the script from then on [rule-S3]", "[redis][rule-S3]") {
  RedisFixture fixture(Commits::by_transactions);
  const auto command = GENERATE(as<std::string>(), "watch", "mset", "multi", "exec");
  INFO(command);
  REQUIRE(commit(*fixture.store, messages({0, 1}, 2, 9)));
  REQUIRE(fixture.server.ask({"ACL", "SETUSER", "usher", "-" + command}) == "OK");
  auto again = messages({0, 9}, 10, 20);
  again.bodies.push_back(messages({}, 2, 2).bodies.front());  // Which takes the look back.
  REQUIRE(commit(*fixture.store, again));
  const auto rival = fixture.server.ask({"HGET", "usher:v1:{0}:meta", "offset"});
  CHECK(rival == "20");
  REQUIRE(commit(*fixture.store, messages({0, 20}, 21, 29)));
  const auto before = calls(fixture.server, "exec");
  REQUIRE(commit(*fixture.store, messages({0, 29}, 30, 30)));
  CHECK(calls(fixture.server, "exec") == before);
  CHECK(fixture.store->load(0)->outbox.size() == 30);
  REQUIRE(fixture.server.ask({"ACL", "SETUSER", "usher", "+" + command}) == "OK");
  // Nor is anything watched any more.
  auto large = step({0, 30}, 31);
  for (int i = 0; i < 5000; ++i) large.changes.push_back({"t", std::to_string(i), "v"});
  CHECK(commit(*fixture.store, large));
}

// Then what follows MULTI would be carried out one by one, over a state that somebody else has moved on.
TEST_CASE("behind a MULTI that is refused nothing is written [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture(Commits::by_transactions);
  REQUIRE(commit(*fixture.store, messages({0, 1}, 2, 9)));
  REQUIRE(fixture.server.ask({"ACL", "SETUSER", "usher", "-multi"}) == "OK");
  const auto sets = calls(fixture.server, "mset");
  REQUIRE(commit(*fixture.store, messages({0, 9}, 10, 12)));
  CHECK(calls(fixture.server, "mset") == sets);
}

TEST_CASE("a later text of a conversation that is there is no reason for the script [rule-S4]", "[redis][rule-S4]") {
  RedisFixture fixture(Commits::by_transactions);
  REQUIRE(commit(*fixture.store, messages({0, 1}, 2, 9)));
  const auto before = calls(fixture.server, "exec");
  auto more = messages({0, 9}, 10, 12);
  more.bodies.push_back(Body{{7, 5}, 1, {6, 5}, "{}"});
  REQUIRE(commit(*fixture.store, more));
  CHECK(calls(fixture.server, "exec") == before + 1);
  CHECK(fixture.store->bodies(0, {7, 5}, 9, 9)->size() == 2);
}

TEST_CASE("one text twice in a commit is the first of them in either form [rule-S5]", "[redis][rule-S5]") {
  RedisFixture fixture(GENERATE(Commits::by_size, Commits::by_transactions));
  auto twice = messages({0, 1}, 2, 9);
  twice.bodies.push_back(twice.bodies.back());
  twice.bodies.back().json = "{\"other\":1}";
  REQUIRE(commit(*fixture.store, twice));
  CHECK(fixture.store->body(0, {8, 9}).value()->json == "{\"n\":9}");
}

// Over another connection the transaction would watch nothing, and write over whatever stands there.
TEST_CASE("nothing that could dial stands between the look and the transaction [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture;
  RedisDialer dialer(fixture.server.options());
  RedisLine line(dialer);  // Knows no script yet, and would load one where it needs it.
  const std::atomic<bool> stopping = false;
  const RedisTarget target{line, "usher:v1", usher::message::Milliseconds{10'000}, stopping, 0};
  REQUIRE(fixture.server.ask({"CONFIG", "SET", "slowlog-log-slower-than", "0"}) == "OK");
  REQUIRE(fixture.server.ask({"CONFIG", "SET", "slowlog-max-len", "1000"}) == "OK");
  fixture.server.ask({"SLOWLOG", "RESET"});
  REQUIRE(write_commit(target, messages({0, 1}, 2, 5), CommitForm::transaction));
  const auto told = fixture.server.ask({"EVAL", "local all = '' for _, one in ipairs(redis.call('SLOWLOG', 'GET', '1000')) do all = one[4][1] .. ' ' .. all end return all", "0"});
  INFO(told);
  std::istringstream words(told);
  bool watching = false;
  int transactions = 0;
  for (std::string word; words >> word;) {
    if (word == "WATCH") watching = true;
    else if (word == "MULTI") transactions += watching ? 1 : 0, watching = false;
    // The commands of scripts are listed as well; a new connection begins with AUTH, and a script is loaded over any.
    else if (watching) CHECK_FALSE((word == "AUTH" || word == "SCRIPT"));
  }
  CHECK(transactions == 1);
}

TEST_CASE("what is asked over the connection of before is asked over no other [rule-S1]", "[redis][rule-S1]") {
  RedisFixture fixture;
  RedisDialer dialer(fixture.server.options());
  RedisLine line(dialer);
  const auto soon = RedisDeadline::in(usher::message::Milliseconds{2000});
  RedisPipeline multi;
  multi.command(1).add("MULTI");
  CHECK(line.ask_there(multi, soon).error().fault == Fault::unavailable);
  REQUIRE(line.ask(RedisCommand{"WATCH", "usher:v1:{0}:meta"}, soon));
  fixture.server.ask({"CLIENT", "KILL", "USER", "usher"});
  CHECK(line.ask_there(multi, soon).error().fault == Fault::unavailable);
  CHECK(line.ask_there(multi, soon).error().fault == Fault::unavailable);
  CHECK(line.ask(RedisCommand{"EXISTS", "usher:v1:{0}:meta"}, soon));
}
