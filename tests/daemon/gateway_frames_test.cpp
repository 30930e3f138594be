// What passes through a session: commands to records, the engine's frames to JSON, history, gaps, limits.
#include "tests/daemon/gateway_fixture.hpp"

using namespace usher;
using namespace usher::testing;
namespace json = boost::json;

namespace {

const ConversationId conversation{1, 2};
const OfferId offer{3, 4};

struct Working : Desk {
  AgentClient ana{port};
  SessionOpened session;

  explicit Working(engine::WelcomeFrame welcome = {}, daemon::DeskOptions options = {}) : Desk(std::move(options)) {
    session = open(ana, std::move(welcome));
    REQUIRE(ana.next().at("type") == "welcome");
  }
};

engine::WelcomeFrame holding() { return {Presence::available, {}, {view_of(conversation)}}; }

}  // namespace

TEST_CASE("every command becomes a record with the agent, the session and the client's id", "[gateway]") {
  Working desk;
  const std::string id = conversation.text();
  const std::vector<std::pair<std::string, Command>> table{
      {R"({"type":"presence","state":"away","reason":"lunch")", SetPresence{Presence::away, "lunch"}},
      {R"({"type":"accept","offer":")" + offer.text() + '"', Accept{offer}},
      {R"({"type":"decline","offer":")" + offer.text() + R"(","reason":"no")", Decline{offer, "no"}},
      {R"({"type":"reply","text":"Hé\n","conversation":")" + id + '"', Reply{conversation, "H\xc3\xa9\n"}},
      {R"({"type":"note","text":"n","conversation":")" + id + '"', Note{conversation, "n"}},
      {R"({"type":"transfer","to":{"queue":"billing"},"note":"x","conversation":")" + id + '"',
       Transfer{conversation, QueueId("billing"), std::nullopt, "x"}},
      {R"({"type":"transfer","to":{"agent":"ben"},"conversation":")" + id + '"',
       Transfer{conversation, std::nullopt, AgentId("ben"), ""}},
      {R"({"type":"snooze","until":"2026-11-21T10:00:00Z","conversation":")" + id + '"',
       Snooze{conversation, *parse_rfc3339("2026-11-21T10:00:00Z")}},
      {R"({"type":"close","disposition":"solved","conversation":")" + id + '"', Close{conversation, "solved"}},
      {R"({"type":"wrapped_up","conversation":")" + id + '"', WrappedUp{conversation}},
  };
  int count = 0;
  for (const auto& [frame, command] : table) {
    INFO(frame);
    const auto name = "c" + std::to_string(count++);
    desk.ana.say(frame + R"(,"future":[1],"id":")" + name + "\"}");
    const auto record = desk.record<CommandIssued>();
    CHECK(record.agent == AgentId("ana"));
    CHECK(record.session == desk.session.session);
    CHECK(record.id == CommandId(name));
    CHECK(record.command == command);
  }
}

