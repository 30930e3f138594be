// Agents' sessions: how they begin, how each of their ends looks to the agent, and what the journal learns of it.
#include <thread>

#include "tests/daemon/gateway_fixture.hpp"

using namespace usher;
using namespace usher::testing;
namespace json = boost::json;

TEST_CASE("hello becomes a record and its welcome the first frame, numbered 0", "[gateway]") {
  Desk desk;
  AgentClient ana(desk.port);
  const auto session = desk.open(ana, {Presence::away, {}, {}});
  CHECK(session.agent == AgentId("ana"));
  CHECK(session.gateway == GatewayId("desk-1"));
  const auto welcome = ana.next();
  CHECK(welcome.at("type") == "welcome");
  CHECK(welcome.at("seq") == 0);
  CHECK(welcome.at("agent") == "ana");
  CHECK(welcome.at("presence") == "away");
  CHECK(desk.gateway->sessions() == 1);
}

TEST_CASE("a WebSocket's handshake is answered with the subprotocol", "[gateway]") {
  Desk desk({}, Over::websocket);
  AgentClient ana(desk.port);
  CHECK(ana.opened().status == 101);
  CHECK(ana.opened().headers.at("sec-websocket-protocol") == "usher.agent.v1");
}

TEST_CASE("only an Origin of the desk's own may open a session", "[gateway]") {
  Desk desk({}, Over::websocket);
  const auto opened = [&](const std::string& headers) { return AgentClient(desk.port, headers).opened().status; };
  CHECK(opened("") == 101);
  CHECK(opened("Origin: https://desk.example\r\n") == 101);
  CHECK(opened("Origin: https://other.example\r\n") == 101);
  CHECK(opened("Origin: https://evil.example\r\n") == 403);
  CHECK(opened("Origin: https://other.example.evil.example\r\n") == 403);
  CHECK(opened("Origin: null\r\n") == 403);
  CHECK(opened("Sec-WebSocket-Protocol: chat, usher.agent.v1\r\n") == 101);
  CHECK(opened("Sec-WebSocket-Protocol: chat\r\n") == 400);
  CHECK(HttpClient(desk.port).get("/v1/agent").status == 426);
}

TEST_CASE("a wrong token is answered with an error, then close 4003, and leaves no record", "[gateway]") {
  Desk desk;
  AgentClient stranger(desk.port);
  stranger.hello("usher_wrong");
  CHECK(stranger.next().at("code") == "unauthorised");
  CHECK(stranger.close_code() == 4003);
  CHECK(desk.nothing_appended());
}

TEST_CASE("a hello for another tenant is answered wrong_tenant, then close 4003, and leaves no record", "[gateway]") {
  daemon::DeskOptions options;
  options.tenant = TenantId("acme");
  Desk desk(options);
  const auto say_hello = [&](AgentClient& client, const json::value& tenant) {
    client.say(json::object{{"type", "hello"}, {"v", 1}, {"token", desk.token}, {"tenant", tenant}});
  };
  AgentClient astray(desk.port);
  say_hello(astray, "globex");
  const auto refused = astray.next();
  CHECK(refused.at("code") == "wrong_tenant");
  CHECK(refused.at("message") == "this daemon serves the tenant acme, not globex");
  CHECK(astray.close_code() == 4003);
  AgentClient rude(desk.port);
  say_hello(rude, 7);
  CHECK(rude.next().at("code") == "bad_request");
  // Who may not sign in is not told whom the daemon serves.
  AgentClient stranger(desk.port);
  stranger.say(json::object{{"type", "hello"}, {"v", 1}, {"token", "usher_wrong"}, {"tenant", "globex"}});
  CHECK(stranger.next().at("code") == "unauthorised");
  CHECK(desk.nothing_appended());
  AgentClient ana(desk.port);
  for (const auto* tenant : {"acme", ""}) {
    say_hello(ana, tenant);
    CHECK(desk.record<SessionOpened>().agent == AgentId("ana"));
  }
}

