// What the door for agents' programs holds at most: connections without a session, bytes that wait for slow agents, and
// bytes that agents sent and nobody dealt with; for each and for all.
#include <future>

#include "tests/daemon/gateway_fixture.hpp"

using namespace usher;
using namespace usher::testing;
namespace json = boost::json;

namespace {

std::uint16_t port_of(const Desk& desk) {
  const auto& endpoint = desk.agents->endpoint();
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

bool answers(AgentClient& agent) {
  agent.say(R"({"type":"ping"})");
  return agent.next().at("type") == "pong";
}

// Looks until `wanted` holds, ten seconds at most.
template <class Wanted>
bool comes_true(Wanted wanted) {
  for (int i = 0; i < 1'000; ++i) {
    if (wanted()) return true;
    zmq_poll(nullptr, 0, 10);
  }
  return false;
}

// A session of another agent than Ana's, on a connection that reads little.
SessionOpened open_slow(Desk& desk, AgentClient& slow, const char* agent) {
  slow.hello(desk.tokens->create(AgentId(agent)).value());
  const auto session = desk.record<SessionOpened>();
  desk.send(session, engine::WelcomeFrame{}, 0);
  return session;
}

}  // namespace

TEST_CASE("connections that say nothing are cut from the oldest on, and agents at work notice nothing", "[zmq-limits]") {
  daemon::ZmqAgentsOptions options;
  options.strangers_max = 5;
  Desk desk({}, Over::zeromq, options);
  AgentClient ana(desk.port);
  desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  std::vector<std::unique_ptr<HttpClient>> raw;
  for (int i = 0; i < 30; ++i) raw.push_back(std::make_unique<HttpClient>(port_of(desk)));
  // Throws when it stays open: what ZeroMQ greets with, and then the end.
  for (std::size_t i = 0; i < 25; ++i) static_cast<void>(raw[i]->rest());
  CHECK(desk.agents->figures().cut == 25);
  CHECK(desk.agents->figures().strangers == 5);
  CHECK(answers(ana));
  AgentClient late(desk.port);
  open_slow(desk, late, "ben");
  CHECK(late.next().at("type") == "welcome");
  CHECK(desk.agents->figures().sessions == 2);
  CHECK(answers(ana));
}

TEST_CASE("a connection whose session is over has no place of its own any more", "[zmq-limits]") {
  daemon::ZmqAgentsOptions options;
  options.strangers_max = 2;
  Desk desk({}, Over::zeromq, options);
  AgentClient ana(desk.port);
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  CHECK(desk.agents->figures().strangers == 0);
  desk.send(session, engine::SessionEndedFrame{"replaced"});
  CHECK(ana.close_code() == 4001);
  CHECK(comes_true([&] { return desk.agents->figures().strangers == 1; }));
  CHECK(desk.agents->figures().sessions == 0);
  // Its place is given back when it says hello again, and when it goes.
  desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  CHECK(desk.agents->figures().strangers == 0);
  {
    HttpClient raw(port_of(desk));
    CHECK(comes_true([&] { return desk.agents->figures().strangers == 1; }));
  }
  CHECK(comes_true([&] { return desk.agents->figures().strangers == 0; }));
  CHECK(desk.agents->figures().cut == 0);
}

TEST_CASE("agents who do not read are dropped from the slowest on when all together hold too much", "[zmq-limits]") {
  constexpr std::size_t room = 1024 * 1024;
  static_assert(room < limits::session_send_bytes_max, "none of them is over a limit of its own");
  daemon::ZmqAgentsOptions options;
  options.send_bytes_max = room;
  Desk desk({}, Over::zeromq, options);
  AgentClient slowest(desk.port, "", 4 * 1024), slow(desk.port, "", 4 * 1024), ana(desk.port);
  const auto ben = open_slow(desk, slowest, "ben");
  const auto chloe = open_slow(desk, slow, "chloe");
  const auto session = desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  const std::string large(16 * 1024, 'r'), small(1024, 's');
  std::uint64_t to_ben = 1, to_chloe = 1, to_ana = 1;
  std::size_t held = 0;
  for (int i = 0; i < 1'000 && desk.nothing_appended(); ++i) {
    desk.send(ben, engine::PresenceFrame{Presence::available, large}, to_ben++);
    desk.send(chloe, engine::PresenceFrame{Presence::available, small}, to_chloe++);
    desk.send(session, engine::PresenceFrame{Presence::available, "for Ana"}, to_ana++);
    // Once Ana has hers, what was said before it stands in front of the socket.
    REQUIRE(ana.next().at("reason") == "for Ana");
    held = std::max(held, desk.agents->figures().send_bytes);
  }
  CHECK(desk.record<SessionClosed>().session == ben.session);
  CHECK(held > room / 2);
  CHECK(held < room + 4 * large.size());
  CHECK(desk.agents->figures().send_bytes < room);
  // Who held little is still there and gets everything, and nothing is held for who went.
  for (std::uint64_t frame = 0; frame < to_chloe; ++frame) REQUIRE(slow.hear().opcode == 1);
  CHECK(comes_true([&] { return desk.agents->figures().send_bytes == 0; }));
}

TEST_CASE("while nobody deals with what agents say no more is read than there is room for", "[zmq-limits]") {
  constexpr std::size_t room = 256 * 1024;
  daemon::ZmqAgentsOptions options;
  options.heard_bytes_max = room;
  Desk desk({}, Over::zeromq, options);
  AgentClient loud(desk.port), ana(desk.port);
  open_slow(desk, loud, "ben");
  desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  std::promise<void> go_on;
  desk.loop.post([gate = go_on.get_future().share()] { gate.wait(); });
  for (int i = 0; i < 60; ++i) loud.say(std::string(60 * 1024, ' '));
  std::size_t held = 0;
  CHECK(comes_true([&] { return (held = std::max(held, desk.agents->figures().heard_bytes)) > room; }));
  // What else would come, comes now.
  for (int i = 0; i < 20; ++i) {
    zmq_poll(nullptr, 0, 10);
    held = std::max(held, desk.agents->figures().heard_bytes);
  }
  CHECK(held <= room + limits::agent_frame_bytes_max);
  go_on.set_value();
  CHECK(answers(ana));
  CHECK(comes_true([&] { return desk.agents->figures().heard_bytes == 0; }));
}
