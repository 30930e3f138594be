// Texts that were changed or erased in a store that is whole otherwise (rule S5): never given out, and made anew from the journal.
#include <boost/json.hpp>

#include "tests/router/router_fixture.hpp"

using namespace usher;
using namespace usher::router::test;

namespace {

std::vector<std::string> texts(Bench& bench, ConversationId conversation) {
  std::vector<std::string> found;
  for (const auto& body : bench.store.bodies(0, conversation, 100, 100).value()) found.push_back(body.json);
  return found;
}

void pass_seconds(Bench& bench, int count) {
  for (int second = 0; second < count; ++second) {
    bench.clock.pass(1000ms);
    for (int i = 0; i < 3; ++i) bench.router->pump();
  }
}

}  // namespace

TEST_CASE("S5: a text that was changed in the store is written anew by whoever loads it next", "[router][rule-S5]") {
  const auto which = GENERATE(0U, 1U);
  Bench bench(GENERATE(Delivering::at_once, Delivering::by_hand), false);
  const auto run = [&bench] {
    for (int i = 0; i < 300; ++i) {
      bench.router->pump();
      bench.journal.deliver_all();
      bench.store.deliver_all();
      bench.clock.pass(1ms);
    }
  };
  bench.start();
  bench.open();
  bench.append(MessageReceived{Bench::message(1)});
  run();
  const auto offer = bench.desk.all<engine::OfferFrame>().at(0).offer;
  bench.command(Accept{offer.offer});
  bench.command(Reply{offer.conversation.id, "On its way."});
  run();
  const auto written = texts(bench, offer.conversation.id);
  REQUIRE(written.size() == 2);
  REQUIRE(bench.store.damage_text(0, which));
  CHECK(texts(bench, offer.conversation.id).size() == 1);
  bench.start();
  run();
  CHECK(texts(bench, offer.conversation.id) == written);
  CHECK(bench.router->status().texts_mended == 1);
  CHECK(bench.router->status().texts_lost == 0);
  CHECK(bench.router->status().rewrites == 0);
}

TEST_CASE("S5: a text that is changed under a live owner is written anew within a quarter of an hour", "[router][rule-S5]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  const auto written = texts(bench, offer.conversation.id);
  for (int time = 0; time < 2; ++time) {
    REQUIRE(bench.store.damage_text(0, static_cast<std::size_t>(time)));
    bench.run();
    CHECK(texts(bench, offer.conversation.id).size() == 1);
    pass_seconds(bench, 15 * 60);
    CHECK(texts(bench, offer.conversation.id) == written);
  }
  CHECK(bench.router->status().texts_mended == 2);
}

TEST_CASE("S5: a changed text to which a reply is tried again is written anew soon", "[router][rule-S5]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  const auto written = texts(bench, offer.conversation.id);
  pass_seconds(bench, 60);
  REQUIRE(bench.store.damage_text(0, Bench::message(1).id));
  pass_seconds(bench, 60);
  CHECK(texts(bench, offer.conversation.id).size() == 1);
  const auto wanted = boost::json::parse(bench.all(Stream::outbound).at(0).entry.value).at("reply");
  const auto reply = MessageId::parse(std::string(wanted.as_string())).value();
  bench.append(DeliveryReported{reply, 1, DeliveryState::deferred, "text_missing", Milliseconds(0)});
  pass_seconds(bench, 30);
  CHECK(texts(bench, offer.conversation.id) == written);

  // The walk goes on all the same.
  REQUIRE(bench.store.damage_text(0, 0));
  pass_seconds(bench, 15 * 60);
  CHECK(texts(bench, offer.conversation.id) == written);
}

TEST_CASE("S5: a changed text that the journal no longer has is missing for good and counted once", "[router][rule-S5]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  REQUIRE(bench.store.damage_text(0, Bench::message(1).id));
  bench.journal.erase_before(Stream::inbound, 0, bench.router->status().committed);
  bench.start();
  pass_seconds(bench, 25 * 60);
  CHECK(bench.router->status().phase == router::Phase::routing);
  CHECK(texts(bench, offer.conversation.id).size() == 1);
  CHECK(bench.router->status().texts_lost == 1);
  CHECK(bench.router->status().texts_missing == 0);
  CHECK(bench.router->status().texts_mended == 0);
}

TEST_CASE("S5: a message that came again after its window does not take its text from where it stood first", "[router][rule-S5]") {
  Bench bench(Delivering::at_once, false);
  bench.start();
  const auto offer = bench.answered();
  const auto written = texts(bench, offer.conversation.id);
  // The same id in another place, as after the window: its text is there, and not where the engine looks for it.
  state::Commit other;
  const auto meta = bench.store.load_meta(0).value().value();
  other.before = meta.position;
  other.after = meta;
  other.bodies_gone = {offer.conversation.id};
  bench.store.commit(other, [](const auto& done) { REQUIRE(done.has_value()); });
  other.bodies_gone.clear();
  other.bodies = {state::Body{{7, 7}, 0, Bench::message(1).id, written[0]}};
  bench.store.commit(other, [](const auto& done) { REQUIRE(done.has_value()); });
  bench.start();
  bench.run();
  CHECK(bench.store.body(0, Bench::message(1).id).value()->conversation == ConversationId{7, 7});
  CHECK(texts(bench, offer.conversation.id) == std::vector<std::string>{written[1]});
}
