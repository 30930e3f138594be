// What leaves the router, what is set aside, and its timers. Rules E1..E5, X1, J4 by name.
#include <boost/json.hpp>
#include <set>

#include "routing/router/batch.hpp"
#include "routing/router/effect_json.hpp"
#include "tests/router/router_fixture.hpp"

using namespace usher;
using namespace usher::router::test;

TEST_CASE("E1: effects leave in the order of what caused them, each with its position as id", "[router][E1]") {
  for (const bool publish : {true, false}) {
    Bench bench(Delivering::at_once, publish);
    bench.start();
    bench.answered();
    std::pair<long, long> last{-1, -1};
    for (const auto& record : bench.all(Stream::events)) {
      long offset = 0, index = 0;
      REQUIRE(std::sscanf(record.entry.id.c_str(), "0/%ld/%ld", &offset, &index) == 2);
      CHECK(std::pair(offset, index) > last);
      last = {offset, index};
    }
    REQUIRE(bench.all(Stream::outbound).size() == 1);
    const auto json = boost::json::parse(bench.all(Stream::outbound)[0].entry.value).as_object();
    CHECK(json.at("text").as_string() == "On its way.");
    CHECK(json.at("author_name").as_string() == "Ana");
    CHECK(json.at("attempt").as_int64() == 1);
  }
}

TEST_CASE("E3: the outbox is trimmed once its effects are out, and sent after a crash if they were not", "[router][E3]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  bench.open();
  bench.run();
  // The commit succeeds, then the process dies before anything is published.
  bench.journal.fail_next_appends(0, journal::Applied::no);
  bench.append(MessageReceived{Bench::message(1)});
  bench.router->pump();
  const auto queued = bench.store.load(0).value().outbox.size();
  bench.start();
  bench.run();
  CHECK(queued >= 1);
  CHECK(bench.all(Stream::events).size() >= 1);
  bench.append(MessageReceived{Bench::message(2)});
  bench.run();
  bench.append(Tick{});
  bench.run();
  CHECK(bench.store.load(0).value().outbox.size() <= 1);
  std::set<std::string> ids;
  for (const auto& record : bench.all(Stream::events)) CHECK(ids.insert(record.entry.id).second);
}

TEST_CASE("E4, E5: a second attempt carries the same reply id and text", "[router][E4][E5]") {
  Bench bench;
  bench.start();
  bench.answered();
  const auto first = boost::json::parse(bench.all(Stream::outbound).at(0).entry.value).as_object();
  const auto reply = MessageId::parse(std::string(first.at("reply").as_string())).value();
  bench.append(DeliveryReported{reply, 1, DeliveryState::deferred, "503", {}});
  bench.run();
  for (int i = 0; i < 12; ++i) {
    bench.clock.pass(1s);
    bench.run();
  }
  const auto out = bench.all(Stream::outbound);
  REQUIRE(out.size() == 2);
  const auto second = boost::json::parse(out[1].entry.value).as_object();
  CHECK(second.at("reply") == first.at("reply"));
  CHECK(second.at("text") == first.at("text"));
  CHECK(second.at("attempt").as_int64() == 2);
}

TEST_CASE("X1: a record that cannot be read goes to the dead letters with its bytes, and the rest moves on", "[router][X1]") {
  Bench bench;
  bench.start();
  bench.open();
  const std::string poison("\xff\x00{not json", 11);
  bench.journal.append(Stream::inbound, 0, {"id", "usher.message.received.v1", poison}, [](auto) {});
  bench.journal.append(Stream::inbound, 0, {"id", "usher.future.v9", "{}"}, [](auto) {});
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto dead = bench.all(Stream::dead_letters);
  REQUIRE(dead.size() == 2);
  CHECK(boost::json::parse(dead[0].entry.value).as_object().at("value_base64").as_string() == "/wB7bm90IGpzb24=");
  CHECK(bench.router->engine().conversations(10).size() == 1);
  CHECK(bench.router->status().dead_letters == 2);
}

TEST_CASE("X1: a record too large for a dead letter goes there with its beginning, and the rest moves on", "[router][X1]") {
  Bench bench;
  bench.start();
  bench.open();
  const std::string poison(limits::record_bytes_max, '\xff');
  bench.journal.append(Stream::inbound, 0, {std::string(limits::short_field_bytes_max, '\1'), "usher.future.v9", poison}, [](auto) {});
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  const auto dead = bench.all(Stream::dead_letters);
  REQUIRE(dead.size() == 1);
  const auto letter = boost::json::parse(dead[0].entry.value).as_object();
  CHECK(letter.at("value_bytes").as_int64() == static_cast<std::int64_t>(poison.size()));
  CHECK(letter.at("value_base64").as_string().size() > 900'000);
  CHECK(bench.router->engine().conversations(10).size() == 1);
  // A stranger's headers may be larger than any of ours.
  journal::Stored strange;
  strange.entry = {std::string(limits::record_bytes_max, 'i'), std::string(limits::record_bytes_max, 't'), poison + poison};
  CHECK(router::dead_letter_json("reason", strange).size() < limits::record_bytes_max);
}

TEST_CASE("X1: a record announced by three starts that died on it is skipped by the fourth", "[router][X1]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.router.reset();
  bench.append(MessageReceived{Bench::message(1)});
  const auto poison = bench.journal.bounds(Stream::inbound, 0)->end - 1;
  const auto stored = bench.store.load_meta(0).value()->position.offset;
  // What starts leave behind that crash while applying this record: begun, announced, dead.
  std::string dead;
  const auto control = [&](const char* type, Offset offset) {
    bench.journal.append(Stream::control, 0, {dead, type, "{\"offset\":" + std::to_string(offset) + "}"}, [](auto) {});
  };
  (void)bench.store.count_attempt(0, stored);
  for (int crash = 0; crash < 3; ++crash) {
    (void)bench.store.count_attempt(0, stored);
    dead = "dead-" + std::to_string(crash);
    control("usher.control.begin.v1", stored);
    for (auto offset = stored + 1; offset <= poison; ++offset) control("usher.control.attempt.v1", offset);
  }
  bench.start();
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->engine().conversations(10).empty());
  REQUIRE(bench.all(Stream::dead_letters).size() == 1);
  bool skipped = false;
  for (const auto& record : bench.all(Stream::control)) skipped = skipped || record.entry.type == "usher.control.skip.v1";
  CHECK(skipped);
}

