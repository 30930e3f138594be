// Agents over ZeroMQ where it differs from WebSockets: sessions and connections, silence, odd messages, limits. What both
// have in common is in gateway_*_test.cpp, which runs on both.
#include "tests/daemon/gateway_fixture.hpp"

using namespace usher;
using namespace usher::testing;
namespace json = boost::json;

namespace {

const std::string offline = R"({"type":"presence","id":"1","state":"offline"})";

std::uint16_t port_of(const Desk& desk) {
  const auto& endpoint = desk.agents->endpoint();
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

// With a routing id of its own choice: what a thief of a session would do.
AgentClient named(const Desk& desk, const std::string& routing_id) {
  return AgentClient(std::make_unique<ZmqAgent>(desk.port.zmq, 0, [&](zmq::socket_t& socket) {
    socket.set(zmq::sockopt::routing_id, routing_id);
  }));
}

}  // namespace

TEST_CASE("a frame without a session is answered hello_required, and leaves no record", "[zmq-agents][rule-A4]") {
  Desk desk({}, Over::zeromq);
  AgentClient rude(desk.port);
  rude.say(offline);
  const auto refused = rude.next();
  CHECK(refused.at("type") == "error");
  CHECK(refused.at("code") == "hello_required");
  CHECK(refused.at("id") == "1");
  for (const std::string text : {"", "{", "[]", R"({"type":"ping"})"}) {
    INFO(text);
    rude.say(text);
    CHECK(rude.next().at("code") == "hello_required");
  }
  rude.say(R"({"type":"hello","v":1,"token":")" + std::string(8'000, 't') + "\"}");
  CHECK(rude.next().at("code") == "hello_required");
  CHECK(desk.gateway->sessions() == 0);
  CHECK(desk.nothing_appended());
  desk.open(rude);
  CHECK(rude.next().at("type") == "welcome");
}

TEST_CASE("a message with an empty delimiter, or of several parts, is refused with a word why", "[zmq-agents][rule-A4]") {
  Desk desk({}, Over::zeromq);
  auto made = std::make_unique<ZmqAgent>(desk.port.zmq);
  auto& socket = made->socket();
  AgentClient odd(std::move(made));
  const auto say = [&](const std::vector<std::string>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i)
      socket.send(zmq::buffer(parts[i]), i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  };
  say({"", R"({"type":"hello","v":1,"token":"t"})"});
  CHECK(odd.next().at("code") == "bad_request");
  say(std::vector<std::string>(20, "{}"));
  CHECK(odd.next().at("code") == "bad_request");
  CHECK(desk.nothing_appended());
}

TEST_CASE("a session belongs to its connection: its routing id alone opens nothing", "[zmq-agents][rule-A4]") {
  Desk desk({}, Over::zeromq);
  SessionOpened session;
  {
    auto ana = named(desk, "ana-desk");
    session = desk.open(ana);
    CHECK(ana.next().at("type") == "welcome");
  }
  CHECK(desk.record<SessionClosed>().session == session.session);
  auto thief = named(desk, "ana-desk");
  thief.say(offline);
  CHECK(thief.next().at("code") == "hello_required");
  CHECK(desk.nothing_appended());
}

TEST_CASE("a second connection with the routing id of a living one gets nothing of it", "[zmq-agents][rule-A4]") {
  Desk desk({}, Over::zeromq);
  auto ana = named(desk, "ana-desk");
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  auto thief = named(desk, "ana-desk");
  thief.say(offline);
  ana.say(R"({"type":"presence","id":"2","state":"away"})");
  CHECK(desk.record<CommandIssued>().id == CommandId("2"));
  desk.send(session, engine::PresenceFrame{Presence::away, "for Ana"});
  CHECK(ana.next().at("reason") == "for Ana");
  CHECK(desk.nothing_appended());
}

