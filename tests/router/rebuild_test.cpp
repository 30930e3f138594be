// A store that is lost, damaged or brought back from an old copy, under a live owner and between two.
#include "routing/router/snapshot_maker.hpp"
#include "tests/router/router_fixture.hpp"
#include "tests/state/forwarding_store.hpp"

using namespace usher;
using namespace usher::router::test;
using router::Phase;

namespace {

// Entities, texts and effects are those of a centre where nothing went wrong.
void check_whole(Bench& bench, const engine::OfferView& offer) {
  CHECK(bench.router->status().phase == Phase::routing);
  const auto loaded = bench.store.load(0).value();
  CHECK(loaded.meta.digest == bench.router->engine().state_hash());
  CHECK(loaded.entities == bench.router->engine().serialize());
  const auto bodies = bench.store.bodies(0, offer.conversation.id, 100, 100).value();
  REQUIRE(bodies.size() == 2);
  CHECK(bodies[0].json.find("Where is it?") != std::string::npos);
  CHECK(bodies[1].json.find("On its way.") != std::string::npos);
  CHECK(bench.all(Stream::outbound).size() == 1);
}

// Another router initialises the store just before this one does.
class RacedStore final : public testing::ForwardingStore {
 public:
  explicit RacedStore(state::MemoryStore& store) : store_(store) {}
  Result<void> initialise(Partition partition) override {
    if (!std::exchange(raced_, true)) CHECK(store_.initialise(partition).has_value());
    return store_.initialise(partition);
  }

 protected:
  state::StateStore& inner() override { return store_; }

 private:
  state::MemoryStore& store_;
  bool raced_ = false;
};

}  // namespace

TEST_CASE("S2: two routers that find the store empty at once do not stop over who made it", "[router][rule-S2]") {
  Bench bench(Delivering::at_once, false);
  RacedStore raced(bench.store);
  bench.router = std::make_unique<router::Router>(router::RouterOptions{.id = RouterId{"r1"}},
                                                  router::Router::Ports{bench.journal, raced, bench.desk, bench.clock});
  bench.open();
  bench.run();
  CHECK(bench.router->status().phase == Phase::routing);
  CHECK(bench.router->engine().agents().size() == 1);
}

TEST_CASE("S2: a live owner whose store is wiped writes everything anew, and nothing is sent twice", "[router][rule-S2]") {
  const bool publish = GENERATE(false, true);
  Bench bench(Delivering::at_once, publish);
  bench.start();
  const auto offer = bench.answered();
  bench.store.wipe();
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  CHECK(bench.router->status().rewrites == 1);
  check_whole(bench, offer);
  CHECK(bench.desk.all<engine::OfferFrame>().size() == 2);
}

TEST_CASE("S2: a live owner under which an old copy of the store is put back folds everything since once more", "[router][rule-S2]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  bench.open();
  bench.run();
  bench.store.keep();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto offer = bench.desk.all<engine::OfferFrame>().at(0).offer;
  bench.command(Accept{offer.offer});
  bench.command(Reply{offer.conversation.id, "On its way."});
  bench.run();
  bench.store.restore();
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  check_whole(bench, offer);
}

TEST_CASE("S2: damage to the store under a live owner is found at the next commit or the next load", "[router][rule-S2]") {
  const auto which = GENERATE(0U, 1U, 2U, 3U);
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  bench.store.damage(0, which);
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  bench.start();
  bench.run();
  check_whole(bench, offer);
}

TEST_CASE("E2: a store lost between two owners is rebuilt from the journal, and what was sent is not sent again", "[router][rule-E2]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  const auto events = bench.all(Stream::events).size();
  bench.router.reset();
  bench.store.wipe();
  bench.start(4);
  bench.run();
  check_whole(bench, offer);
  CHECK(bench.all(Stream::events).size() == events);
}

