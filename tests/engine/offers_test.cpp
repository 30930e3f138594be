// Offers are leases: accepted once, by whom they were made to, in time. Rules A2, A3, J4.
#include "tests/engine/engine_fixture.hpp"

using namespace usher::engine;
using namespace usher::engine::test;
using namespace std::chrono_literals;

TEST_CASE("an unanswered offer goes to the next agent at its original age", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  const auto since = centre.view(id).waiting_since;
  const auto stale = centre.offer(id);
  centre.sign_in("ben");
  centre.pass(30s);
  CHECK(centre.where(id) == "offered ben");
  CHECK(centre.view(id).waiting_since == since);
  CHECK(centre.command("ana", Accept{stale}) == "stale_offer");
  CHECK(centre.accept(id) == "");
}

TEST_CASE("of many that began to wait within one millisecond the first is served first", "[engine]") {
  Centre centre;
  std::vector<ConversationId> written;
  for (std::uint64_t n = 1; n <= 20; ++n) written.push_back(centre.write(n));
  centre.sign_in("ana");
  for (const auto id : written) {
    REQUIRE(centre.where(id) == "offered ana");
    centre.accept(id);
    centre.command("ana", Close{id, ""});
    centre.command("ana", WrappedUp{id});
  }
}

TEST_CASE("an accept of another agent's offer is refused", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.sign_in("ben");
  CHECK(centre.command("ben", Accept{centre.offer(id)}) == "stale_offer");
  CHECK(centre.where(id) == "offered ana");
}

TEST_CASE("one who declined is not asked again until the decline is forgotten", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  CHECK(centre.command("ana", Decline{centre.offer(id), "busy"}) == "");
  CHECK(centre.where(id) == "waiting");
  const auto other = centre.write(2);
  CHECK(centre.where(other) == "offered ana");  // The declined one in front blocks nobody.
  centre.accept(other);
  centre.command("ana", Close{other, ""});
  centre.command("ana", WrappedUp{other});
  CHECK(centre.where(id) == "waiting");
  centre.pass(5min);
  CHECK(centre.where(id) == "offered ana");  // And it does not starve.
}

TEST_CASE("an agent who misses too many offers in a row is set away", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  centre.write(1);
  centre.write(2);
  centre.pass(1min);
  CHECK(centre.engine.agents()[0].presence == Presence::away);
  const auto told = centre.frames<PresenceFrame>("ana");
  CHECK(told.back().reason == "missed offers");
}

TEST_CASE("an offer that fell due while the system stood still is renewed, not missed", "[engine][J4]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.now += 10min;  // Nothing ran in between: the tick comes far too late.
  centre.apply(Tick{});
  CHECK(centre.where(id) == "offered ana");
  CHECK(centre.engine.agents()[0].missed_offers == 0);
  CHECK(centre.view(id).state_until == centre.now + 30s);
}

TEST_CASE("going away takes back an open offer without counting a miss", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.command("ana", SetPresence{Presence::away, "lunch"});
  CHECK(centre.where(id) == "waiting");
  const auto revoked = centre.frames<OfferRevokedFrame>("ana");
  REQUIRE(revoked.size() == 1);
  CHECK(revoked[0].reason == "presence");
  CHECK(centre.engine.agents()[0].missed_offers == 0);
  centre.command("ana", SetPresence{Presence::available, ""});
  CHECK(centre.where(id) == "offered ana");
}

TEST_CASE("A2: a repeated command is answered with its first outcome and done once", "[engine][A2]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  CHECK(centre.command("ana", Reply{id, "Hello"}, "r1") == "");
  CHECK(centre.command("ana", Reply{id, "Hello"}, "r1") == "");
  CHECK(centre.effects<ReplyWanted>().size() == 1);
  CHECK(centre.command("ana", Accept{OfferId{7, 7}}, "a1") == "stale_offer");
  CHECK(centre.command("ana", Reply{id, "now something valid"}, "a1") == "stale_offer");
  for (int i = 0; i < 256; ++i) centre.command("ana", Note{id, "n"});
  CHECK(centre.command("ana", Reply{id, "Hello"}, "r1") == "");  // Forgotten by now, so it is a new command.
  CHECK(centre.effects<ReplyWanted>().size() == 2);
}

