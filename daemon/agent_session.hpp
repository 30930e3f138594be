// AgentSession: one agent's connection: text frames in, text frames out, in order; a WebSocket here, ZeroMQ in
// zmq_agents. Bounded: an agent who does not read is closed with 4009 instead of filling memory. Knows nothing of what
// the frames say. On the loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/http_upgrade.hpp"
#include "routing/message/ids.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {

// Close codes of `usher.agent.v1`, beside those of RFC 6455.
inline constexpr int close_vanished = 1006;
inline constexpr int close_restart = 1012;
inline constexpr int close_try_later = 1013;
inline constexpr int close_replaced = 4001;
inline constexpr int close_unauthorised = 4003;
inline constexpr int close_no_hello = 4008;
inline constexpr int close_too_slow = 4009;

struct AgentSessionEvents {
  std::function<void()> opened;                // The handshake is done.
  std::function<void(std::string_view)> text;  // A whole text frame.
  std::function<void(int code)> closed;        // Once, at the end; 1006 when the peer just vanished.
};

class AgentSession {
 public:
  virtual ~AgentSession() = default;
  virtual void start(AgentSessionEvents events) = 0;
  virtual void send(std::string text) = 0;
  // Frames not yet under way are dropped. A peer that does not answer the close is cut off after two seconds.
  virtual void close(int code, const std::string& reason) = 0;
  // At once, without a word.
  virtual void cut() = 0;
  // The one agent this connection may be, by the key it was made with; none: the token alone decides.
  [[nodiscard]] virtual std::optional<message::AgentId> only_agent() const { return std::nullopt; }
};

// `idle_max`: pinged at half of it, closed when nothing at all was heard for all of it.
[[nodiscard]] std::shared_ptr<AgentSession> make_agent_session(Upgrade upgrade, std::chrono::milliseconds idle_max);

}  // namespace usher::daemon