TEST_CASE("X1: restarts that are no crash never skip a record", "[router][X1]") {
  Bench bench;
  for (int start = 0; start < 10; ++start) {
    bench.start();
    bench.append(start == 0 ? Record{PolicyActivated{Bench::policy(), ""}}
                            : Record{MessageReceived{Bench::message(static_cast<std::uint64_t>(start))}});
    bench.run();
  }
  CHECK(bench.router->engine().conversations(100).size() == 9);
  CHECK(bench.all(Stream::dead_letters).empty());
}

TEST_CASE("J4: one tick is in flight, and timers go on while the wall clock is set back", "[router][J4]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  bench.clock.now -= 1h;
  for (int i = 0; i < 31; ++i) {
    bench.clock.pass(1s);
    bench.run();
  }
  CHECK(bench.desk.all<engine::OfferRevokedFrame>().size() == 1);
  int ticks = 0;
  for (const auto& record : bench.all(Stream::inbound)) ticks += record.entry.type == "usher.tick.v1";
  CHECK(ticks <= 3);
}

TEST_CASE("while the journal cannot be read the router waits and says why", "[router]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.run();
  bench.journal.fail_next_reads(1);
  bench.append(MessageReceived{Bench::message(1)});
  bench.router->pump();
  CHECK(bench.router->status().phase == router::Phase::paused);
  CHECK_FALSE(bench.router->status().reason.empty());
  bench.run();
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(bench.router->engine().conversations(10).size() == 1);
}

TEST_CASE("changes of a batch collapse to the last of each entity, behind a dropped table", "[router]") {
  router::Batch batch;
  batch.add_changes({{"t", "a", "1"}, {"t", "b", "1"}, {"t", "a", "2"}});
  batch.add_changes({{"t", "*", std::nullopt}, {"t", "a", "3"}});
  const auto changes = batch.take_changes();
  REQUIRE(changes.size() == 4);
  CHECK(changes[0] == engine::Change{"t", "a", "2"});
  CHECK(changes[3] == engine::Change{"t", "a", "3"});
}

TEST_CASE("the files of a reply stand in its text and in what is sent, at every attempt and after the store was lost", "[router]") {
  Bench bench;
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  bench.run();
  const auto offer = bench.desk.all<engine::OfferFrame>().at(0).offer;
  bench.command(Accept{offer.offer});
  bench.command(Reply{offer.conversation.id, "Here.", {{"plan.pdf", "application/pdf", 7, std::string(64, 'a'), false}}});
  bench.run();
  const auto first = bench.all(Stream::outbound).at(0).entry.value;
  const auto reply = MessageId::parse(std::string(boost::json::parse(first).as_object().at("reply").as_string())).value();
  bench.append(DeliveryReported{reply, 1, DeliveryState::deferred, "busy", Milliseconds(0)});
  bench.run();
  bench.clock.pass(Milliseconds(60'000));
  bench.append(Tick{});
  bench.run();
  REQUIRE(bench.all(Stream::outbound).size() == 2);
  for (const auto& value : {first, bench.all(Stream::outbound).at(1).entry.value}) {
    const auto files = decode_reply_attachments(value);
    REQUIRE(files.has_value());
    REQUIRE(files->size() == 1);
    CHECK(files->front() == Attachment{"plan.pdf", "application/pdf", 7, std::string(64, 'a'), false});
  }
  const auto body = bench.store.body(0, reply).value();
  REQUIRE(body);
  CHECK(router::read_body(body->json).value().attachments.size() == 1);
}

TEST_CASE("a body of ours is read back as it was written", "[router]") {
  const router::Written written{{1, 2}, {3, 4}, true, AgentId{"ana"}, "Ana", "a\n\"b\"", from_unix_ms(1'790'000'000'123)};
  const auto read = router::read_body(router::body_json(written)).value();
  CHECK(read.text == written.text);
  CHECK(read.note);
  CHECK(read.written_at == written.written_at);
  CHECK_FALSE(router::read_body("{}").has_value());
}