TEST_CASE("what an agent said last before it went is still done", "[zmq-agents]") {
  Desk desk({}, Over::zeromq);
  for (int round = 0; round < 20; ++round) {
    auto made = std::make_unique<ZmqAgent>(desk.port.zmq);
    made->socket().set(zmq::sockopt::linger, 1'000);
    AgentClient ana(std::move(made));
    const auto session = desk.open(ana);
    CHECK(ana.next().at("type") == "welcome");
    ana.say(offline);
    ana = AgentClient(std::unique_ptr<AgentSocket>{});
    CHECK(desk.record<CommandIssued>().session == session.session);
    CHECK(desk.record<SessionClosed>().session == session.session);
  }
}

TEST_CASE("who comes the moment another went is not taken for the one who went", "[zmq-agents]") {
  Desk desk({}, Over::zeromq);
  for (int round = 0; round < 60; ++round) {
    AgentClient ana(desk.port);
    ana.hello(desk.token);
    for (int i = 0; i < 2; ++i) {
      ana.say(R"({"type":"ping"})");
      REQUIRE(ana.next().at("type") == "pong");
      zmq_poll(nullptr, 0, 8);
    }
  }
}

TEST_CASE("who is silent for too long is closed; who pings is not", "[zmq-agents][rule-A4]") {
  daemon::ZmqAgentsOptions options;
  options.silent_max = Milliseconds(400);
  Desk desk({}, Over::zeromq, options);
  AgentClient silent(desk.port), pinging(desk.port);
  const auto session = desk.open(silent);
  CHECK(silent.next().at("type") == "welcome");
  pinging.hello(desk.tokens->create(AgentId("ben")).value());
  desk.send(desk.record<SessionOpened>(), engine::WelcomeFrame{}, 0);
  CHECK(pinging.next().at("type") == "welcome");
  int code = 0;
  std::thread reader([&] { code = silent.close_code(); });
  // A ping is answered, and the answer is awaited: so this takes as long as it must, and no longer.
  while (desk.nothing_appended()) {
    pinging.say(R"({"type":"ping"})");
    REQUIRE(pinging.next().at("type") == "pong");
    zmq_poll(nullptr, 0, 20);
  }
  reader.join();
  CHECK(code == 1006);
  CHECK(desk.record<SessionClosed>().session == session.session);
  CHECK(desk.gateway->sessions() == 1);
}

TEST_CASE("frames of exactly 64 KiB pass; one byte more ends that connection and no other", "[zmq-agents]") {
  Desk desk({}, Over::zeromq);
  AgentClient large(desk.port), ana(desk.port);
  large.hello(desk.tokens->create(AgentId("ben")).value());
  const auto ben = desk.record<SessionOpened>();
  desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  large.say(std::string(64 * 1024, ' '));
  CHECK(large.next().at("code") == "bad_request");
  large.say(std::string(64 * 1024 + 1, ' '));
  CHECK(desk.record<SessionClosed>().session == ben.session);
  ana.say(R"({"type":"ping"})");
  CHECK(ana.next().at("type") == "pong");
}

TEST_CASE("a session that was closed is forgotten: the next frame needs a hello", "[zmq-agents][rule-A3]") {
  Desk desk({}, Over::zeromq);
  AgentClient ana(desk.port);
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  desk.send(session, engine::SessionEndedFrame{"replaced"});
  CHECK(ana.close_code() == 4001);
  ana.say(offline);
  CHECK(ana.next().at("code") == "hello_required");
  CHECK(desk.open(ana).session != session.session);
}

TEST_CASE("over the limit of sessions an agent is told to come back, until one leaves", "[zmq-agents]") {
  daemon::ZmqAgentsOptions options;
  options.sessions_max = 1;
  Desk desk({}, Over::zeromq, options);
  AgentClient late(desk.port);
  {
    AgentClient ana(desk.port);
    desk.open(ana);
    CHECK(ana.next().at("type") == "welcome");
    late.hello(desk.token);
    CHECK(late.close_code() == 1013);
  }
  desk.record<SessionClosed>();
  desk.open(late);
  CHECK(late.next().at("type") == "welcome");
}

TEST_CASE("an agent who does not read does not delay one who does", "[zmq-agents]") {
  Desk desk({}, Over::zeromq);
  AgentClient slow(desk.port, "", 4 * 1024), ana(desk.port);
  slow.hello(desk.tokens->create(AgentId("ben")).value());
  const auto ben = desk.record<SessionOpened>();
  desk.send(ben, engine::WelcomeFrame{}, 0);
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  const std::string reason(16 * 1024, 'r');
  std::uint64_t to_ben = 1, to_ana = 1;
  for (int i = 0; i < 500; ++i) {
    desk.send(ben, engine::PresenceFrame{Presence::available, reason}, to_ben++);
    desk.send(session, engine::PresenceFrame{Presence::available, "for Ana"}, to_ana++);
    REQUIRE(ana.next().at("reason") == "for Ana");
  }
  CHECK(desk.record<SessionClosed>().session == ben.session);
}

TEST_CASE("frames lost between processes lead to a fresh welcome of every session", "[gateway][rule-A1]") {
  Desk desk;
  AgentClient ana(desk.port);
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  desk.gateway->frames_lost();
  CHECK(desk.record<SessionOpened>() == session);
  // The welcome may be what is lost next.
  desk.gateway->frames_lost();
  CHECK(desk.record<SessionOpened>() == session);
  desk.send(session, engine::WelcomeFrame{}, 0);
  CHECK(ana.next().at("type") == "welcome");
}

TEST_CASE("strangers who never finish a handshake do not keep agents out", "[zmq-agents]") {
  Desk desk({}, Over::zeromq);
  std::vector<std::unique_ptr<HttpClient>> raw;
  for (int i = 0; i < 200; ++i) {
    raw.push_back(std::make_unique<HttpClient>(port_of(desk)));
    raw.back()->send(i % 2 == 0 ? std::string("\xff\0\0\0\0", 5) : "GET / HTTP/1.1\r\n\r\n");
  }
  AgentClient ana(desk.port);
  desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
}
