// A router that reads records before they are stored (rule J6), and what happens when they never are.
#include "tests/router/router_fixture.hpp"

using namespace usher;
using namespace usher::router::test;

namespace {

void deliver(Bench& bench, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    bench.journal.deliver_all();
    bench.store.deliver_all();
    bench.router->pump();
    bench.clock.pass(1ms);
  }
}

}  // namespace

TEST_CASE("J6: what was made of records that were read early and then lost is void", "[router][J6]") {
  for (const auto applied : {journal::Applied::no, journal::Applied::yes}) {
    Bench bench(Delivering::by_hand);
    bench.journal.give_early();
    const auto run = [&] { deliver(bench, 200); };
    bench.start();
    bench.open();
    run();
    REQUIRE(bench.router->status().phase == router::Phase::routing);
    const auto applied_before = bench.router->status().applied;
    bench.append(MessageReceived{Bench::message(1)});
    bench.append(MessageReceived{Bench::message(2)});
    bench.router->pump();
    // Before the journal has stored anything.
    CHECK(bench.router->status().applied == applied_before + 2);
    CHECK(bench.router->engine().conversations(10).size() == 2);
    bench.journal.fail_next_appends(1, applied);
    run();
    CHECK(bench.router->status().phase == router::Phase::routing);
    const std::size_t kept = applied == journal::Applied::yes ? 2 : 1;
    CHECK(bench.router->engine().conversations(10).size() == kept);
    CHECK(bench.desk.all<engine::OfferFrame>().size() == kept);
    CHECK(bench.store.load_meta(0).value()->digest == bench.router->engine().state_hash());
    CHECK(bench.router->status().rewrites == 0);
  }
}

TEST_CASE("J6: nothing of a record that was read early leaves before it is stored", "[router][J6]") {
  Bench bench(Delivering::by_hand);
  bench.journal.give_early();
  bench.start();
  bench.open();
  deliver(bench, 200);
  const auto frames = bench.desk.frames.size();
  bench.append(MessageReceived{Bench::message(1)});
  for (int i = 0; i < 50; ++i) bench.router->pump();
  CHECK(bench.desk.frames.size() == frames);
}

TEST_CASE("J6: while the disk takes nothing a router begins anew ever less often, and shows no state that is void", "[router][J6]") {
  Bench bench(Delivering::by_hand);
  bench.journal.give_early();
  const auto run = [&](int rounds) { deliver(bench, rounds); };
  bench.start();
  bench.open();
  run(200);
  REQUIRE(bench.router->has_engine());
  bench.journal.fail_next_appends(1'000'000, journal::Applied::no);
  bench.append(MessageReceived{Bench::message(1)});
  bench.router->pump();
  bench.journal.deliver_all();
  CHECK_FALSE(bench.router->has_engine());
  run(5000);
  CHECK(bench.journal.early_losses() < 20);
  bench.journal.fail_next_appends(0, journal::Applied::no);
  run(3000);
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->has_engine());
}

TEST_CASE("S4: what is in flight has a limit in bytes, too", "[router][S4]") {
  Bench bench(Delivering::by_hand);
  bench.journal.give_early();
  bench.start(4);
  bench.open();
  deliver(bench, 200);
  REQUIRE(bench.store.undelivered() == 0);
  for (std::uint64_t n = 1; n <= 150; ++n) {
    auto large = Bench::message(n);
    large.text = std::string(250 * 1024, 'x');
    bench.append(MessageReceived{large});
  }
  bench.journal.deliver_all();
  for (int i = 0; i < 300; ++i) bench.router->pump();
  // Of four messages each, so a mebibyte.
  CHECK(bench.store.undelivered() > 10);
  CHECK(bench.store.undelivered() < 20);
}
