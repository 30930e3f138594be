// What every ZeroMQ thread of ours needs: the limits of a socket, a wake-up that poll() sees, and the door of CURVE
// (ZAP). Internal to the ZeroMQ adapters, daemon/zmq_agents among them. A socket belongs to one thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "routing/delivery/zmq_curve.hpp"

namespace usher::delivery {

// An eventfd: any thread wakes, one thread polls.
class WakeUp {
 public:
  WakeUp();
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void wake() const;
  // Call before looking at what one was woken for.
  void calm() const;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// LINGER 0, heartbeats, a handshake that must end, message size and queue lengths.
void set_limits(zmq::socket_t& socket, int queue_max, std::size_t message_bytes_max);

void become_curve_server(zmq::socket_t& socket, const CurveKeys& keys);
void become_curve_client(zmq::socket_t& socket, const CurveKeys& keys, const std::string& server_key);

// Binds where may_bind() allows; returns the real endpoint. A port of 0 means any, as everywhere else in Usher.
[[nodiscard]] message::Result<std::string> bind_to(zmq::socket_t& socket, std::string endpoint, bool curve);

// Decides who passes a CURVE handshake: without this, CURVE lets anyone in who knows the server's public key.
// One for each context, made before its server binds and served by the thread that owns it.
class ZapDoor {
 public:
  // The user id of the holder of this public key (Z85); none: not let in.
  using Admit = std::function<std::optional<std::string>(const std::string& public_key)>;

  ZapDoor(zmq::context_t& context, Admit admit);
  // Answers every request that waits. Never blocks.
  void answer();
  [[nodiscard]] zmq::socket_t& socket() { return socket_; }

 private:
  void answer_one(const std::vector<std::string>& request);

  zmq::socket_t socket_;
  Admit admit_;
};

// Until one of them is ready, the time is over, or a signal came.
void wait_for(std::vector<zmq::pollitem_t>& items, std::chrono::milliseconds at_most);

// All parts of the next message, at most `parts_max` of them kept; none when nothing waits.
[[nodiscard]] std::optional<std::vector<zmq::message_t>> take_message(zmq::socket_t& socket, std::size_t parts_max);

enum class Sent { yes, no_room, no_peer };
// All parts or none. Never blocks.
[[nodiscard]] Sent send_message(zmq::socket_t& socket, std::span<const std::string_view> parts);

}  // namespace usher::delivery
