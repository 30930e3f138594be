// The router's loop over memory adapters: commits, restarts, and what it refuses. Rules O1, J2, S1, S2, S4 by name.
#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "routing/router/batch.hpp"
#include "routing/router/effect_json.hpp"
#include "tests/router/router_fixture.hpp"

using namespace usher;
using namespace usher::router::test;

TEST_CASE("a message is committed with its text before anybody is offered it", "[router]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto offers = bench.desk.all<engine::OfferFrame>();
  REQUIRE(offers.size() == 1);
  const auto body = bench.store.body(0, {5, 1}).value();
  REQUIRE(body.has_value());
  CHECK(decode_message(body->json).value() == Bench::message(1));
  CHECK(bench.router->status().phase == router::Phase::routing);
}

TEST_CASE("S1: nothing reaches an agent before the commit of its step", "[router][S1]") {
  Bench bench(Delivering::by_hand);
  bench.start();
  bench.open();
  for (int i = 0; i < 50; ++i) {
    bench.journal.deliver_all();
    bench.router->pump();
  }
  CHECK(bench.desk.frames.empty());  // The commit is out, but the store has not answered.
  for (int i = 0; i < 50; ++i) {
    bench.store.deliver_all();
    bench.journal.deliver_all();
    bench.router->pump();
  }
  CHECK_FALSE(bench.desk.frames.empty());
}

TEST_CASE("S1: a commit whose answer was lost is found out by reading, whether it was applied or not", "[router][S1]") {
  for (const auto applied : {journal::Applied::yes, journal::Applied::no}) {
    Bench bench;
    bench.start();
    bench.open();
    bench.run();
    bench.store.fail_next_commits(1, applied);
    bench.append(MessageReceived{Bench::message(1)});
    bench.run();
    CHECK(bench.router->status().phase == router::Phase::routing);
    CHECK(bench.router->engine().conversations(10).size() == 1);
    CHECK(bench.store.load_meta(0).value()->digest == bench.router->engine().state_hash());
    CHECK(bench.desk.all<engine::OfferFrame>().size() + bench.desk.all<engine::WelcomeFrame>().size() >= 2);
  }
}

// Two commits are out, each with a message of its own, and the store has answered neither.
void two_under_way(Bench& bench) {
  bench.start();
  bench.open();
  const auto settle = [&] {
    for (int i = 0; i < 50; ++i) {
      bench.store.deliver_all();
      bench.journal.deliver_all();
      bench.router->pump();
      bench.clock.pass(1ms);
    }
  };
  settle();
  const auto commits = bench.router->status().commits;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    bench.append(MessageReceived{Bench::message(number)});
    for (int i = 0; i < 5; ++i) {
      bench.journal.deliver_all();
      bench.router->pump();
    }
  }
  REQUIRE(bench.router->status().commits == commits);
  REQUIRE(bench.store.undelivered() == 2);
}

TEST_CASE("S4: a second commit goes out while the first is under way, a third waits", "[router][S4]") {
  Bench bench(Delivering::by_hand);
  two_under_way(bench);
  const auto frames = bench.desk.frames.size();
  const auto commits = bench.router->status().commits;
  while (bench.router->status().commits == commits && bench.store.deliver_one()) bench.router->pump();
  CHECK(bench.router->status().commits == commits + 1);
  CHECK(bench.store.undelivered() >= 2);  // The third went out.
  // The agent sees what the first commit stored, not yet what the others will.
  CHECK(bench.desk.all<engine::OfferFrame>().size() == 1);
  CHECK(bench.desk.frames.size() > frames);
  for (int i = 0; i < 50; ++i) {
    bench.store.deliver_all();
    bench.journal.deliver_all();
    bench.router->pump();
  }
  CHECK(bench.router->status().commits == commits + 3);
  CHECK(bench.store.load_meta(0).value()->digest == bench.router->engine().state_hash());
}

enum class Fate { answered, lost_and_applied, lost_and_not };

