// Routers and gateways over real sockets: order, addresses that come and go, loss that is noticed, the service's state.
#include "tests/delivery/fabric_fixture.hpp"

namespace usher::testing {

TEST_CASE("frames come to the gateway they are for, in the order of sending", "[fabric]") {
  Gateway one, two;
  Directory directory;
  directory.set("one", one.endpoint());
  directory.set("two", two.endpoint());
  SendingRouter router(directory);
  for (std::uint64_t i = 0; i < 5'000; ++i) router.say(i % 2 == 0 ? "one" : "two", i);
  REQUIRE(one.sink.wait_for_frames(2'500));
  REQUIRE(two.sink.wait_for_frames(2'500));
  for (std::size_t i = 0; i < 2'500; ++i) {
    REQUIRE(one.sink.frames[i].number == i * 2);
    REQUIRE(two.sink.frames[i].number == i * 2 + 1);
    REQUIRE(two.sink.frames[i].gateway == GatewayId("two"));
  }
  CHECK(one.sink.lost_before.empty());
  CHECK(two.sink.lost_before.empty());
  CHECK(router.sender->figures().dropped == 0);
}

TEST_CASE("several routers share a gateway, and each keeps its own order", "[fabric]") {
  Gateway gateway;
  Directory directory;
  directory.set("g", gateway.endpoint());
  SendingRouter first(directory), second(directory);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    first.say("g", i, "first");
    second.say("g", i, "second");
  }
  REQUIRE(gateway.sink.wait_for_frames(2'000));
  std::map<std::string, std::uint64_t> next;
  for (const auto& frame : gateway.sink.frames)
    REQUIRE(frame.number == next[std::get<engine::PresenceFrame>(frame.frame).reason]++);
  CHECK(gateway.sink.lost_before.empty());
  CHECK(gateway.receiver->figures().routers == 2);
}

TEST_CASE("frames wait for a gateway whose address is not known yet", "[fabric]") {
  Gateway gateway;
  Directory directory;
  SendingRouter router(directory);
  router.say("late", 0);
  router.say("late", 1);
  directory.set("late", gateway.endpoint());
  REQUIRE(gateway.sink.wait_for_frames(2));
  CHECK(gateway.sink.frames[1].number == 1);
  CHECK(gateway.sink.lost_before.empty());
}

TEST_CASE("what had no room makes a gap that the gateway notices, even when nothing follows", "[fabric][rule-A1]") {
  Gateway gateway;
  Directory directory;
  auto options = quick();
  options.gone_after = Milliseconds(60'000);
  SendingRouter router(directory, options);
  for (std::uint64_t i = 0; i < 3'000; ++i) router.say("late", i);
  REQUIRE(comes_true([&] { return router.sender->figures().dropped > 0; }));
  directory.set("late", gateway.endpoint());
  // No frame comes after the gap: the beat tells.
  REQUIRE(gateway.sink.wait_until([](const Sink& sink) { return !sink.lost_before.empty(); }));
  const auto dropped = router.sender->figures().dropped;
  CHECK(gateway.sink.frames.size() == 3'000 - dropped);
  CHECK(gateway.sink.lost_before == std::vector<std::size_t>{gateway.sink.frames.size()});
}

TEST_CASE("sending never blocks on a gateway that does not read, and others are served meanwhile", "[fabric][rule-A1]") {
  zmq::context_t context{1};
  zmq::socket_t dead(context, zmq::socket_type::pull);
  dead.set(zmq::sockopt::rcvhwm, 1);
  dead.bind("tcp://127.0.0.1:*");
  Gateway alive;
  Directory directory;
  directory.set("dead", dead.get(zmq::sockopt::last_endpoint));
  directory.set("alive", alive.endpoint());
  SendingRouter router(directory);
  REQUIRE(comes_true([&] { return router.sender->figures().gateways == 2; }));
  const std::string text(4'000, 't');
  // More than all queues between here and there hold: it could only wait, or drop.
  for (std::uint64_t i = 0; i < 40'000; ++i) router.say("dead", i, text);
  REQUIRE(comes_true([&] { return router.sender->figures().dropped > 0; }));
  // The queue of all may be full for a moment; it empties by itself.
  std::uint64_t number = 0;
  REQUIRE(comes_true([&] {
    router.say("alive", number++);
    return alive.receiver->figures().received > 0;
  }));
}

TEST_CASE("a gateway that moved is found where it is now", "[fabric]") {
  Directory directory;
  auto before = std::make_unique<Gateway>();
  directory.set("g", before->endpoint());
  SendingRouter router(directory);
  router.say("g", 0);
  REQUIRE(before->sink.wait_for_frames(1));
  before.reset();
  Gateway after;
  directory.set("g", after.endpoint());
  REQUIRE(comes_true([&] {
    router.say("g", 1);
    return after.receiver->figures().received > 0;
  }));
  // It cannot know what its predecessor had: it says that something may be missing.
  CHECK(after.sink.lost_before.size() == 1);
}

TEST_CASE("a gateway no longer listed loses its socket, and is served again when it is back", "[fabric]") {
  Gateway gateway;
  Directory directory;
  directory.set("g", gateway.endpoint());
  SendingRouter router(directory);
  REQUIRE(comes_true([&] { return router.sender->figures().gateways == 1; }));
  directory.remove("g");
  REQUIRE(comes_true([&] { return router.sender->figures().gateways == 0; }));
  directory.set("g", gateway.endpoint());
  router.say("g", 0);
  REQUIRE(gateway.sink.wait_for_frames(1));
  // What it was to hear meanwhile was dropped, so it hears that something may be missing.
  CHECK(gateway.sink.wait_until([](const Sink& sink) { return sink.lost_before.size() == 1; }));
}

TEST_CASE("while nobody can say where gateways are, those known are still served", "[fabric]") {
  Gateway gateway;
  Directory directory;
  directory.set("g", gateway.endpoint());
  SendingRouter router(directory);
  REQUIRE(comes_true([&] { return gateway.receiver->figures().routers == 1; }));
  directory.fail_from_now_on();
  const auto after = std::chrono::steady_clock::now() + quick().gone_after * 2;
  REQUIRE(comes_true([&] { return std::chrono::steady_clock::now() > after; }));
  router.sender->service(true);
  router.say("g", 0);
  REQUIRE(gateway.sink.wait_for_frames(1));
  REQUIRE(gateway.sink.wait_until([](const Sink& sink) { return !sink.states.empty(); }));
  CHECK(gateway.sink.states.front());
}

TEST_CASE("every gateway hears that the service is degraded, and that it is normal again", "[fabric]") {
  Gateway one, two;
  Directory directory;
  directory.set("one", one.endpoint());
  directory.set("two", two.endpoint());
  SendingRouter router(directory);
  REQUIRE(comes_true([&] { return router.sender->figures().gateways == 2; }));
  router.sender->service(true);
  for (auto* gateway : {&one, &two})
    REQUIRE(gateway->sink.wait_until([](const Sink& sink) { return sink.states == std::vector<bool>{true}; }));
  router.sender->service(false);
  for (auto* gateway : {&one, &two})
    REQUIRE(gateway->sink.wait_until([](const Sink& sink) { return sink.states == std::vector<bool>{true, false}; }));
}

TEST_CASE("a gateway listed after the service degraded hears it too", "[fabric]") {
  Gateway gateway;
  Directory directory;
  SendingRouter router(directory);
  router.sender->service(true);
  directory.set("g", gateway.endpoint());
  CHECK(gateway.sink.wait_until([](const Sink& sink) { return sink.states == std::vector<bool>{true}; }));
}

TEST_CASE("with several routers the service is normal once none says otherwise", "[fabric]") {
  delivery::FabricReceiverOptions options;
  options.silent_max = Milliseconds(300);
  Gateway gateway(options);
  Directory directory;
  directory.set("g", gateway.endpoint());
  SendingRouter calm(directory);
  {
    SendingRouter worried(directory), more_worried(directory);
    worried.sender->service(true);
    more_worried.sender->service(true);
    REQUIRE(gateway.sink.wait_until([](const Sink& sink) { return sink.states == std::vector<bool>{true}; }));
    REQUIRE(comes_true([&] { return gateway.receiver->figures().routers == 3; }));
    worried.sender->service(false);
  }
  // The one that was still worried is dead now: its word is worth nothing after a while.
  CHECK(gateway.sink.wait_until([](const Sink& sink) { return sink.states == std::vector<bool>{true, false}; }));
  CHECK(comes_true([&] { return gateway.receiver->figures().routers == 1; }));
}

}  // namespace usher::testing