TEST_CASE("a malformed frame is answered with an error, leaves no record, and the session lives", "[gateway]") {
  Working desk;
  const std::string id = conversation.text();
  const std::vector<std::pair<std::string, std::string>> table{
      {"{", "bad_request"},
      {"[]", "bad_request"},
      {"7", "bad_request"},
      {std::string(1000, '['), "bad_request"},
      {R"({"id":"1"})", "bad_request"},
      {R"({"type":7,"id":"1"})", "bad_request"},
      {R"({"type":"dance","id":"1"})", "unknown_type"},
      {R"({"type":"wrapped_up","conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"wrapped_up","id":7,"conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"wrapped_up","id":")" + std::string(129, 'i') + R"(","conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"presence","id":"1","state":"asleep"})", "bad_request"},
      {R"({"type":"accept","id":"1"})", "bad_request"},
      {R"({"type":"accept","id":"1","offer":"zz"})", "unknown_offer"},
      {R"({"type":"reply","id":"1"})", "bad_request"},
      {R"({"type":"reply","id":"1","text":"x"})", "bad_request"},
      {R"({"type":"reply","id":"1","text":"x","conversation":"zz"})", "unknown_conversation"},
      {R"({"type":"reply","id":"1","text":"","conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"reply","id":"1","text":7,"conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"reply","id":"1","text":"a\u0000b","conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"reply","id":"1","text":"\ud800","conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"transfer","id":"1","to":{},"conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"transfer","id":"1","to":{"queue":"a","agent":"b"},"conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"snooze","id":"1","until":"tomorrow","conversation":")" + id + "\"}", "bad_request"},
      {R"({"type":"history","id":"1"})", "bad_request"},
      {R"({"type":"history","id":"1","conversation":"zz"})", "unknown_conversation"},
      {R"({"type":"history","id":"1","conversation":")" + id + "\"}", "not_assigned"},
      {R"({"type":"hello","v":2,"token":"x"})", "bad_request"},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    INFO(table[i].first);
    desk.ana.say(table[i].first);
    const auto error = desk.ana.next();
    CHECK(error.at("type") == "error");
    CHECK(error.at("code").as_string() == table[i].second);
    CHECK_FALSE(error.at("message").as_string().empty());
    CHECK(error.at("seq") == i + 1);
  }
  CHECK(desk.nothing_appended());
  desk.ana.say(R"({"type":"ping"})");
  CHECK(desk.ana.next().at("type") == "pong");
}

TEST_CASE("a command the journal does not take is answered degraded with its id", "[gateway]") {
  Working desk;
  desk.journal.fail_next_appends(1, journal::Applied::no);
  desk.ana.say(R"({"type":"presence","id":"p1","state":"away"})");
  const auto error = desk.ana.next();
  CHECK(error.at("code") == "degraded");
  CHECK(error.at("id") == "p1");
  desk.ana.say(R"({"type":"presence","id":"p1","state":"away"})");
  CHECK(desk.record<CommandIssued>().id == CommandId("p1"));
}

TEST_CASE("commands over the rate are refused with their id, and the session lives", "[gateway]") {
  daemon::DeskOptions options;
  options.commands_per_second = 0.001;
  Working desk({}, options);
  for (int i = 0; i < 59; ++i) desk.ana.say(R"({"type":"ping"})");
  desk.ana.say(R"({"type":"presence","id":"over","state":"away"})");
  for (int i = 0; i < 59; ++i) CHECK(desk.ana.next().at("type") == "pong");
  const auto refused = desk.ana.next();
  CHECK(refused.at("code") == "rate_limited");
  CHECK(refused.at("id") == "over");
  CHECK(desk.nothing_appended());
}