TEST_CASE("who says nothing, or never hello, is closed with 4008", "[gateway]") {
  Desk desk({}, Over::websocket);
  AgentClient silent(desk.port), rude(desk.port);
  rude.say(R"({"type":"presence","id":"1","state":"available"})");
  const auto refused = rude.next();
  CHECK(refused.at("code") == "hello_required");
  CHECK(refused.at("id") == "1");
  CHECK(desk.gateway->sessions() == 2);
  desk.clock.leap(limits::hello_within);
  CHECK(silent.close_code() == 4008);
  CHECK(rude.close_code() == 4008);
  CHECK(desk.nothing_appended());
}

TEST_CASE("a revoked token ends its sessions with 4003 and the journal learns it", "[gateway]") {
  Desk desk;
  AgentClient ana(desk.port);
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  CHECK(desk.tokens->revoke(AgentId("ana")).value() == 1);
  CHECK(ana.close_code() == 4003);
  CHECK(desk.record<SessionClosed>().session == session.session);
}

TEST_CASE("a session that the engine ends is closed with 4001 and not reported as closed", "[gateway]") {
  Desk desk;
  AgentClient first(desk.port), second(desk.port);
  const auto old = desk.open(first);
  CHECK(first.next().at("type") == "welcome");
  desk.send(old, engine::SessionEndedFrame{"replaced"});
  CHECK(first.close_code() == 4001);
  desk.open(second);
  CHECK(second.next().at("type") == "welcome");
  CHECK(desk.nothing_appended());
}

TEST_CASE("an agent who vanishes is reported, again and again until the journal takes it", "[gateway]") {
  Desk desk;
  SessionOpened session;
  {
    AgentClient ana(desk.port);
    session = desk.open(ana);
    CHECK(ana.next().at("type") == "welcome");
    desk.journal.fail_next_appends(3, journal::Applied::no);
  }
  CHECK(desk.record<SessionClosed>().session == session.session);
}

TEST_CASE("a stop closes every session with 1012 and takes no new one", "[gateway]") {
  Desk desk;
  AgentClient ana(desk.port), ben(desk.port);
  desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  ben.hello(desk.tokens->create(AgentId("ben")).value());
  desk.record<SessionOpened>();
  int ana_code = 0, ben_code = 0;
  std::thread reader([&] { ana_code = ana.close_code(); });
  std::thread other([&] { ben_code = ben.close_code(); });
  desk.gateway->stop(Milliseconds(5'000));
  reader.join();
  other.join();
  CHECK(ana_code == 1012);
  CHECK(ben_code == 1012);
  CHECK(desk.gateway->sessions() == 0);
}

TEST_CASE("an agent who does not read is closed with 4009 and holds no memory", "[gateway]") {
  Desk desk;
  AgentClient slow(desk.port, "", 4 * 1024);
  const auto session = desk.open(slow);
  CHECK(slow.next().at("type") == "welcome");
  const std::string reason(16 * 1024, 'r');
  for (int i = 0; i < 2'000; ++i) desk.send(session, engine::PresenceFrame{Presence::available, reason});
  CHECK(desk.record<SessionClosed>().session == session.session);
  CHECK(desk.gateway->sessions() == 0);
}

TEST_CASE("frames over 64 KiB and binary frames end the session", "[gateway]") {
  Desk desk({}, Over::websocket);
  AgentClient large(desk.port), binary(desk.port), just_right(desk.port);
  large.frame(1, std::string(64 * 1024 + 1, ' '));
  CHECK(large.close_code() == 1009);
  binary.frame(2, "{}");
  CHECK(binary.close_code() == 1003);
  just_right.frame(1, std::string(64 * 1024, ' '));
  CHECK(just_right.next().at("code") == "bad_request");
}

TEST_CASE("when nothing can be written, hello is answered degraded and the client told to come back", "[gateway]") {
  Desk desk;
  AgentClient ana(desk.port);
  desk.journal.fail_next_appends(1, journal::Applied::no);
  ana.hello(desk.token);
  CHECK(ana.next().at("code") == "degraded");
  CHECK(ana.close_code() == 1013);
}

TEST_CASE("the gateway says at its start that its earlier sessions are gone", "[gateway]") {
  Desk desk;
  bool told = false;
  desk.gateway->announce([&](const Result<void>& done) { told = done.has_value(); });
  CHECK(told);
  CHECK(desk.record<GatewayLost>().gateway == GatewayId("desk-1"));
}
