// Who owns a partition when there are several routers: standing by, taking over, handing over, version barriers.
#include "tests/router/router_fixture.hpp"

using namespace usher;
using namespace usher::router::test;
using router::Phase;

namespace {

// Leases as the test says: each router may claim while its name is the chosen one.
struct Turn {
  std::string whose = "r1";
  std::function<bool()> of(const std::string& name) const {
    return [this, name] { return whose == name; };
  }
};

}  // namespace

TEST_CASE("O2: who may not claim stands by, follows what the owner commits, and takes over with work in hand", "[router][rule-O2]") {
  Bench bench(Delivering::at_once, false);
  Turn turn;
  bench.options.may_claim = turn.of("r1");
  auto first = bench.make();
  bench.options.may_claim = turn.of("r2");
  auto second = bench.make();
  bench.router = std::move(first);
  const auto offer = bench.answered();
  bench.run_all({bench.router.get(), second.get()});
  CHECK(second->status().phase == Phase::standby);
  CHECK(second->status().committed == bench.router->status().committed);
  CHECK(second->engine().state_hash() == bench.router->engine().state_hash());

  bench.router.reset();  // Killed.
  turn.whose = "r2";
  bench.append(MessageReceived{Bench::message(2)});
  bench.router = std::move(second);
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
  CHECK(bench.router->engine().owner() == RouterId{"r2"});
  CHECK(bench.router->engine().conversation(offer.conversation.id)->state == engine::ConversationState::assigned);
  CHECK(bench.all(Stream::outbound).size() == 1);
  CHECK(bench.desk.all<engine::WelcomeFrame>().back().conversations.size() == 1);
  CHECK(bench.desk.all<engine::OfferFrame>().size() == 2);
}

TEST_CASE("O1: an owner that reads another's claim goes back to standing by and commits nothing more", "[router][rule-O1]") {
  Bench bench(Delivering::at_once, false);
  Turn turn;
  bench.options.may_claim = turn.of("r1");
  auto first = bench.make();
  bench.options.may_claim = turn.of("r2");
  auto second = bench.make();
  bench.open();
  bench.run_all({first.get(), second.get()});
  REQUIRE(first->status().phase == Phase::routing);
  turn.whose = "r2";  // The lease moved while the first one slept.
  bench.run_all({second.get()});
  REQUIRE(second->status().phase == Phase::routing);
  bench.append(MessageReceived{Bench::message(1)});
  bench.run_all({first.get(), second.get()}, 2000);
  CHECK(first->status().phase == Phase::standby);
  CHECK(second->status().phase == Phase::routing);
  CHECK(second->engine().owner() == RouterId{"r2"});
  CHECK(bench.desk.all<engine::OfferFrame>().size() == 1);
  CHECK(first->engine().state_hash() == second->engine().state_hash());
}

TEST_CASE("O1: a router that owned once, was followed by another, and finds the store wiped claims anew", "[router][rule-O1]") {
  Bench bench(Delivering::at_once, false);
  Turn turn;
  bench.options.may_claim = turn.of("r1");
  bench.router = bench.make();
  bench.options.may_claim = turn.of("r2");
  auto second = bench.make();
  const auto offer = bench.answered();
  turn.whose = "r2";
  bench.run_all({second.get(), bench.router.get()}, 2000);
  REQUIRE(second->engine().owner() == RouterId{"r2"});
  REQUIRE(bench.router->status().phase == Phase::standby);
  second.reset();  // Killed, and the store with it.
  bench.store.wipe();
  turn.whose = "r1";
  bench.run_all({bench.router.get()}, 3000);
  // What it begins with reaches back beyond its own first claim, which says nothing about now.
  CHECK(bench.router->status().phase == Phase::routing);
  CHECK(bench.router->status().reason.empty());
  CHECK(bench.router->engine().owner() == RouterId{"r1"});
  CHECK(bench.router->engine().conversation(offer.conversation.id)->state == engine::ConversationState::assigned);
}

TEST_CASE("a router with a long journal before it claims first and commits as it goes", "[router]") {
  Bench bench(Delivering::at_once, false);
  bench.append(PolicyActivated{Bench::policy(), ""});
  for (std::uint64_t n = 1; n <= 500; ++n) bench.append(MessageReceived{Bench::message(n)});
  bench.start(16);
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
  CHECK(bench.router->status().commits >= 500 / 16);
  CHECK(bench.router->engine().conversations(1000).size() == 500);
}

TEST_CASE("O3: another engine version snapshots what it takes over before its first commit", "[router][rule-O3]") {
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bench.start();
  bench.answered();
  const auto left_at = bench.store.load_meta(0).value().value();
  bench.options.engine_version = engine::engine_version + 1;
  bench.journal.fail_next_appends(0, journal::Applied::no);
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
  const auto snapshot = router::newest_snapshot(bench.journal, 0).value();
  REQUIRE(snapshot);
  CHECK(snapshot->meta == left_at);
  CHECK(snapshot->owner_version == engine::engine_version + 1);
  CHECK(snapshot->claimed_at > left_at.position.offset);
  CHECK(bench.router->engine().owner_version() == engine::engine_version + 1);
}