// What the events say after two commits under way met these fates, and the router went on.
std::vector<std::string> events_after(Fate first, Fate second, bool store_publishes) {
  Bench bench(Delivering::by_hand, store_publishes);
  two_under_way(bench);
  for (const auto fate : {first, second}) {
    if (fate != Fate::answered) bench.store.fail_next_commits(1, fate == Fate::lost_and_applied ? journal::Applied::yes : journal::Applied::no);
    REQUIRE(bench.store.deliver_one());  // It is tried; its answer waits behind what else waits.
  }
  for (int i = 0; i < 500; ++i) {  // One answer at a time, each seen before the next.
    bench.store.deliver_one();
    bench.journal.deliver_all();
    bench.router->pump();
    bench.clock.pass(10ms);
  }
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->status().rewrites == 0);
  CHECK(bench.router->status().committed == bench.router->status().applied);
  CHECK(bench.router->engine().conversations(10).size() == 3);
  CHECK(bench.store.load_meta(0).value()->digest == bench.router->engine().state_hash());
  std::vector<std::string> told;  // Ana hears of an offer by its frame, or by the welcome after a router had to begin anew.
  for (const auto& frame : bench.desk.all<engine::OfferFrame>()) told.push_back(frame.offer.offer.text());
  CHECK(std::set(told.begin(), told.end()).size() == told.size());
  std::vector<std::string> events;
  for (const auto& stored : bench.all(Stream::events)) events.push_back(stored.entry.id + " " + stored.entry.type);
  return events;
}

TEST_CASE("S1: of two commits under way each may be answered or lost and then applied or not", "[router][S1][S4][E2]") {
  for (const bool store_publishes : {true, false}) {
    const auto expected = events_after(Fate::answered, Fate::answered, store_publishes);
    REQUIRE(expected.size() == 3);
    for (const auto first : {Fate::answered, Fate::lost_and_applied, Fate::lost_and_not})
      for (const auto second : {Fate::answered, Fate::lost_and_applied, Fate::lost_and_not}) {
        INFO("first " << static_cast<int>(first) << ", second " << static_cast<int>(second) << ", store publishes " << store_publishes);
        auto events = events_after(first, second, store_publishes);
        CHECK(std::set(events.begin(), events.end()).size() == events.size());
        for (const auto& event : expected) CHECK(std::find(events.begin(), events.end(), event) != events.end());
      }
  }
}

TEST_CASE("S5: texts that are written again do not wait for a moment without work", "[router][S5][S4]") {
  Bench bench(Delivering::by_hand);
  bench.start();
  bench.open();
  // More than are written again at once.
  for (std::uint64_t number = 1000; number < 1200; ++number) bench.append(MessageReceived{Bench::message(number)});
  for (int i = 0; i < 100; ++i) {
    bench.store.deliver_all();
    bench.journal.deliver_all();
    bench.router->pump();
  }
  bench.store.wipe();
  // Before every answer there is another message, so that some commit is always under way.
  for (std::uint64_t number = 1; number < 400 && (bench.router->status().rewrites == 0 || bench.router->status().texts_missing > 0); ++number) {
    bench.append(MessageReceived{Bench::message(number)});
    bench.journal.deliver_all();
    bench.router->pump();
    bench.store.deliver_one();
    bench.router->pump();
    bench.clock.pass(10ms);
  }
  CHECK(bench.router->status().rewrites == 1);
  CHECK(bench.router->status().texts_missing == 0);
}

TEST_CASE("S2: a store that is lost while two commits are under way is written anew with what both held", "[router][S2][S4]") {
  Bench bench(Delivering::by_hand);
  bench.start();
  bench.open();
  const auto settle = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      bench.store.deliver_all();
      bench.journal.deliver_all();
      bench.router->pump();
      bench.clock.pass(10ms);
    }
  };
  settle(100);
  bench.store.wipe();
  for (std::uint64_t number = 1; number <= 3; ++number) {
    bench.append(MessageReceived{Bench::message(number)});
    for (int i = 0; i < 5; ++i) {
      bench.journal.deliver_all();
      bench.router->pump();
    }
  }
  settle(500);
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->status().rewrites == 1);
  CHECK(bench.store.load_meta(0).value()->digest == bench.router->engine().state_hash());
  for (std::uint64_t number = 1; number <= 3; ++number) CHECK(bench.store.body(0, Bench::message(number).id).value().has_value());
  CHECK(bench.desk.all<engine::OfferFrame>().size() == 3);
}

