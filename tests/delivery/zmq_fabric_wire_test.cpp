// What the fabric does with what no router of ours would send: strangers, garbage, giants, half handshakes.
#include "routing/delivery/zmq_curve.hpp"
#include "tests/daemon/http_client.hpp"
#include "tests/delivery/fabric_fixture.hpp"

namespace usher::testing {

namespace {

const std::string secret(32, 's');

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
}

delivery::FabricReceiverOptions with_secret(const std::string& given, const std::string& bind = "tcp://127.0.0.1:0") {
  delivery::FabricReceiverOptions options;
  options.cluster_secret = given;
  options.bind = bind;
  return options;
}

delivery::FabricSenderOptions quick_with(const std::string& given) {
  auto options = quick();
  options.cluster_secret = given;
  return options;
}

}  // namespace

TEST_CASE("a missing number is noticed before the frame after it, and in a beat when no frame comes", "[fabric][rule-A1]") {
  Gateway gateway;
  RawPush router(gateway.endpoint());
  router.frame(0);
  router.frame(1);
  router.beat(2);
  router.frame(3);
  router.beat(4);
  router.beat(6);
  router.frame(6);
  REQUIRE(gateway.sink.wait_for_frames(4));
  CHECK(gateway.sink.lost_before == std::vector<std::size_t>{2, 3});
  CHECK(gateway.receiver->figures().gaps == 2);
}

