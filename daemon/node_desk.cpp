// See node_desk.hpp.
#include "daemon/node_desk.hpp"

#include <openssl/hmac.h>

#include <array>
#include <future>
#include <thread>

#include "config/settings.hpp"
#include "daemon/logging.hpp"
#include "daemon/node_gateways.hpp"

namespace usher::daemon {
namespace {

constexpr auto fabric_purpose = "fabric";
constexpr auto heard_within = Milliseconds(10'000);

std::vector<AllowedKey> allowed_keys(const config::Settings& settings) {
  std::vector<AllowedKey> out;
  for (const auto& [key, agent] : settings.zmq.allowed_keys) out.push_back({key, AgentId(agent), settings.tenant});
  return out;
}

}  // namespace

std::string shared_secret(const std::string& cluster_secret, std::string_view purpose) {
  if (cluster_secret.empty()) return "";
  std::array<unsigned char, 32> out{};
  unsigned int size = out.size();
  HMAC(EVP_sha256(), cluster_secret.data(), static_cast<int>(cluster_secret.size()),
       reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

Result<std::unique_ptr<DeskPost>> DeskPost::open(const config::Settings& settings, Partition partition,
                                                 DeskGateway::Ports ports, state::Leases* leases,
                                                 const NodeIdentity& identity) {
  std::unique_ptr<DeskPost> post(new DeskPost());
  post->loop_ = &ports.loop;
  DeskOptions options;
  options.partition = partition;
  options.tenant = settings.tenant;
  options.public_url = settings.public_url;
  options.origins = settings.agent_origins;
  // Among several a gateway is new with each process: nobody takes its sessions for those of an earlier life.
  if (leases != nullptr) options.gateway = GatewayId("desk-" + identity.life);
  post->id_ = options.gateway;
  post->gateway_ = std::make_unique<DeskGateway>(std::move(options), ports);
  if (leases == nullptr) return post;
  delivery::FabricReceiverOptions fabric;
  fabric.bind = settings.zmq.fabric;
  fabric.advertise = settings.zmq.advertise;
  fabric.cluster_secret = shared_secret(settings.zmq.cluster_secret, fabric_purpose);
  auto opened = delivery::FabricReceiver::open(std::move(fabric), *post->gateway_);
  if (!opened) return opened.error();
  post->fabric_ = std::move(*opened);
  // Who was thought dead for a while may have lost its sessions in the log: each is opened anew.
  auto again = std::make_shared<bool>(false);
  post->lease_ = std::make_unique<HeldLease>(
      *leases, state::Lease{gateway_prefix(partition) + post->id_.text(), identity.life, post->fabric_->endpoint()},
      Milliseconds(limits::gateway_lease), LeaseEvents{[again, gateway = post->gateway_.get()] {
                                                         if (std::exchange(*again, true)) gateway->frames_lost();
                                                       },
                                                       [] {}});
  return post;
}

DeskPost::~DeskPost() {
  // The door first, then the ways to it.
  agents_.reset();
  fabric_.reset();
}

Result<void> DeskPost::settle(Milliseconds within, const std::function<bool(const GatewayId&)>& found) {
  if (lease_ == nullptr) return announce(within);
  const auto deadline = std::chrono::steady_clock::now() + within;
  // Owners that have not seen the lease would take a session here for one of a dead gateway.
  while (lease_->held_for() < gateway_list_age_max) {
    if (lease_->held() && found(id_)) break;
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Fault::unavailable, "the desk's lease could not be taken in time");
    std::this_thread::sleep_for(Milliseconds(20));
  }
  return {};
}

Result<void> DeskPost::announce(Milliseconds within) {
  auto told = std::make_shared<std::promise<Result<void>>>();
  auto announced = told->get_future();
  gateway_->announce([told](Result<void> result) { told->set_value(std::move(result)); });
  if (announced.wait_for(within) != std::future_status::ready)
    return fail(Fault::unavailable, "the journal did not take the desk's first record in time");
  return announced.get();
}

Result<void> DeskPost::open_programs_door(const config::Settings& settings) {
  const auto& zmq = settings.zmq;
  if (zmq.agents.empty()) return {};
  ZmqAgentsOptions options;
  options.endpoint = zmq.agents;
  options.curve_secret_file = zmq.curve_secret_file;
  options.allowed = allowed_keys(settings);
  options.tenant = settings.tenant;
  auto started = ZmqAgents::start(std::move(options), *loop_, *gateway_);
  if (started) {
    {
      const std::lock_guard lock(door_);
      agents_ = std::move(*started);
    }
    log_info("zmq", "agents' programs: " + agents_->endpoint(), {{"endpoint", agents_->endpoint()}});
    return {};
  }
  if (zmq.agents_written || !zmq.curve_secret_file.empty()) return started.error();
  // Nobody asked for this door: a second daemon on the machine goes without.
  log_warn("zmq", "no door for agents' programs (zmq.agents): " + started.error().detail);
  return {};
}

void DeskPost::use(const config::Settings& settings) {
  if (agents_) agents_->allow(allowed_keys(settings));
}

std::string DeskPost::trouble() const {
  if (lease_ == nullptr) return "";
  if (!lease_->held()) return "desk: its lease in Redis ran out; routers may not find it";
  // A router of this process needs no socket; any other dials what `zmq.advertise` says, and beats each second.
  if (!with_router_ && lease_->held_for() > heard_within && fabric_->figures().routers == 0)
    return "desk: no router is heard; is one running, can it reach zmq.advertise, and is the cluster secret the same?";
  return "";
}

std::optional<ZmqAgentsFigures> DeskPost::programs() const {
  const std::lock_guard lock(door_);
  return agents_ ? std::optional(agents_->figures()) : std::nullopt;
}

void DeskPost::stop(Milliseconds within) {
  gateway_->stop(within);
  std::unique_ptr<ZmqAgents> closing;
  {
    const std::lock_guard lock(door_);
    closing = std::move(agents_);
  }
  closing.reset();
  // Kept until here: the ends of the sessions are in the log, so that nothing is left to be declared lost.
  lease_.reset();
}

}  // namespace usher::daemon
