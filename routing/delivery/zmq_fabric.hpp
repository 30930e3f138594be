// The fabric: frames from routers to the desk gateways of other processes, over ZeroMQ PUSH -> PULL.
// FabricSender is the Delivery that a router is given; FabricReceiver stands before a gateway and calls its Delivery.
// Each owns one ZeroMQ context and one thread that alone touches its sockets. What is promised, and what is not:
// docs/delivery.md.
//
// Journey: router -> [FabricSender] ~~tcp~~ [FabricReceiver] -> DeskGateway -> agent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "routing/delivery/delivery.hpp"
#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"

namespace usher::delivery {

using namespace usher::message;

struct FabricReceiverOptions {
  std::string bind = "tcp://127.0.0.1:0";  // Port 0 (or *): any free one.
  // The host under which routers reach this process; empty: the one that is bound, which must then be a real address.
  std::string advertise;
  // 32 bytes, the same in the whole cluster; both sides derive their CURVE keys from it. Empty: no CURVE.
  std::string cluster_secret;
  Milliseconds silent_max = limits::fabric_silent_max;  // A router that is silent so long is forgotten.
};

struct FabricReceiverFigures {
  std::uint64_t received = 0;  // Frames handed to the sink.
  std::uint64_t refused = 0;   // Messages that are none of ours, or that could not be read.
  std::uint64_t gaps = 0;      // How often frames were missing; each made a frames_lost() of the sink.
  std::size_t routers = 0;     // Heard of within silent_max.
};

class FabricReceiver {
 public:
  // `sink` outlives the receiver and is called on its thread. `unauthorised`: a bind beyond the loopback without a
  // cluster secret (rule A4). `malformed`: an endpoint or secret that cannot be one. `unavailable`: it cannot be bound.
  [[nodiscard]] static Result<std::unique_ptr<FabricReceiver>> open(FabricReceiverOptions options, Delivery& sink);
  ~FabricReceiver();
  FabricReceiver(const FabricReceiver&) = delete;
  FabricReceiver& operator=(const FabricReceiver&) = delete;

  // tcp://HOST:PORT as routers connect to it: what the gateway's lease says.
  [[nodiscard]] const std::string& endpoint() const;
  // Any thread.
  [[nodiscard]] FabricReceiverFigures figures() const;

 private:
  struct Parts;
  explicit FabricReceiver(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

using GatewayAddress = std::pair<GatewayId, std::string>;
// All gateways there are now. Called on a thread of the sender's own, so it may wait for a store. When it fails, the
// gateways known so far are kept: agents must hear that the service is degraded just when the store is gone.
using GatewayDirectory = std::function<Result<std::vector<GatewayAddress>>()>;

struct FabricSenderOptions {
  std::string cluster_secret;  // As the receivers'.
  Milliseconds look_up_every{1'000};  // And at once when a frame is for a gateway nobody knows, at most ten times a second.
  Milliseconds beat_every = limits::fabric_beat_every;
  Milliseconds gone_after{15'000};  // A gateway missing from the listings for so long loses its socket.
};

struct FabricSenderFigures {
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;  // No room, no address, or too large: each makes a gap that the gateway sees.
  std::size_t gateways = 0;   // With a socket.
};

class FabricSender final : public Delivery {
 public:
  // `malformed`: the secret cannot be one.
  [[nodiscard]] static Result<std::unique_ptr<FabricSender>> open(FabricSenderOptions options,
                                                                  GatewayDirectory directory);
  // Frames still queued are dropped. Waits for a running look-up.
  ~FabricSender() override;
  FabricSender(const FabricSender&) = delete;
  FabricSender& operator=(const FabricSender&) = delete;

  // Any thread. Never block; the order of one thread's frames to one gateway is kept.
  void send(const engine::AgentFrame& frame) override;
  void service(bool degraded) override;
  // Any thread.
  [[nodiscard]] FabricSenderFigures figures() const;

 private:
  struct Parts;
  explicit FabricSender(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace usher::delivery
