// ZmqSession: an agent's session whose frames go over the ROUTER; see zmq_agents.hpp. Lives on the loop's thread; what
// it wants said goes through the outbox to the thread that owns the socket. Internal to daemon/zmq_agents*.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/agent_session.hpp"
#include "routing/delivery/zmq_sockets.hpp"

namespace usher::daemon {

// What waits for one agent, on its way and in front of the socket. Any thread.
struct ZmqBacklog {
  std::atomic<std::size_t> frames{0};
  std::atomic<std::size_t> bytes{0};
};

// One thing that a session wants of the socket's thread.
struct ZmqWish {
  enum class Kind { say, close, forget };
  Kind kind = Kind::say;
  std::uint64_t peer = 0;
  std::string text;
  int code = 0;
};

// From the loop's thread to the socket's. What is in it is bounded by each session's backlog, and by all of them together.
class ZmqOutbox {
 public:
  void put(ZmqWish wish);
  [[nodiscard]] std::vector<ZmqWish> take();
  [[nodiscard]] const delivery::WakeUp& wake_up() const { return wake_up_; }

  // Bytes that wait for all agents, here or in front of the socket. Any thread.
  void hold(std::size_t bytes) { held_ += bytes; }
  void release(std::size_t bytes) { held_ -= bytes; }
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  std::atomic<std::size_t> held_{0};
  delivery::WakeUp wake_up_;
  std::mutex mutex_;
  std::vector<ZmqWish> wishes_;  // Guarded by mutex_.
};

class ZmqSession final : public AgentSession, public std::enable_shared_from_this<ZmqSession> {
 public:
  ZmqSession(std::shared_ptr<ZmqOutbox> outbox, std::uint64_t peer, std::optional<message::AgentId> only_agent)
      : outbox_(std::move(outbox)), peer_(peer), only_agent_(std::move(only_agent)) {}

  void start(AgentSessionEvents events) override;
  void send(std::string text) override;
  void close(int code, const std::string& reason) override;
  void cut() override;
  [[nodiscard]] std::optional<message::AgentId> only_agent() const override { return only_agent_; }

  // Called for the socket's thread, on the loop's.
  void heard(std::string_view text);
  void ended(int code);

  // Any thread.
  [[nodiscard]] ZmqBacklog& backlog() { return backlog_; }

 private:
  const std::shared_ptr<ZmqOutbox> outbox_;
  const std::uint64_t peer_;
  const std::optional<message::AgentId> only_agent_;
  ZmqBacklog backlog_;
  AgentSessionEvents events_;
  bool closing_ = false;
  bool ended_ = false;
};

// The last frame of a session that the server ends.
[[nodiscard]] std::string session_closed_frame(int code, const std::string& reason);

}  // namespace usher::daemon