TEST_CASE("A2: only the holder may reply, note, transfer, snooze and close", "[engine][A2]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  CHECK(centre.command("ana", Reply{id, "early"}) == "not_assigned");
  centre.accept(id);
  centre.sign_in("ben");
  CHECK(centre.command("ben", Reply{id, "x"}) == "not_assigned");
  CHECK(centre.command("ben", Note{id, "x"}) == "not_assigned");
  CHECK(centre.command("ben", Transfer{id, QueueId{"billing"}, {}, {}}) == "not_assigned");
  CHECK(centre.command("ben", Snooze{id, centre.now + 1h}) == "not_assigned");
  CHECK(centre.command("ben", Close{id, ""}) == "not_assigned");
  CHECK(centre.command("ben", WrappedUp{id}) == "not_assigned");
  CHECK(centre.command("ben", Reply{ConversationId{1, 1}, "x"}) == "unknown_conversation");
}

TEST_CASE("A3: a second session replaces the first and takes over its work", "[engine][A3]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  centre.apply(SessionOpened{AgentId{"ana"}, SessionId{"second"}, GatewayId{"desk"}});
  const auto ended = centre.frames<SessionEndedFrame>("ana");
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].reason == "replaced");
  const auto welcome = centre.frames<WelcomeFrame>("ana");
  REQUIRE(welcome.back().conversations.size() == 1);
  CHECK(welcome.back().presence == Presence::available);
  centre.apply(SessionClosed{AgentId{"ana"}, Centre::session("ana")});  // Names the old one: ignored.
  CHECK(centre.engine.agents()[0].connected);
  CHECK(centre.command("ana", Reply{id, "from the old tab"}) == "no outcome");
  CHECK(centre.effects<ReplyWanted>().empty());
}

TEST_CASE("A3: an agent who comes back within the grace keeps everything", "[engine][A3]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  centre.apply(SessionClosed{AgentId{"ana"}, Centre::session("ana")});
  const auto waiting = centre.write(2);
  CHECK(centre.where(waiting) == "waiting");  // No new offers in grace.
  centre.pass(29s);
  centre.apply(SessionOpened{AgentId{"ana"}, Centre::session("ana"), GatewayId{"desk"}});
  centre.pass(1min);
  CHECK(centre.where(id) == "assigned ana");
}

TEST_CASE("an agent who vanished loses the work after the grace, at its original age", "[engine]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  const auto since = centre.view(id).waiting_since;
  centre.accept(id);
  centre.sign_in("ben");
  centre.apply(GatewayLost{GatewayId{"desk"}});
  CHECK(centre.where(id) == "assigned ana");
  centre.apply(SessionOpened{AgentId{"ben"}, Centre::session("ben"), GatewayId{"desk"}});
  centre.pass(30s);
  CHECK(centre.where(id) == "offered ben");
  CHECK(centre.view(id).waiting_since == since);
  CHECK(centre.engine.agents()[0].presence == Presence::offline);
}

TEST_CASE("an offer lives on in grace and is in the welcome", "[engine][A3]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.apply(SessionClosed{AgentId{"ana"}, Centre::session("ana")});
  centre.pass(10s);
  centre.apply(SessionOpened{AgentId{"ana"}, SessionId{"new"}, GatewayId{"desk"}});
  const auto welcome = centre.frames<WelcomeFrame>("ana").back();
  REQUIRE(welcome.offers.size() == 1);
  CHECK(welcome.offers[0].offer == centre.offer(id));
  CHECK(welcome.offers[0].expires_in == 20s);
}

TEST_CASE("frames of a session are numbered without a gap from the welcome on", "[engine][A1]") {
  Centre centre;
  centre.sign_in("ana");
  const auto id = centre.write(1);
  centre.accept(id);
  centre.command("ana", Reply{id, "x"});
  centre.apply(SessionOpened{AgentId{"ana"}, Centre::session("ana"), GatewayId{"desk"}});
  centre.command("ana", Note{id, "x"});
  std::uint64_t expected = 0;
  for (const auto& step : centre.steps)
    for (const auto& frame : step.frames) {
      if (std::holds_alternative<WelcomeFrame>(frame.frame)) expected = 0;
      CHECK(frame.number == expected++);
    }
}

TEST_CASE("a claim of a new owner welcomes every live session anew", "[engine][A1][O1]") {
  Centre centre;
  centre.sign_in("ana");
  const auto before = centre.frames<WelcomeFrame>("ana").size();
  centre.apply(Claimed{99, RouterId{"wrong"}, engine_version});
  CHECK(centre.engine.owner() == RouterId{"r1"});  // Void: names another epoch.
  CHECK(centre.frames<WelcomeFrame>("ana").size() == before);
  centre.apply(Claimed{centre.engine.epoch(), RouterId{"r2"}, engine_version});
  CHECK(centre.engine.owner() == RouterId{"r2"});
  CHECK(centre.frames<WelcomeFrame>("ana").size() == before + 1);
}
