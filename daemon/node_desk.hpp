// DeskPost: agents' sessions of one process. WebSockets come by the public listener, agents' programs by ZeroMQ, frames
// of routers of other processes by the fabric, whose address is the value of the lease `gateway/PARTITION/ID` (rule A1).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/desk_gateway.hpp"
#include "daemon/node_lease.hpp"
#include "daemon/node_roles.hpp"
#include "daemon/zmq_agents.hpp"
#include "routing/delivery/zmq_fabric.hpp"

namespace usher::config {
struct Settings;
}

namespace usher::daemon {

class DeskPost {
 public:
  // Ports outlive it. Leases null: the router is in this process, and nobody else sends frames.
  [[nodiscard]] static Result<std::unique_ptr<DeskPost>> open(const config::Settings& settings, Partition partition,
                                                              DeskGateway::Ports ports, state::Leases* leases,
                                                              const NodeIdentity& identity);
  ~DeskPost();

  [[nodiscard]] DeskGateway& gateway() { return *gateway_; }
  // The router of this process may be the only one: nobody need be heard over the fabric. Before traffic.
  void router_is_here() { with_router_ = true; }
  [[nodiscard]] const GatewayId& id() const { return id_; }

  // What must be known of this gateway before its first session: embedded, that those of its earlier life are gone;
  // else its lease, to every router. Waits.
  // `found`: the owner is known to have this gateway in its list, so that nobody needs to wait until every other router has.
  [[nodiscard]] Result<void> settle(Milliseconds within, const std::function<bool(const GatewayId&)>& found);
  // Takes agents' programs. Requires: settled.
  [[nodiscard]] Result<void> open_programs_door(const config::Settings& settings);
  void use(const config::Settings& settings);
  // "" when routers know where to find it; else in words.
  [[nodiscard]] std::string trouble() const;
  // The address for agents' programs; "" when there is none.
  [[nodiscard]] std::string programs_address() const { return agents_ ? agents_->endpoint() : ""; }
  // What the door for agents' programs holds; none: there is no such door. Any thread.
  [[nodiscard]] std::optional<ZmqAgentsFigures> programs() const;
  // Sessions are told (1012), then nothing comes in any more.
  void stop(Milliseconds within);

 private:
  DeskPost() = default;
  [[nodiscard]] Result<void> announce(Milliseconds within);

  GatewayId id_;
  bool with_router_ = false;
  HttpLoop* loop_ = nullptr;
  std::unique_ptr<DeskGateway> gateway_;
  mutable std::mutex door_;
  std::unique_ptr<ZmqAgents> agents_;  // Guarded by door_ while others may look.
  std::unique_ptr<delivery::FabricReceiver> fabric_;
  std::unique_ptr<HeldLease> lease_;
};

// 32 bytes from the text that all nodes share, another for each `purpose`; "" without one.
[[nodiscard]] std::string shared_secret(const std::string& cluster_secret, std::string_view purpose);

}  // namespace usher::daemon
