// A gateway's sink that remembers, a directory that tests write, and raw sockets to say what no router of ours would.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <zmq.hpp>

#include "routing/delivery/frame_wire.hpp"
#include "routing/delivery/zmq_fabric.hpp"
#include "routing/delivery/zmq_fabric_head.hpp"
#include "tests/message/show_result.hpp"

namespace usher::testing {

using namespace usher::message;
using namespace std::chrono_literals;

struct Sink final : delivery::Delivery {
  void send(const engine::AgentFrame& frame) override {
    note([&] { frames.push_back(frame); });
  }
  void service(bool degraded) override {
    note([&] { states.push_back(degraded); });
  }
  void frames_lost() override {
    note([&] { lost_before.push_back(frames.size()); });
  }

  // False: not within ten seconds.
  template <class Condition>
  [[nodiscard]] bool wait_until(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 10s, [&] { return condition(*this); });
  }
  [[nodiscard]] bool wait_for_frames(std::size_t count) {
    return wait_until([&](const Sink& sink) { return sink.frames.size() >= count; });
  }

  // Guarded by mutex; tests read them when nothing more can come.
  std::vector<engine::AgentFrame> frames;
  std::vector<bool> states;
  std::vector<std::size_t> lost_before;  // How many frames had come by then.

 private:
  template <class Work>
  void note(Work work) {
    const std::lock_guard lock(mutex);
    work();
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
};

struct Gateway {
  Sink sink;
  std::unique_ptr<delivery::FabricReceiver> receiver;

  explicit Gateway(delivery::FabricReceiverOptions options = {})
      : receiver(std::move(delivery::FabricReceiver::open(std::move(options), sink).value())) {}
  [[nodiscard]] std::string endpoint() const { return receiver->endpoint(); }
};

struct Directory {
  void set(const std::string& gateway, const std::string& endpoint) {
    const std::lock_guard lock(mutex);
    entries[GatewayId(gateway)] = endpoint;
  }
  void remove(const std::string& gateway) {
    const std::lock_guard lock(mutex);
    entries.erase(GatewayId(gateway));
  }
  void fail_from_now_on() {
    const std::lock_guard lock(mutex);
    down = true;
  }
  [[nodiscard]] delivery::GatewayDirectory look_up() {
    return [this]() -> Result<std::vector<delivery::GatewayAddress>> {
      const std::lock_guard lock(mutex);
      if (down) return fail(Fault::unavailable, "no store");
      return std::vector<delivery::GatewayAddress>(entries.begin(), entries.end());
    };
  }

 private:
  std::mutex mutex;
  std::map<GatewayId, std::string> entries;
  bool down = false;
};

inline delivery::FabricSenderOptions quick() {
  delivery::FabricSenderOptions options;
  options.look_up_every = Milliseconds(20);
  options.beat_every = Milliseconds(20);
  options.gone_after = Milliseconds(200);
  return options;
}

struct SendingRouter {
  std::unique_ptr<delivery::FabricSender> sender;

  explicit SendingRouter(Directory& directory, delivery::FabricSenderOptions options = quick())
      : sender(std::move(delivery::FabricSender::open(std::move(options), directory.look_up()).value())) {}

  void say(const std::string& gateway, std::uint64_t number, const std::string& text = "") const {
    sender->send({AgentId("ana"), SessionId("s"), GatewayId(gateway), number, engine::PresenceFrame{Presence::away, text}});
  }
};

// Looks again and again until it is so: for figures that nobody announces.
template <class Condition>
[[nodiscard]] bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    zmq_poll(nullptr, 0, 5);
  }
  return true;
}

// A PUSH that says what it is told.
class RawPush {
 public:
  explicit RawPush(const std::string& endpoint) {
    socket_.set(zmq::sockopt::linger, 1'000);
    socket_.connect(endpoint);
  }
  void say(const std::vector<std::string>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i)
      socket_.send(zmq::buffer(parts[i]), i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  void frame(std::uint64_t number, const std::string& link = "link") {
    const engine::AgentFrame frame{AgentId("ana"), SessionId("s"), GatewayId("g"), number,
                                   engine::PresenceFrame{Presence::away, ""}};
    say({delivery::write_head({link, number, false}), delivery::encode(frame)});
  }
  void beat(std::uint64_t number, bool degraded = false, const std::string& link = "link") {
    say({delivery::write_head({link, number, degraded})});
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::push};
};

}  // namespace usher::testing
