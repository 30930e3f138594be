// A log that is not the one of the tracked state: refused until an operator says `usherctl recover`, then gone on with.
#include <set>

#include "routing/message/limits.hpp"
#include "routing/router/recovery.hpp"
#include "tests/router/router_fixture.hpp"

using namespace usher;
using namespace usher::router::test;
using router::LogFound;
using router::Phase;

namespace {

constexpr auto second_begins = limits::incarnation_records_max;

// A centre whose first router is gone, and the logs that it finds later, over the same store.
struct Centre {
  Bench bench{Delivering::at_once, false};
  engine::OfferView offer;
  HandClock log_clock;
  std::unique_ptr<journal::MemoryJournal> log;
  std::unique_ptr<journal::ContinuedJournal> journal;
  std::unique_ptr<router::Router> router;

  Centre() { bench.options.snapshots = true; }

  // A conversation of ana's, answered once; then the router ends, in order or not.
  void work(bool in_order = false) {
    bench.start();
    offer = bench.answered();
    end(*bench.router, in_order);
    bench.router.reset();
  }
  void end(router::Router& which, bool in_order) {
    if (!in_order) return;
    which.stop();
    for (int i = 0; i < 1000 && !which.drained(); ++i) bench.run_all({&which}, 10);
    REQUIRE(which.drained());
  }
  // The logs made anew: the streams that are kept with all they hold, and of inbound so many records.
  void make_anew(std::set<Stream> kept, std::size_t inbound = 0) {
    router.reset();
    auto anew = std::make_unique<journal::MemoryJournal>(log_clock);
    for (const auto stream : {Stream::inbound, Stream::outbound, Stream::events, Stream::control, Stream::snapshots}) {
      auto& from = log ? static_cast<journal::Journal&>(*log) : bench.journal;
      auto records = from.read(stream, 0, 0, 100'000).value();
      if (stream == Stream::inbound) records.resize(std::min(records.size(), inbound));
      else if (!kept.contains(stream)) records.clear();
      for (const auto& record : records) {
        if (stream == Stream::inbound) log_clock.now = record.appended_at;
        anew->append(stream, 0, record.entry, [](auto) {});
      }
    }
    log_clock = bench.clock;
    log_clock.pass(60s);
    log = std::move(anew);
  }
  void start() {
    bench.clock = log_clock;
    journal = std::move(journal::ContinuedJournal::open(*log, 0).value());
    bench.options.id = RouterId{"again" + std::to_string(++bench.routers)};
    router = std::make_unique<router::Router>(bench.options,
                                              router::Router::Ports{*journal, bench.store, bench.desk, bench.clock});
    run();
  }
  void run() { bench.run_all({router.get()}, 800), log_clock = bench.clock; }
  void append(const Record& record) {
    log->append(Stream::inbound, 0, {"id", std::string(record_type(record)), encode(record)}, [](auto) {});
  }
  void command(Command what) {
    append(CommandIssued{AgentId{"ana"}, SessionId{"s"}, CommandId{"c" + std::to_string(++bench.commands)}, std::move(what)});
  }
  router::RecoveryPlan recover() {
    router.reset();
    const auto plan = router::plan_recovery(*log, bench.store, 0);
    REQUIRE(plan.has_value());
    REQUIRE(router::recover(*log, 0, *plan).has_value());
    return *plan;
  }
  // The conversation of before is ana's, with its texts, and what is new is served.
  void check_goes_on() {
    REQUIRE(router->status().phase == Phase::routing);
    const auto before = router->engine().conversation(offer.conversation.id);
    REQUIRE(before);
    CHECK(before->state == engine::ConversationState::assigned);
    const auto out = sent().size();
    append(MessageReceived{Bench::message(77)});
    command(Reply{offer.conversation.id, "It is at your neighbour's."});
    run();
    CHECK(bench.store.bodies(0, offer.conversation.id, 100, 100)->back().json.find("neighbour") != std::string::npos);
    CHECK(router->engine().conversation_of(Bench::message(77).id));
    CHECK(sent().size() == out + 1);
    CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
    CHECK(bench.store.load(0)->entities == router->engine().serialize());
    CHECK(router->status().lag_records == 0);
    CHECK_FALSE(router->engine().broken_rule());
  }
  // All effects of any stream so far, and the replies among them.
  std::vector<std::string> ids;
  std::vector<std::string> sent() {
    std::vector<std::string> replies;
    ids.clear();
    for (const auto stream : {Stream::outbound, Stream::events})
      for (const auto& record : log->read(stream, 0, 0, 100'000).value()) {
        ids.push_back(record.entry.id);
        if (stream == Stream::outbound) replies.push_back(record.entry.value);
      }
    return replies;
  }
};

const std::set<Stream> all_others{Stream::outbound, Stream::events, Stream::control, Stream::snapshots};

}  // namespace

TEST_CASE("J2: a log made anew is refused until an operator recovers and then the work in hand goes on", "[router][rule-J2]") {
  const bool only_inbound = GENERATE(true, false);
  const int already = GENERATE(0, 40);  // Records in the new log by then: it may be longer than the old one was.
  Centre centre;
  centre.work();
  const auto stored = centre.bench.store.load_meta(0).value().value();
  centre.make_anew(only_inbound ? all_others : std::set<Stream>{});
  for (int n = 0; n < already; ++n) centre.append(MessageReceived{Bench::message(100 + static_cast<std::uint64_t>(n))});
  centre.start();
  CHECK(centre.router->status().phase == Phase::failed);
  CHECK(centre.router->status().reason.find("usherctl recover") != std::string::npos);
  CHECK(centre.bench.store.load_meta(0).value().value() == stored);

  const auto plan = centre.recover();
  CHECK(plan.found == LogFound::made_anew);
  CHECK_FALSE(plan.from_snapshot);
  CHECK(plan.next == journal::Incarnation{1, stored.position.offset, stored.fingerprint, 0});
  CHECK(plan.conversations == 1);
  CHECK(plan.records == already);
  centre.start();
  // What was out is not sent again; where that was forgotten as well, what the outbox still held is, under the id it had.
  CHECK(centre.sent().size() == 1);
  centre.check_goes_on();
  // What was acknowledged before anybody recovered is there, too.
  for (int n = 0; n < already; ++n)
    CHECK(centre.router->engine().conversation_of(Bench::message(100 + static_cast<std::uint64_t>(n)).id));
  const auto now = centre.bench.store.load_meta(0).value().value();
  CHECK(now.position.epoch >= second_begins);
  CHECK(now.position.offset > now.position.epoch);
  CHECK(router::plan_recovery(*centre.log, centre.bench.store, 0).error().fault == Fault::conflict);

  // From here on a lost store is rebuilt as ever, though the log of before is gone.
  centre.router.reset();
  centre.bench.store.wipe();
  centre.start();
  centre.check_goes_on();
}

TEST_CASE("J2: what waits in the outbox while a log is made anew goes out once", "[router][rule-J2]") {
  Centre centre;
  centre.bench.start();
  centre.bench.open();
  centre.bench.append(MessageReceived{Bench::message(1)});
  centre.bench.run();
  centre.offer = centre.bench.desk.all<engine::OfferFrame>().at(0).offer;
  centre.bench.command(Accept{centre.offer.offer});
  centre.bench.command(Reply{centre.offer.conversation.id, "On its way."});
  const auto before = centre.bench.all(Stream::events).size();
  centre.bench.journal.fail_next_appends(1'000, journal::Applied::no);
  centre.bench.run();
  centre.bench.router.reset();
  REQUIRE(centre.bench.all(Stream::outbound).empty());
  REQUIRE(centre.bench.all(Stream::events).size() == before);
  const auto waiting = centre.bench.store.load(0)->outbox;
  REQUIRE(waiting.size() > 1);
  centre.make_anew(all_others);
  CHECK(centre.recover().unpublished == waiting.size());
  centre.start();
  CHECK(centre.sent().size() == 1);
  for (const auto& entry : waiting) CHECK(std::count(centre.ids.begin(), centre.ids.end(), entry.entry.id) == 1);
  centre.check_goes_on();
}

TEST_CASE("J2: of a log that lost its end only what is younger than the state is applied", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  const auto stored = centre.bench.store.load_meta(0).value().value();
  const auto left = static_cast<std::size_t>(stored.position.offset) - 1;
  centre.make_anew(all_others, left);
  centre.append(MessageReceived{Bench::message(5)});
  const auto plan = centre.recover();
  CHECK(plan.found == LogFound::cut_off);
  CHECK(plan.next.begins == static_cast<Offset>(left));
  CHECK(plan.records == 1);
  centre.start();
  CHECK(centre.sent().size() == 1);  // The reply is not made a second time.
  CHECK(centre.router->engine().conversation_of(Bench::message(5).id));
  centre.check_goes_on();
}

TEST_CASE("J2: of a log without its end and the claim nobody guesses what was applied", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  centre.make_anew(all_others, 2);  // The claim was in the end that is lost.
  centre.append(MessageReceived{Bench::message(5)});
  const auto guess = router::plan_recovery(*centre.log, centre.bench.store, 0);
  REQUIRE_FALSE(guess.has_value());
  CHECK(guess.error().fault == Fault::malformed);
  CHECK(guess.error().detail.find("--from") != std::string::npos);
  CHECK(router::plan_recovery(*centre.log, centre.bench.store, 0, Offset{9}).error().fault == Fault::malformed);
  const auto plan = router::plan_recovery(*centre.log, centre.bench.store, 0, Offset{2});
  REQUIRE(plan.has_value());
  CHECK(plan->found == LogFound::cut_off);
  CHECK(plan->records == 1);
  REQUIRE(router::recover(*centre.log, 0, *plan).has_value());
  centre.start();
  CHECK(centre.sent().size() == 1);
  CHECK(centre.router->engine().conversation_of(Bench::message(5).id));
  centre.check_goes_on();
}

TEST_CASE("J2: a log that another router has claimed is not taken for one made anew", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  centre.make_anew(all_others);
  centre.append(MessageReceived{Bench::message(5)});
  centre.append(Claimed{offset_none, RouterId{"elsewhere"}, 1});
  const auto plan = router::plan_recovery(*centre.log, centre.bench.store, 0);
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().fault == Fault::malformed);
}

TEST_CASE("J2: a router that stands by does not take over with a log that became another one", "[router][rule-J2]") {
  Centre centre;
  bool may = true;
  centre.bench.options.may_claim = [&may] { return may; };
  centre.work();
  may = false;
  centre.make_anew(all_others, 1'000);
  centre.start();
  REQUIRE(centre.router->status().phase == Phase::standby);
  // The log loses its last record, and another one comes to stand there.
  const auto last = centre.log->bounds(Stream::inbound, 0)->end;
  centre.log->cut(Stream::inbound, 0, last - 1);
  for (std::uint64_t n = 1; n < 4; ++n) centre.append(MessageReceived{Bench::message(50 + n)});
  may = true;
  centre.run();
  CHECK(centre.router->status().phase == Phase::failed);
  CHECK(centre.router->status().reason.find("usherctl recover") != std::string::npos);
}

TEST_CASE("J2: without a tracked state the newest snapshot is what a log made anew goes on from", "[router][rule-J2]") {
  const bool gone = GENERATE(true, false);
  Centre centre;
  centre.bench.start();
  centre.bench.open();
  centre.bench.run();
  centre.bench.store.keep();  // An old copy, from before the customer wrote.
  centre.bench.router.reset();
  centre.work(true);
  if (gone) centre.bench.store.wipe();
  else centre.bench.store.restore();
  centre.make_anew(all_others);
  centre.start();
  CHECK(centre.router->status().phase == Phase::failed);
  CHECK(centre.recover().from_snapshot);
  centre.start();
  REQUIRE(centre.router->status().phase == Phase::routing);
  CHECK(centre.router->engine().conversation(centre.offer.conversation.id)->state == engine::ConversationState::assigned);
  CHECK(centre.sent().size() == 1);
  CHECK(centre.bench.store.load(0)->entities == centre.router->engine().serialize());
}

TEST_CASE("J2: a log may be made anew again and again and each time goes on", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  for (Offset number = 1; number <= 3; ++number) {
    centre.make_anew(number == 2 ? std::set<Stream>{} : all_others);
    CHECK(centre.recover().next.number == number);
    centre.start();
    CHECK(centre.bench.store.load_meta(0).value().value().position.epoch / second_begins == number);
  }
  centre.bench.commands += 10;
  centre.check_goes_on();
}

TEST_CASE("J2: a note that was forgotten is written again and no record is applied twice", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  centre.make_anew(all_others);
  centre.recover();
  centre.start();
  centre.append(MessageReceived{Bench::message(5)});
  centre.command(Reply{centre.offer.conversation.id, "It has arrived."});
  centre.run();
  const auto out = centre.sent().size();
  centre.make_anew({Stream::outbound, Stream::events, Stream::snapshots}, 1'000);
  centre.start();
  CHECK(centre.router->status().phase == Phase::failed);
  const auto plan = centre.recover();
  CHECK(plan.found == LogFound::note_lost);
  CHECK(plan.next.number == 1);
  centre.start();
  CHECK(centre.sent().size() == out);
  centre.check_goes_on();
}

TEST_CASE("J2: the owner repeats the note for the control stream forgets", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  centre.make_anew(all_others);
  const auto plan = centre.recover();
  centre.start();
  centre.log->erase_before(Stream::control, 0, centre.log->bounds(Stream::control, 0)->end);
  CHECK(journal::read_incarnation(*centre.log, 0)->number == 0);
  for (int minute = 0; minute < 20; ++minute) centre.bench.clock.pass(60s), centre.run();
  CHECK(journal::read_incarnation(*centre.log, 0).value() == plan.next);
}

TEST_CASE("J2: nothing is recovered where nothing is wrong or nothing is left", "[router][rule-J2]") {
  Centre centre;
  centre.work();
  CHECK(router::plan_recovery(centre.bench.journal, centre.bench.store, 0).error().fault == Fault::conflict);
  centre.bench.store.wipe();
  centre.make_anew({});
  CHECK(router::plan_recovery(*centre.log, centre.bench.store, 0).error().fault == Fault::not_found);
}
