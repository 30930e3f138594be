// ZmqAgents: agents' programs over a ZeroMQ ROUTER: `usher.agent.v1`, one JSON frame a message (docs/agents-over-
// zeromq.md). It only makes sessions; the DeskGateway decides what they may say, as it does for WebSockets.
// One thread owns the sockets; sessions live on the loop's thread; they meet in two bounded queues.
//
// Journey: agent's program -> [ZmqAgents] -> DeskGateway -> journal, and DeskGateway -> [ZmqAgents] -> agent's program.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "daemon/desk_gateway.hpp"
#include "daemon/http_loop.hpp"
#include "daemon/zmq_agents_figures.hpp"
#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

// Who holds the secret half of `public_key` may open sessions of that agent, and of no other.
struct AllowedKey {
  std::string public_key;  // Z85, 40 characters.
  AgentId agent;
  TenantId tenant;
};

struct ZmqAgentsOptions {
  std::string endpoint = "tcp://127.0.0.1:5570";  // Port 0 (or *): any free one.
  // The server's secret key, Z85, in a file only its owner may read (see make_curve_key_file). Empty: no CURVE.
  std::string curve_secret_file;
  std::vector<AllowedKey> allowed;  // With CURVE nobody else gets in.
  TenantId tenant;                  // Keys of other tenants are not let in.
  Milliseconds silent_max = limits::agent_silent_max;  // Rule A4: nothing heard for so long, the session is over.
  std::size_t sessions_max = limits::zmq_sessions_max;
  std::size_t strangers_max = limits::zmq_strangers_max;
  std::size_t send_bytes_max = limits::zmq_send_bytes_max;    // For all sessions together.
  std::size_t heard_bytes_max = limits::zmq_heard_bytes_max;  // From all connections together.
};

class ZmqAgents {
 public:
  // Binds and serves. The loop and the gateway outlive it. Stop in this order: gateway.stop() (its sessions are told
  // 1012), ~ZmqAgents (the last frames go out, at most a quarter of a second), ~DeskGateway.
  // `unauthorised`: a bind beyond the loopback without CURVE (rule A4), or a key file others may read. `malformed`: a
  // key that is none. `unavailable`: cannot be bound or read.
  [[nodiscard]] static Result<std::unique_ptr<ZmqAgents>> start(ZmqAgentsOptions options, HttpLoop& loop,
                                                                DeskGateway& gateway);
  ~ZmqAgents();
  ZmqAgents(const ZmqAgents&) = delete;
  ZmqAgents& operator=(const ZmqAgents&) = delete;

  // With the real port.
  [[nodiscard]] const std::string& endpoint() const;
  // Z85; what clients must know of the server. Empty without CURVE.
  [[nodiscard]] const std::string& public_key() const;
  // Any thread.
  [[nodiscard]] ZmqAgentsFigures figures() const;
  // A new allow-list after a reload: it decides on new connections, and sessions whose key is gone are closed (4003).
  // Any thread.
  void allow(std::vector<AllowedKey> allowed);

 private:
  struct Parts;
  explicit ZmqAgents(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Makes a new secret key in a new file of mode 0600; returns its public key. `conflict`: the file is there already.
[[nodiscard]] Result<std::string> make_curve_key_file(const std::string& file);

}  // namespace usher::daemon