TEST_CASE("an offer shows the customer's words, the time left and why it is this agent", "[gateway]") {
  Working desk;
  desk.keep(body_of(conversation, 0, "Where is it?"));
  engine::Why why;
  why.policy = "p";
  why.waited_ms = 1200;
  why.winner = {AgentId("ana"), 250, 5, 9000};
  why.runners_up = {{AgentId("ben"), 500, 3, 1}};
  why.excluded = {{"skill", 2}};
  desk.send(desk.session, engine::OfferFrame{{offer, Milliseconds(30'000), view_of(conversation), why}});
  const auto frame = desk.ana.next();
  CHECK(frame.at("type") == "offer");
  CHECK(frame.at("offer").as_string() == offer.text());
  CHECK(frame.at("expires_in_ms") == 30'000);
  const auto& about = frame.at("conversation").as_object();
  CHECK(about.at("id").as_string() == conversation.text());
  CHECK(about.at("urgency") == "high");
  CHECK(about.at("customer").at("display_name") == "Ada");
  CHECK(about.at("customer").at("identities").at(0).at("value") == "a@b.example");
  CHECK(about.at("subject") == "About");
  CHECK(about.at("messages").at(0).at("text") == "Where is it?");
  CHECK(about.at("messages").at(0).at("kind") == "from_customer");
  CHECK(about.at("requirements").at(0).at("level") == 2);
  CHECK(frame.at("why").at("winner").at("proficiency") == 5);
  CHECK(frame.at("why").at("runners_up").at(0).at("agent") == "ben");
  CHECK(frame.at("why").at("excluded").at("skill") == 2);
}

TEST_CASE("the agent sees what was found of a sender and nothing where nobody looked", "[gateway][security-S13]") {
  Working desk;
  const auto shown = [&](std::uint32_t sequence, const std::string& verification) {
    auto body = body_of(conversation, sequence, "Hello");
    const std::string name = "\"display_name\":";
    body.json.insert(body.json.find(name), verification);
    desk.keep(body);
    desk.send(desk.session, engine::MessageFrame{conversation, body.id, engine::BodyKind::from_customer, sequence});
    return desk.ana.next().at("message").as_object();
  };
  CHECK_FALSE(shown(0, "").contains("verification"));
  const std::string found = R"({"result":"fail","method":"dmarc","domain":"ex.org"})";
  CHECK(json::serialize(shown(1, "\"verification\":" + found + ",").at("verification")) == found);
}

TEST_CASE("each frame of the engine has its form, numbered one after the other", "[gateway]") {
  Working desk(holding());
  const state::Body reply{
      conversation, 1, MessageId{8, 8},
      R"({"v":1,"kind":"reply","id":"x","author":"ana","author_name":"Ana","text":"Soon","written_at":"2026-11-21T10:00:00.000Z"})"};
  desk.keep(reply);
  desk.send(desk.session, engine::PresenceFrame{Presence::away, "lunch"});
  desk.send(desk.session, engine::OfferRevokedFrame{offer, "expired"});
  desk.send(desk.session, engine::AssignedFrame{view_of(conversation)});
  desk.send(desk.session, engine::MessageFrame{conversation, reply.id, engine::BodyKind::reply, 1});
  desk.send(desk.session, engine::DeliveryFrame{conversation, reply.id, DeliveryState::failed, "410"});
  desk.send(desk.session, engine::OutcomeFrame{CommandId("a"), "", ""});
  desk.send(desk.session, engine::OutcomeFrame{CommandId("b"), "stale_offer", ""});
  desk.send(desk.session, engine::ReleasedFrame{conversation, "transferred", std::nullopt});
  const std::vector<std::string> expected{
      R"({"type":"presence","state":"away","reason":"lunch","seq":1})",
      R"({"type":"offer_revoked","offer":")" + offer.text() + R"(","reason":"expired","seq":2})",
      "",
      "",
      R"({"type":"delivery","conversation":")" + conversation.text() + R"(","message":")" + reply.id.text() +
          R"(","state":"failed","detail":"410","seq":5})",
      R"({"type":"ok","id":"a","seq":6})",
      R"({"type":"error","id":"b","code":"stale_offer","message":"The offer is no longer open.","seq":7})",
      R"({"type":"closed","conversation":")" + conversation.text() + R"(","reason":"transferred","seq":8})",
  };
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto frame = desk.ana.next();
    CHECK(frame.at("seq") == i + 1);
    if (!expected[i].empty()) CHECK(json::serialize(frame) == expected[i]);
    if (i == 2) CHECK(frame.at("conversation").at("messages").at(0).at("author_name") == "Ana");
    if (i == 3) CHECK(frame.at("message").at("text") == "Soon");
    if (i == 3) CHECK(frame.at("message").at("at") == "2026-11-21T10:00:00.000Z");
  }
}

TEST_CASE("a lost frame leads to a fresh welcome; outcomes still come, and repeats are dropped", "[gateway]") {
  Working desk;
  desk.send(desk.session, engine::PresenceFrame{Presence::away, "1"}, 1);
  CHECK(desk.ana.next().at("reason") == "1");
  desk.send(desk.session, engine::PresenceFrame{Presence::away, "a repeat"}, 1);
  desk.send(desk.session, engine::PresenceFrame{Presence::away, "after the gap"}, 3);
  const auto again = desk.record<SessionOpened>();
  CHECK(again == desk.session);
  desk.send(desk.session, engine::OutcomeFrame{CommandId("c"), "", ""}, 4);
  CHECK(desk.ana.next().at("type") == "ok");
  desk.send(desk.session, engine::WelcomeFrame{}, 0);
  const auto welcome = desk.ana.next();
  CHECK(welcome.at("type") == "welcome");
  CHECK(welcome.at("seq") == 0);
  desk.send(desk.session, engine::PresenceFrame{Presence::away, "2"}, 1);
  CHECK(desk.ana.next().at("seq") == 1);
  CHECK(desk.nothing_appended());
}

TEST_CASE("a frame that an older owner lets out late is dropped, although its number fits", "[gateway][A1]") {
  Working desk;
  const auto& to = desk.session;
  const auto send = [&](std::uint64_t number, engine::Frame frame, Offset epoch) {
    desk.gateway->send(engine::AgentFrame{to.agent, to.session, to.gateway, number, std::move(frame), epoch});
  };
  send(0, engine::WelcomeFrame{}, 50);
  REQUIRE(desk.ana.next().at("type") == "welcome");
  send(1, engine::PresenceFrame{Presence::away, "late"}, 20);
  send(1, engine::PresenceFrame{Presence::available, "now"}, 50);
  CHECK(desk.ana.next().at("reason") == "now");
}

TEST_CASE("agents are told that the service is degraded, and that it is normal again", "[gateway]") {
  Working desk;
  desk.gateway->service(true);
  auto frame = desk.ana.next();
  CHECK(frame.at("type") == "service");
  CHECK(frame.at("state") == "degraded");
  CHECK(frame.at("seq") == 1);
  desk.gateway->service(false);
  CHECK(desk.ana.next().at("state") == "normal");
}

TEST_CASE("a client that misses a frame says hello again and gets the whole truth", "[gateway]") {
  Working desk;
  desk.ana.hello(desk.token);
  CHECK(desk.record<SessionOpened>() == desk.session);
  desk.send(desk.session, engine::WelcomeFrame{}, 0);
  CHECK(desk.ana.next().at("seq") == 0);
  desk.ana.hello(desk.tokens->create(AgentId("ben")).value());
  CHECK(desk.ana.next().at("code") == "unauthorised");
  CHECK(desk.ana.close_code() == 4003);
}

TEST_CASE("history gives what came before, only of conversations the agent has", "[gateway]") {
  Working desk(holding());
  for (std::uint32_t i = 0; i < 30; ++i) desk.keep(body_of(conversation, i, "Line " + std::to_string(i)));
  const auto ask = [&](const std::string& more) {
    desk.ana.say(R"({"type":"history","id":"h","conversation":")" + conversation.text() + '"' + more + '}');
    return desk.ana.next();
  };
  const auto newest = ask("");
  CHECK(newest.at("id") == "h");
  CHECK(newest.at("messages").as_array().size() == 20);
  CHECK(newest.at("messages").at(0).at("text") == "Line 10");
  const auto older = ask(R"(,"before":")" + std::string(newest.at("messages").at(0).at("id").as_string()) + '"');
  CHECK(older.at("messages").as_array().size() == 10);
  CHECK(older.at("messages").at(9).at("text") == "Line 9");
  CHECK(ask(R"(,"before":1)").at("messages").as_array().size() == 1);
  CHECK(ask(R"(,"before":"zz")").at("code") == "bad_request");
  desk.send(desk.session, engine::ReleasedFrame{conversation, "requeued", std::nullopt});
  CHECK(desk.ana.next().at("type") == "closed");
  CHECK(ask("").at("code") == "not_assigned");
}
