// CURVE for agents over ZeroMQ: who gets in, as whom, and what a server refuses to start with.
#include <sys/stat.h>

#include <fstream>

#include "routing/delivery/zmq_curve.hpp"
#include "tests/daemon/gateway_fixture.hpp"
#include "tests/message/show_result.hpp"

using namespace usher;
using namespace usher::testing;

namespace {

const delivery::CurveKeys ana_keys = delivery::new_curve_keys();
const delivery::CurveKeys ben_keys = delivery::new_curve_keys();
const delivery::CurveKeys other_keys = delivery::new_curve_keys();  // Of an agent of another tenant.

struct Guarded {
  ScratchFolder keys;
  std::string file = (keys.path() / "zmq.key").string();
  std::string public_key = daemon::make_curve_key_file(file).value();
  Desk desk{{}, Over::zeromq, options()};

  [[nodiscard]] daemon::ZmqAgentsOptions options() const {
    daemon::ZmqAgentsOptions out;
    out.tenant = TenantId("acme");
    out.curve_secret_file = file;
    out.allowed = {{ana_keys.public_key, AgentId("ana"), TenantId("acme")},
                   {ben_keys.public_key, AgentId("ben"), TenantId("acme")},
                   {other_keys.public_key, AgentId("ana"), TenantId("other")}};
    return out;
  }
  [[nodiscard]] std::unique_ptr<ZmqAgent> dial(const delivery::CurveKeys& own, const std::string& server) const {
    return std::make_unique<ZmqAgent>(desk.port.zmq, 0, [&](zmq::socket_t& socket) {
      socket.set(zmq::sockopt::curve_serverkey, server);
      socket.set(zmq::sockopt::curve_publickey, own.public_key);
      socket.set(zmq::sockopt::curve_secretkey, own.secret_key);
    });
  }
  [[nodiscard]] AgentClient client(const delivery::CurveKeys& own) const { return AgentClient(dial(own, public_key)); }
};

// Whether a handshake of these keys succeeds, by the client's own events.
bool gets_in(const Guarded& guarded, const std::function<void(zmq::socket_t&)>& prepare) {
  zmq::context_t context{1};
  zmq::socket_t socket(context, zmq::socket_type::dealer), events(context, zmq::socket_type::pair);
  socket.set(zmq::sockopt::linger, 0);
  prepare(socket);
  zmq_socket_monitor(socket.handle(), "inproc://events",
                     ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED);
  events.set(zmq::sockopt::rcvtimeo, 10'000);
  events.set(zmq::sockopt::linger, 0);
  events.connect("inproc://events");
  socket.connect(guarded.desk.port.zmq);
  zmq::message_t event;
  REQUIRE(events.recv(event));
  std::uint16_t kind = 0;
  std::memcpy(&kind, event.data(), sizeof kind);
  return kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
}

std::function<void(zmq::socket_t&)> keys_of(const delivery::CurveKeys& own, const std::string& server) {
  return [&own, server](zmq::socket_t& socket) {
    socket.set(zmq::sockopt::curve_serverkey, server);
    socket.set(zmq::sockopt::curve_publickey, own.public_key);
    socket.set(zmq::sockopt::curve_secretkey, own.secret_key);
  };
}

}  // namespace

TEST_CASE("an allowed key and its agent's token open a session", "[zmq-agents][curve]") {
  Guarded guarded;
  CHECK(guarded.desk.agents->public_key() == guarded.public_key);
  auto ana = guarded.client(ana_keys);
  const auto session = guarded.desk.open(ana);
  CHECK(session.agent == AgentId("ana"));
  CHECK(ana.next().at("type") == "welcome");
}

TEST_CASE("only allowed keys of this tenant finish the handshake, and plain clients do not", "[zmq-agents][curve]") {
  Guarded guarded;
  const auto stranger = delivery::new_curve_keys();
  CHECK(gets_in(guarded, keys_of(ana_keys, guarded.public_key)));
  CHECK_FALSE(gets_in(guarded, keys_of(stranger, guarded.public_key)));
  CHECK_FALSE(gets_in(guarded, keys_of(other_keys, guarded.public_key)));
  CHECK_FALSE(gets_in(guarded, keys_of(ana_keys, stranger.public_key)));
  CHECK_FALSE(gets_in(guarded, [](zmq::socket_t&) {}));
}

TEST_CASE("a token of another agent than the key's is refused, although it is valid", "[zmq-agents][curve]") {
  Guarded guarded;
  auto ben = guarded.client(ben_keys);
  ben.hello(guarded.desk.token);
  CHECK(ben.next().at("code") == "unauthorised");
  CHECK(ben.close_code() == 4003);
  CHECK(guarded.desk.nothing_appended());
}

TEST_CASE("a key taken off the list ends its session and opens no other", "[zmq-agents][curve]") {
  Guarded guarded;
  auto ana = guarded.client(ana_keys);
  const auto session = guarded.desk.open(ana);
  CHECK(ana.next().at("type") == "welcome");
  guarded.desk.agents->allow({{ben_keys.public_key, AgentId("ben"), TenantId("acme")}});
  CHECK(ana.close_code() == 4003);
  CHECK(guarded.desk.record<SessionClosed>().session == session.session);
  ana.hello(guarded.desk.token);
  CHECK(ana.next().at("code") == "unauthorised");
  CHECK(ana.close_code() == 4003);
  CHECK_FALSE(gets_in(guarded, keys_of(ana_keys, guarded.public_key)));
  CHECK(gets_in(guarded, keys_of(ben_keys, guarded.public_key)));
  CHECK(guarded.desk.nothing_appended());
}

TEST_CASE("half a CURVE handshake, once or two hundred times, keeps no agent out", "[zmq-agents][curve]") {
  Guarded guarded;
  const auto& endpoint = guarded.desk.agents->endpoint();
  const auto port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  const std::string greeting = std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01", 12) + "CURVE" + std::string(47, '\0');
  // A HELLO command that says 200 bytes and sends four.
  const std::string half_hello = greeting + std::string("\x04\xc8\x05HELLO", 8);
  std::vector<std::unique_ptr<HttpClient>> raw;
  for (int i = 0; i < 200; ++i) {
    raw.push_back(std::make_unique<HttpClient>(port));
    raw.back()->send(i % 2 == 0 ? half_hello : greeting.substr(0, static_cast<std::size_t>(i) % greeting.size()));
    if (i != 0 && i != 199) continue;
    auto ana = guarded.client(ana_keys);
    guarded.desk.open(ana);
    CHECK(ana.next().at("type") == "welcome");
    ana = AgentClient(std::unique_ptr<AgentSocket>{});
    guarded.desk.record<SessionClosed>();
  }
}

TEST_CASE("the agents' door does not open on other machines' side without CURVE", "[zmq-agents][rule-A4]") {
  Desk desk({}, Over::websocket);
  daemon::ZmqAgentsOptions options;
  const auto fault = [&] {
    const auto started = daemon::ZmqAgents::start(options, desk.loop, *desk.gateway);
    REQUIRE_FALSE(started);
    INFO(started.error().detail);
    CHECK_FALSE(started.error().detail.empty());
    return started.error().fault;
  };
  for (const std::string endpoint : {"tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://desk.example:5570"}) {
    options.endpoint = endpoint;
    CHECK(fault() == Fault::unauthorised);
  }
  options.endpoint = "5570";
  CHECK(fault() == Fault::malformed);
  options.endpoint = "tcp://0.0.0.0:0";
  options.curve_secret_file = (desk.folder.path() / "zmq.key").string();
  REQUIRE(daemon::make_curve_key_file(options.curve_secret_file));
  CHECK(daemon::ZmqAgents::start(options, desk.loop, *desk.gateway));
}

TEST_CASE("a key file that is missing, open to others, or no key is refused with its name", "[zmq-agents][curve]") {
  Desk desk({}, Over::websocket);
  daemon::ZmqAgentsOptions options;
  options.endpoint = "tcp://127.0.0.1:0";
  const auto file = (desk.folder.path() / "zmq.key").string();
  options.curve_secret_file = file;
  const auto refused = [&] {
    const auto started = daemon::ZmqAgents::start(options, desk.loop, *desk.gateway);
    REQUIRE_FALSE(started);
    CHECK(started.error().detail.find(file) != std::string::npos);
    return started.error().fault;
  };
  CHECK(refused() == Fault::unavailable);
  REQUIRE(daemon::make_curve_key_file(file));
  CHECK(daemon::make_curve_key_file(file).error().fault == Fault::conflict);
  for (const mode_t mode : {0640, 0604, 0660}) {
    ::chmod(file.c_str(), mode);
    CHECK(refused() == Fault::unauthorised);
  }
  ::chmod(file.c_str(), 0600);
  CHECK(daemon::ZmqAgents::start(options, desk.loop, *desk.gateway));
  std::ofstream(file) << "no key\n";
  CHECK(refused() == Fault::malformed);
  REQUIRE(std::ofstream(file) << ana_keys.secret_key << "\n");
  options.allowed = {{"short", AgentId("ana"), TenantId("acme")}};
  const auto started = daemon::ZmqAgents::start(options, desk.loop, *desk.gateway);
  REQUIRE_FALSE(started);
  CHECK(started.error().detail.find("ana") != std::string::npos);
}