TEST_CASE("S2: a store that forgot where it stands is written anew under its owner and between two", "[router][rule-S2]") {
  const bool live = GENERATE(true, false);
  Bench bench(Delivering::at_once, GENERATE(false, true));
  bench.start();
  const auto offer = bench.answered();
  if (!live) bench.router.reset();
  bench.store.lose_meta(0);
  if (!live) bench.start();
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  CHECK(bench.router->status().rewrites == 1);
  check_whole(bench, offer);
}

TEST_CASE("S2: an outbox that was erased between two owners is missed on load and what was in it goes out once", "[router][rule-S2]") {
  const bool stood_by = GENERATE(false, true);
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bool may_claim = false;
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto offer = bench.desk.all<engine::OfferFrame>().at(0).offer;
  bench.options.may_claim = [&] { return may_claim; };
  auto next = bench.make();
  if (stood_by) bench.run_all({bench.router.get(), next.get()});
  CHECK(next->status().phase == (stood_by ? Phase::standby : Phase::loading));
  bench.command(Accept{offer.offer});
  bench.command(Reply{offer.conversation.id, "On its way."});
  // Committed, and not published before its router died.
  bench.journal.fail_next_appends(1'000, journal::Applied::no);
  bench.run_all({bench.router.get()});
  bench.router.reset();
  bench.journal.fail_next_appends(0, journal::Applied::no);
  if (stood_by) bench.run_all({next.get()});
  const auto waiting = bench.store.load(0)->outbox;
  REQUIRE(waiting.size() > 1);
  REQUIRE(bench.all(Stream::outbound).empty());
  REQUIRE(bench.store.lose_outbox(0));
  may_claim = true;
  bench.router = std::move(next);
  bench.run();
  check_whole(bench, offer);
  CHECK(bench.router->status().rewrites == 1);
  const auto events = bench.all(Stream::events);
  for (const auto& entry : waiting)
    if (entry.stream == Stream::events)
      CHECK(std::count_if(events.begin(), events.end(), [&](const auto& one) { return one.entry == entry.entry; }) == 1);
}

TEST_CASE("X2: a lost store is rebuilt from a snapshot when the journal has lost its beginning", "[router][rule-X2]") {
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bench.start();
  const auto offer = bench.answered();
  bench.run_all({bench.router.get()}, 600);  // Until the outbox is trimmed.
  const auto before_snapshot = bench.router->status().committed;
  {
    router::SnapshotMaker maker({0, 1ms, 1ms, [] { return true; }}, bench.journal, bench.store, bench.clock);
    maker.make_one_now();
    while (maker.status().written == 0) bench.clock.pass(1ms), std::this_thread::yield();
    CHECK(maker.status().last == before_snapshot);
    CHECK(maker.status().differences == 0);
  }
  bench.command(Note{offer.conversation.id, "Asked the depot."});
  bench.run();
  bench.router.reset();
  bench.store.wipe();
  SECTION("with all texts still there") {
    bench.journal.erase_before(Stream::inbound, 0, 3);
    bench.start();
    bench.run();
    CHECK(bench.router->status().phase == Phase::routing);
    CHECK(bench.store.load(0)->entities == bench.router->engine().serialize());
    CHECK(bench.store.bodies(0, offer.conversation.id, 100, 100)->size() == 3);
    CHECK(bench.router->status().texts_lost == 0);
    CHECK(bench.all(Stream::outbound).size() == 1);
  }
  SECTION("with texts lost to retention, which is counted") {
    bench.journal.erase_before(Stream::inbound, 0, before_snapshot);
    bench.start();
    bench.run();
    CHECK(bench.router->status().phase == Phase::routing);
    CHECK(bench.router->status().texts_lost == 1);
    CHECK(bench.store.bodies(0, offer.conversation.id, 100, 100)->size() == 2);
  }
  SECTION("a half written snapshot does not count") {
    // The newest has no manifest yet; the one before it is taken.
    bench.journal.append(Stream::snapshots, 0, {"999/999/0", "usher.snapshot.chunk.v1", "[]"}, [](auto) {});
    bench.journal.erase_before(Stream::inbound, 0, 3);
    bench.start();
    bench.run();
    CHECK(bench.router->status().phase == Phase::routing);
  }
}

TEST_CASE("X2: without snapshot and beginning a lost store is refused in words", "[router][rule-X2]") {
  Bench bench(Delivering::at_once, false);
  bench.options.snapshots = true;
  bench.start();
  bench.answered();
  bench.router.reset();
  bench.store.wipe();
  bench.journal.erase_before(Stream::inbound, 0, 3);
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == Phase::failed);
  CHECK(bench.router->status().reason.find("snapshot") != std::string::npos);
}

