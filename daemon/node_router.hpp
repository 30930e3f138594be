// RouterPost: the router of one process, and what it needs among others: the lease that says when it may claim the
// partition (rule O2), which gateways are alive (rule A1), and the way to those of other processes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/node_desk.hpp"
#include "daemon/node_gateways.hpp"
#include "daemon/node_lease.hpp"
#include "daemon/node_policy.hpp"
#include "daemon/node_roles.hpp"
#include "routing/router/router_thread.hpp"
#include "routing/router/snapshot_maker.hpp"

namespace usher::daemon {

class RouterPost {
 public:
  struct Ports {
    journal::Journal& journal;
    state::StateStore& store;
    state::Leases* leases;  // Null: this router is alone.
    DeskPost* desk;         // Of this process, or null.
    const Clock& clock;
  };
  // Ports outlive it. `malformed`: the cluster secret cannot be one.
  [[nodiscard]] static Result<std::unique_ptr<RouterPost>> open(const config::Settings& settings, Partition partition,
                                                                Ports ports, const NodeIdentity& identity);
  ~RouterPost();

  [[nodiscard]] router::RouterThread& router() { return *router_; }
  // None: this form makes no snapshots.
  [[nodiscard]] std::optional<router::SnapshotStatus> snapshots() const {
    return snapshots_ ? std::optional(snapshots_->status()) : std::nullopt;
  }
  [[nodiscard]] PolicyPorts policy_ports() { return PolicyPorts{journal_, *router_, partition_}; }
  // Embedded: makes the policy active. Else it becomes so when the log has none (rule P1).
  [[nodiscard]] Result<void> activate(const Policy& policy);
  // Waits until it routes, or stands by while another does. `unavailable` when it cannot go on.
  [[nodiscard]] Result<void> settle(Milliseconds within);
  // True: this router owns the partition and has the gateway in its list. Has it look for one that is missing. Any thread.
  [[nodiscard]] bool finds(const GatewayId& gateway) const;
  [[nodiscard]] bool owns() const { return router_->status().phase == router::Phase::routing; }
  [[nodiscard]] bool stands_by() const { return router_->status().phase == router::Phase::standby; }
  // Finishes the commit in flight; then another may claim at once.
  void stop();

 private:
  // Frames for this process's desk go straight there, all others over the fabric.
  class Fork;
  RouterPost(journal::Journal& journal, Partition partition) : journal_(journal), partition_(partition) {}

  journal::Journal& journal_;
  const Partition partition_;
  std::unique_ptr<HeldLease> lease_;
  std::unique_ptr<LiveGateways> gateways_;
  std::unique_ptr<delivery::FabricSender> fabric_;
  std::unique_ptr<delivery::Delivery> fork_;
  std::unique_ptr<router::RouterThread> router_;
  std::unique_ptr<router::SnapshotMaker> snapshots_;  // None embedded.
  std::unique_ptr<FirstPolicy> first_policy_;
};

}  // namespace usher::daemon