TEST_CASE("O3: what another version made of the log is never guessed at: without its last snapshot the router names the version",
          "[router][rule-O3]") {
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bench.start();
  bench.answered();
  bench.router.reset();  // No orderly end, so no snapshot.
  bench.store.wipe();
  bench.options.engine_version = engine::engine_version + 1;
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::failed);
  CHECK(bench.router->status().reason.find("version") != std::string::npos);
  // The version that wrote it can go on.
  bench.options.engine_version = engine::engine_version;
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
}

TEST_CASE("O3: after an orderly end with a snapshot, another version goes on even without the store", "[router][rule-O3]") {
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bench.start();
  const auto offer = bench.answered();
  bench.router->stop();
  bench.run();
  REQUIRE(bench.router->drained());
  bench.store.wipe();
  bench.options.engine_version = engine::engine_version + 1;
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
  CHECK(bench.router->engine().conversation(offer.conversation.id)->state == engine::ConversationState::assigned);
  CHECK(bench.all(Stream::outbound).size() == 1);
}

TEST_CASE("O3: a base is never further back than what the owner of before came to commit", "[router][rule-O3]") {
  Bench bench(Delivering::at_once, false);
  Turn turn;
  bench.options.snapshots = true;
  bench.options.may_claim = turn.of("r1");
  auto first = bench.make(1);
  bench.options.may_claim = turn.of("r2");
  bench.options.engine_version = engine::engine_version + 1;
  auto second = bench.make();
  bench.open();
  bench.run_all({first.get(), second.get()});
  for (std::uint64_t n = 1; n <= 3; ++n) bench.append(MessageReceived{Bench::message(n)});
  turn.whose = "r2";  // The lease moved; the first one does not know yet, and reads what came before the claim.
  const auto claims = [&] { return bench.all(Stream::inbound).back().entry.type == record_type(Claimed{}); };
  for (int i = 0; i < 20 && !claims(); ++i) second->pump();
  REQUIRE(claims());
  const auto left_at = bench.store.load_meta(0)->value().position.offset;
  for (int i = 0; i < 2; ++i) first->pump();
  const auto committed = bench.store.load_meta(0)->value().position.offset;
  REQUIRE(committed > left_at);
  bench.run_all({second.get()}, 2000);
  CHECK(second->status().phase == Phase::routing);
  CHECK(second->engine().conversations(10).size() == 3);
  const auto bases = router::list_snapshots(bench.journal, 0).value();
  REQUIRE(bases.size() == 1);
  CHECK(bases.front().offset >= committed);
}

TEST_CASE("O3: an owner that died with its first snapshot, before it committed anything, is no barrier", "[router][rule-O3]") {
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bench.start();
  bench.answered();
  const auto stored = bench.store.load(0).value();
  const auto write = [&](int version) {
    const auto mailbox = std::make_shared<router::Mailbox>();
    router::SnapshotWriter writer(bench.journal, 0, mailbox);
    writer.begin({stored.meta, version, stored.meta.position.offset + 1, false, stored.entities});
    for (int i = 0; i < 100 && writer.busy(); ++i) writer.pump(), mailbox->open();
    REQUIRE(!writer.busy());
  };
  write(engine::engine_version);
  bench.options.engine_version = engine::engine_version + 1;
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);

  // Of another version it is one, whatever it came to do.
  bench.router.reset();
  bench.store.wipe();
  write(engine::engine_version + 2);
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::failed);
}

TEST_CASE("A1: the owner ends the sessions of a gateway that is no longer alive", "[router][rule-A1]") {
  Bench bench;
  std::optional<std::set<GatewayId>> live = std::set<GatewayId>{GatewayId{"desk"}};
  bench.options.live_gateways = [&] { return live; };
  bench.start();
  bench.open();
  bench.run_all({bench.router.get()}, 5000);
  CHECK(bench.router->engine().agents().at(0).connected);
  live.reset();  // Not known: nobody is accused.
  bench.run_all({bench.router.get()}, 5000);
  CHECK(bench.router->engine().agents().at(0).connected);
  live.emplace();
  bench.run_all({bench.router.get()}, 5000);
  CHECK_FALSE(bench.router->engine().agents().at(0).connected);
}

TEST_CASE("J4: a record far ahead of the clock stops the partition until the clock has come near", "[router][rule-J4]") {
  Bench bench;
  bench.options.clock_ahead_max = 5min;
  bench.start();
  bench.open();
  bench.run();
  bench.clock.now += 10min;
  bench.append(MessageReceived{Bench::message(1)});
  bench.clock.now -= 10min;
  bench.run();
  CHECK(bench.router->status().phase == Phase::paused);
  CHECK(bench.router->status().reason.find("clock") != std::string::npos);
  CHECK(bench.router->engine().conversations(10).empty());
  bench.clock.pass(6min);
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
  CHECK(bench.router->engine().conversations(10).size() == 1);
}