TEST_CASE("garbage is refused and counted, and frames go on", "[fabric]") {
  Gateway gateway;
  RawPush router(gateway.endpoint());
  const std::string head = "usher-fabric/1 ";
  const std::vector<std::vector<std::string>> table{
      {""},
      {"hello"},
      {head},
      {head + "link"},
      {head + " 1 normal"},
      {head + "link x normal"},
      {head + "link -1 normal"},
      {head + "link 1"},
      {head + "link 1 odd"},
      {head + "link 18446744073709551616 normal"},
      {head + std::string(65, 'l') + " 0 normal"},
      {"usher-fabric/2 link 0 normal"},
      {head + "other 0 normal", "{}"},
      {head + "other 1 normal", std::string(1'000, '[')},
      {head + "other 2 normal", std::string(8, '\0')},
      {head + "other 3 normal", "{}", "{}"},
      std::vector<std::string>(50, "part"),
  };
  for (const auto& parts : table) router.say(parts);
  router.frame(0);
  REQUIRE(gateway.sink.wait_for_frames(1));
  CHECK(gateway.receiver->figures().refused == table.size());
  CHECK(gateway.sink.lost_before.empty());
}

TEST_CASE("a message over the limit ends its connection and nothing else", "[fabric]") {
  Gateway gateway;
  RawPush giant(gateway.endpoint()), good(gateway.endpoint());
  giant.say({"usher-fabric/1 giant 0 normal", std::string(limits::fabric_frame_bytes_max + 1, ' ')});
  good.frame(0);
  REQUIRE(gateway.sink.wait_for_frames(1));
  CHECK(gateway.sink.frames.size() == 1);
  good.frame(1);
  CHECK(gateway.sink.wait_for_frames(2));
}

TEST_CASE("with the cluster's secret frames pass; without it, or with another, none do", "[fabric][curve]") {
  Gateway gateway(with_secret(secret));
  Directory directory;
  directory.set("g", gateway.endpoint());
  SendingRouter stranger(directory, quick_with(std::string(32, 'x'))), plain(directory, quick()),
      router(directory, quick_with(secret));
  stranger.say("g", 0, "stranger");
  plain.say("g", 0, "plain");
  for (std::uint64_t i = 0; i < 100; ++i) router.say("g", i, "router");
  REQUIRE(gateway.sink.wait_for_frames(100));
  for (const auto& frame : gateway.sink.frames) CHECK(std::get<engine::PresenceFrame>(frame.frame).reason == "router");
  CHECK(gateway.receiver->figures().routers == 1);
}

TEST_CASE("who knows the server's public key but not the secret stays outside", "[fabric][curve]") {
  Gateway gateway(with_secret(secret));
  const auto keys = delivery::cluster_keys_of(secret).value();
  const auto own = delivery::new_curve_keys();
  zmq::context_t context{1};
  zmq::socket_t thief(context, zmq::socket_type::push);
  thief.set(zmq::sockopt::linger, 0);
  thief.set(zmq::sockopt::curve_serverkey, keys.server.public_key);
  thief.set(zmq::sockopt::curve_publickey, own.public_key);
  thief.set(zmq::sockopt::curve_secretkey, own.secret_key);
  zmq::socket_t events(context, zmq::socket_type::pair);
  zmq_socket_monitor(thief.handle(), "inproc://thief", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  events.connect("inproc://thief");
  thief.connect(gateway.endpoint());
  events.set(zmq::sockopt::rcvtimeo, 10'000);
  zmq::message_t event;
  REQUIRE(events.recv(event));
  std::uint16_t kind = 0;
  std::memcpy(&kind, event.data(), sizeof kind);
  CHECK(kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  CHECK(gateway.receiver->figures().received == 0);
}

TEST_CASE("half handshakes by the hundred do not keep a router out", "[fabric][curve]") {
  Gateway gateway(with_secret(secret));
  const auto port = port_of(gateway.endpoint());
  std::vector<std::unique_ptr<HttpClient>> raw;
  for (int i = 0; i < 200; ++i) {
    raw.push_back(std::make_unique<HttpClient>(port));
    // The greeting of ZMTP 3 up to a different place each, or none of it; some is no ZMTP at all.
    const std::string greeting = std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01", 12) + "CURVE" + std::string(47, '\0');
    raw.back()->send(i % 5 == 0 ? std::string("GET / HTTP/1.1\r\n\r\n")
                                : greeting.substr(0, static_cast<std::size_t>(i) % (greeting.size() + 1)));
  }
  Directory directory;
  directory.set("g", gateway.endpoint());
  SendingRouter router(directory, quick_with(secret));
  for (std::uint64_t i = 0; i < 100; ++i) router.say("g", i);
  CHECK(gateway.sink.wait_for_frames(100));
}

TEST_CASE("a bind beyond the loopback needs the secret, and a name for it", "[fabric][rule-A4]") {
  Sink sink;
  const auto opened = [&](const std::string& bind, const std::string& given, const std::string& advertise = "") {
    auto options = with_secret(given, bind);
    options.advertise = advertise;
    return delivery::FabricReceiver::open(std::move(options), sink);
  };
  for (const std::string bind : {"tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://192.0.2.1:5000", "tcp://eth0:0",
                                 "tcp://127.example:0", "tcp://desk.example:0"}) {
    INFO(bind);
    const auto refused = opened(bind, "");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::unauthorised);
    CHECK(refused.error().detail.find("without CURVE") != std::string::npos);
  }
  for (const std::string bind : {"", "5570", "udp://127.0.0.1:0", "tcp://127.0.0.1", "tcp://:5"}) {
    INFO(bind);
    CHECK(opened(bind, "").error().fault == Fault::malformed);
  }
  CHECK(opened("tcp://0.0.0.0:0", secret).error().fault == Fault::malformed);
  const auto named = opened("tcp://0.0.0.0:0", secret, "desk1.example");
  REQUIRE(named);
  CHECK((*named)->endpoint().starts_with("tcp://desk1.example:"));
  CHECK(opened("tcp://127.0.0.1:0", "too short").error().fault == Fault::malformed);
  const auto bound = opened("tcp://127.0.0.1:0", "");
  REQUIRE(bound);
  CHECK(opened((*bound)->endpoint(), "").error().fault == Fault::unavailable);
}

TEST_CASE("both ends derive the same keys from one secret, and other keys from another", "[fabric][curve]") {
  const auto one = delivery::cluster_keys_of(secret).value();
  const auto again = delivery::cluster_keys_of(secret).value();
  const auto other = delivery::cluster_keys_of(std::string(32, 't')).value();
  CHECK(one.server.public_key == again.server.public_key);
  CHECK(one.client.secret_key == again.client.secret_key);
  CHECK(one.server.secret_key != one.client.secret_key);
  CHECK(one.server.public_key != other.server.public_key);
  CHECK(delivery::is_curve_key(one.client.public_key));
  CHECK_FALSE(delivery::is_curve_key("short"));
  CHECK_FALSE(delivery::is_curve_key(std::string(40, ' ')));
  CHECK(delivery::curve_keys_of(one.client.secret_key).value().public_key == one.client.public_key);
}

}  // namespace usher::testing
