// See node_router.hpp.
#include "daemon/node_router.hpp"

#include "config/settings.hpp"
#include "daemon/logging.hpp"

namespace usher::daemon {
namespace {

constexpr auto fabric_purpose = "fabric";
constexpr auto look_at_gateways_every = Milliseconds(500);
static_assert(look_at_gateways_every < gateway_list_age_max);
// The lease of a router that died at the wrong moment has run out by then, and this one has it.
constexpr auto standby_enough = Milliseconds(limits::router_lease) + Milliseconds(1'000);

}  // namespace

class RouterPost::Fork final : public delivery::Delivery {
 public:
  Fork(DeskPost* desk, delivery::FabricSender* fabric) : desk_(desk), fabric_(fabric) {}
  void send(const engine::AgentFrame& frame) override {
    if (desk_ != nullptr && frame.gateway == desk_->id()) desk_->gateway().send(frame);
    else if (fabric_ != nullptr) fabric_->send(frame);
  }
  void service(bool degraded) override {
    if (desk_ != nullptr) desk_->gateway().service(degraded);
    if (fabric_ != nullptr) fabric_->service(degraded);
  }

 private:
  DeskPost* desk_;
  delivery::FabricSender* fabric_;
};

Result<std::unique_ptr<RouterPost>> RouterPost::open(const config::Settings& settings, Partition partition, Ports ports,
                                                     const NodeIdentity& identity) {
  std::unique_ptr<RouterPost> post(new RouterPost(ports.journal, partition));
  router::RouterOptions options;
  options.partition = partition;
  // New for each process: a claim of an earlier life must not be taken for this one's (docs/decisions/0014).
  options.id = RouterId("router-" + identity.life);
  options.engine_version = identity.engine_version;
  if (ports.leases != nullptr) {
    auto& leases = *ports.leases;
    delivery::FabricSenderOptions fabric;
    fabric.cluster_secret = shared_secret(settings.zmq.cluster_secret, fabric_purpose);
    const GatewayId own = ports.desk != nullptr ? ports.desk->id() : GatewayId();
    auto opened = delivery::FabricSender::open(
        std::move(fabric), [&leases, own, partition]() -> Result<std::vector<delivery::GatewayAddress>> {
          auto all = gateway_addresses(leases, partition);
          // The own desk needs no socket.
          if (all) std::erase_if(*all, [&own](const auto& one) { return one.first == own; });
          return all;
        });
    if (!opened) return opened.error();
    post->fabric_ = std::move(*opened);
    post->gateways_ = std::make_unique<LiveGateways>(leases, partition, look_at_gateways_every, Milliseconds(limits::gateway_lease));
    post->lease_ = std::make_unique<HeldLease>(
        leases, state::Lease{"partition/" + std::to_string(partition), identity.life, options.id.text()},
        Milliseconds(limits::router_lease));
    options.may_claim = [lease = post->lease_.get()] { return lease->held(); };
    options.snapshots = true;
    options.clock_ahead_max = Milliseconds(limits::clock_ahead_max);
    options.live_gateways = [gateways = post->gateways_.get()] { return gateways->now(); };
  }
  post->fork_ = std::make_unique<Fork>(ports.desk, post->fabric_.get());
  post->router_ = std::make_unique<router::RouterThread>(
      options, router::Router::Ports{ports.journal, ports.store, *post->fork_, ports.clock});
  if (options.snapshots) {
    router::SnapshotOptions snapshots;
    snapshots.partition = partition;
    snapshots.owning = [one = post.get()] {
      const auto phase = one->router_->status().phase;
      // A router that cannot go on must not keep others from trying (rule O2).
      if (phase == router::Phase::failed) one->lease_->give_back();
      return phase == router::Phase::routing || phase == router::Phase::paused;
    };
    snapshots.ours = [id = options.id](const RouterId& owner) { return owner == id; };
    post->snapshots_ = std::make_unique<router::SnapshotMaker>(std::move(snapshots), ports.journal, ports.store, ports.clock);
  }
  return post;
}

RouterPost::~RouterPost() { stop(); }

Result<void> RouterPost::settle(Milliseconds within) { return wait_until_routing(*router_, within, standby_enough); }

bool RouterPost::finds(const GatewayId& gateway) const {
  if (!gateways_ || router_->status().phase != router::Phase::routing) return false;
  if (gateways_->lists(gateway)) return true;
  gateways_->look_soon();
  return false;
}

Result<void> RouterPost::activate(const Policy& policy) {
  if (lease_) {
    first_policy_ = std::make_unique<FirstPolicy>(policy_ports(), policy);
    return {};
  }
  const auto activated = activate_policy(policy_ports(), policy, policy_within);
  if (!activated) return activated.error();
  if (*activated) log_info("config", "policy activated", {{"policy", policy_hash(policy)}});
  return {};
}

void RouterPost::stop() {
  first_policy_.reset();
  if (snapshots_) snapshots_->stop();  // The router's own last one is the newest.
  if (router_) router_->stop();
  // Not before the last commit: who claims earlier would only make it void.
  lease_.reset();
}

}  // namespace usher::daemon