TEST_CASE("X2: the maker of snapshots keeps two, and says when the store is not what the journal makes of it", "[router][rule-X2]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  bench.answered();
  router::SnapshotMaker maker({0, 1ms, 1ms, [] { return true; }}, bench.journal, bench.store, bench.clock);
  for (std::uint64_t n = 1; n <= 4; ++n) {
    bench.append(MessageReceived{Bench::message(10 + n)});
    bench.run_all({bench.router.get()}, 600);
    maker.make_one_now();
    while (maker.status().written < n || maker.status().last != bench.router->status().committed)
      bench.clock.pass(1ms), maker.make_one_now(), std::this_thread::yield();
  }
  // The third was forgotten behind the fourth's manifest, so it takes a look more.
  std::size_t kept = 0;
  do kept = router::list_snapshots(bench.journal, 0)->size();
  while (kept != 2 && (std::this_thread::yield(), true));
  CHECK(kept == 2);
  auto meta = bench.store.load_meta(0).value().value();
  state::Commit wrong;
  wrong.before = meta.position;
  wrong.after = meta;
  wrong.after.digest.count += 1;
  bench.store.commit(wrong, [](auto) {});
  while (maker.status().differences == 0) std::this_thread::yield();
  CHECK_FALSE(maker.status().trouble.empty());
}

TEST_CASE("S2: a copy made while texts were missing has them again when it is put back", "[router][rule-S2]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  bench.store.wipe();
  bench.append(MessageReceived{Bench::message(2)});
  bench.store.fail_commits_after_rewrite(1000);
  bench.run();
  REQUIRE(bench.router->status().rewrites == 1);
  REQUIRE(bench.store.bodies(0, offer.conversation.id, 100, 100).value().empty());
  bench.store.keep();
  bench.store.fail_next_commits(0, state::Applied::no);
  bench.run();
  check_whole(bench, offer);
  bench.append(MessageReceived{Bench::message(3)});
  bench.run();
  bench.store.restore();
  bench.append(MessageReceived{Bench::message(4)});
  bench.run();
  check_whole(bench, offer);
  CHECK(bench.router->status().texts_missing == 0);
}

TEST_CASE("S5: texts of a conversation that nobody knows are erased once the store is whole again", "[router][rule-S5]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  auto meta = bench.store.load_meta(0).value().value();
  state::Commit stray;
  stray.before = meta.position;
  stray.after = meta;
  stray.bodies = {state::Body{{7, 7}, 0, {7, 70}, "{}"}};
  bench.store.commit(stray, [](auto) {});
  bench.store.damage(0, 0);
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  REQUIRE(bench.router->status().rewrites == 1);
  CHECK(bench.store.bodies(0, {7, 7}, 100, 100)->empty());
  check_whole(bench, offer);
}

TEST_CASE("S1: texts whose commit was lost without a trace are written again", "[router][rule-S1]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  bench.store.wipe();
  bench.append(MessageReceived{Bench::message(2)});
  bench.store.fail_commits_after_rewrite(1);
  bench.run_all({bench.router.get()}, 3000);
  check_whole(bench, offer);
}