TEST_CASE("S1: a router whose partition was taken writes nothing more", "[router][S1][O1]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  auto old = std::move(bench.router);
  bench.start();
  bench.run();
  const auto after = bench.store.load_meta(0).value();
  bench.append(MessageReceived{Bench::message(1)});
  for (int i = 0; i < 100; ++i) old->pump();
  CHECK(old->status().phase == router::Phase::stopped);
  CHECK(bench.store.load_meta(0).value() == after);
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->engine().owner() == RouterId{"r2"});
}

TEST_CASE("a restart goes on exactly where the last one stopped", "[router]") {
  Bench bench;
  bench.start();
  const auto offer = bench.answered();
  const auto before = bench.router->engine().serialize();
  bench.start();
  bench.run();
  CHECK(bench.router->engine().conversation(offer.conversation.id)->state == engine::ConversationState::assigned);
  CHECK(bench.all(Stream::outbound).size() == 1);
  CHECK(bench.desk.all<engine::WelcomeFrame>().back().conversations.size() == 1);
}

TEST_CASE("J2: a journal that is not the one the state came from is refused", "[router][J2]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  HandClock clock;
  journal::MemoryJournal other(clock);
  for (int i = 0; i < 20; ++i) other.append(Stream::inbound, 0, {"x", "usher.tick.v1", "{\"v\":1}"}, [](auto) {});
  router::Router router({0, RouterId{"r9"}, 0}, {other, bench.store, bench.desk, bench.clock});
  for (int i = 0; i < 50; ++i) router.pump();
  CHECK(router.status().phase == router::Phase::failed);
  CHECK(router.status().reason.find("journal") != std::string::npos);
}

TEST_CASE("J2: a journal that has lost what the state applied is refused, never skipped", "[router][J2]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.journal.erase_before(Stream::inbound, 0, bench.journal.bounds(Stream::inbound, 0)->end);
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::failed);
}

TEST_CASE("S2: tracked state that does not add up is made anew from the journal, or refused without one", "[router][S2]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  auto meta = bench.store.load_meta(0).value().value();
  state::Commit damage;
  damage.before = meta.position;
  damage.after = meta;
  damage.changes = {{"agent", "ana", std::nullopt}};  // An entity is gone, the digest stays.
  bench.store.commit(damage, [](auto) {});
  const auto sent = bench.all(Stream::events).size();
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->status().rewrites == 1);
  CHECK(bench.all(Stream::events).size() == sent);
  CHECK(bench.store.entity(0, "agent", "ana").value().has_value());

  meta = bench.store.load_meta(0).value().value();
  damage.before = meta.position;
  damage.after = meta;
  bench.store.commit(damage, [](auto) {});
  bench.journal.erase_before(Stream::inbound, 0, 3);
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::failed);
  CHECK(bench.router->status().reason.find("damaged") != std::string::npos);
}

TEST_CASE("S4: a flood is cut into batches and all of it is applied", "[router][S4]") {
  Bench bench;
  bench.start(16);
  bench.open();
  bench.run();
  for (std::uint64_t n = 1; n <= 200; ++n) bench.append(MessageReceived{Bench::message(n)});
  bench.run();
  CHECK(bench.router->engine().conversations(1000).size() == 200);
  CHECK(bench.router->status().commits >= 200 / 16);
}

TEST_CASE("agents are told when nothing could be committed for a second, and when it can again", "[router]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.store.fail_next_commits(1, journal::Applied::no);
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  CHECK(bench.desk.degraded.empty());  // Over in a moment.
  bench.store.fail_next_commits(1'000'000, journal::Applied::no);
  bench.append(MessageReceived{Bench::message(2)});
  for (int i = 0; i < 10; ++i) bench.run();
  CHECK(bench.desk.degraded == std::vector{true});
  CHECK(bench.router->engine().conversations(10).size() == 2);
  bench.store.fail_next_commits(0, journal::Applied::no);
  for (int i = 0; i < 10; ++i) bench.run();
  CHECK(bench.desk.degraded == std::vector{true, false});
  CHECK(bench.desk.all<engine::OfferFrame>().size() == 2);
}
