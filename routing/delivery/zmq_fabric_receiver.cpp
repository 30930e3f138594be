// The gateway's end of the fabric: reads, counts what is missing by link, hands on. See zmq_fabric.hpp.
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "routing/delivery/frame_wire.hpp"
#include "routing/delivery/zmq_fabric.hpp"
#include "routing/delivery/zmq_fabric_head.hpp"
#include "routing/delivery/zmq_sockets.hpp"

namespace usher::delivery {

namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::size_t messages_in_a_row_max = 1'000;  // Then handshakes have their turn.

Result<std::string> advertised(const std::string& bound, const std::string& host) {
  if (!bound.starts_with("tcp://")) return bound;
  const auto port = bound.substr(bound.rfind(':'));
  if (!host.empty()) return "tcp://" + host + port;
  if (bound.starts_with("tcp://0.0.0.0:") || bound.starts_with("tcp://[::]:"))
    return fail(Fault::malformed, bound + " is bound on every address: say under which host routers reach it");
  return bound;
}

}  // namespace

struct FabricReceiver::Parts {
  Parts(FabricReceiverOptions chosen, Delivery& frames_go_to) : options(std::move(chosen)), sink(frames_go_to) {}

  struct Link {
    std::uint64_t next = 0;
    bool degraded = false;
    Time heard;
  };

  Result<void> bind();
  void run();
  void read_some();
  void take(const std::vector<zmq::message_t>& parts);
  Link* link_of(const std::string& name);
  void tell_service();
  void forget_silent();

  // Constant after open().
  const FabricReceiverOptions options;
  Delivery& sink;
  std::string endpoint;

  // The thread's own.
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::pull};
  std::optional<ZapDoor> door;
  std::map<std::string, Link> links;
  bool degraded = false;

  // Any thread.
  WakeUp wake_up;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> received{0}, refused{0}, gaps{0};
  std::atomic<std::size_t> routers{0};
  std::thread thread;
};

Result<void> FabricReceiver::Parts::bind() {
  set_limits(socket, static_cast<int>(limits::fabric_gateway_queue_max), limits::fabric_frame_bytes_max);
  const bool curve = !options.cluster_secret.empty();
  if (curve) {
    const auto keys = cluster_keys_of(options.cluster_secret);
    if (!keys) return keys.error();
    door.emplace(context, [allowed = keys->client.public_key](const std::string& key) {
      return key == allowed ? std::optional<std::string>("router") : std::nullopt;
    });
    become_curve_server(socket, keys->server);
  }
  const auto bound = bind_to(socket, options.bind, curve);
  if (!bound) return bound.error();
  const auto reached = advertised(*bound, options.advertise);
  if (!reached) return reached.error();
  endpoint = *reached;
  return {};
}

void FabricReceiver::Parts::run() {
  std::vector<zmq::pollitem_t> items{{nullptr, wake_up.descriptor(), ZMQ_POLLIN, 0}, {socket.handle(), 0, ZMQ_POLLIN, 0}};
  if (door) items.push_back({door->socket().handle(), 0, ZMQ_POLLIN, 0});
  while (!stopping) {
    wait_for(items, options.silent_max / 4);
    if (door) door->answer();
    read_some();
    forget_silent();
  }
}

void FabricReceiver::Parts::read_some() {
  for (std::size_t i = 0; i < messages_in_a_row_max; ++i) {
    const auto parts = take_message(socket, 3);
    if (!parts) return;
    take(*parts);
  }
}

void FabricReceiver::Parts::take(const std::vector<zmq::message_t>& parts) {
  const auto head = read_head(parts.front().to_string_view());
  auto* link = head && parts.size() <= 2 ? link_of(head->link) : nullptr;
  if (link == nullptr) {
    ++refused;
    return;
  }
  link->heard = std::chrono::steady_clock::now();
  // Before the frame: what it says may rest on what was lost.
  if (head->number > link->next) {
    ++gaps;
    sink.frames_lost();
  }
  const bool beat = parts.size() == 1;
  link->next = std::max(link->next, beat ? head->number : head->number + 1);
  if (std::exchange(link->degraded, head->degraded) != head->degraded) tell_service();
  if (beat) return;
  const auto frame = decode_frame(parts[1].to_string_view());
  if (!frame) {
    ++refused;
    return;
  }
  ++received;
  sink.send(*frame);
}

FabricReceiver::Parts::Link* FabricReceiver::Parts::link_of(const std::string& name) {
  const auto found = links.find(name);
  if (found != links.end()) return &found->second;
  if (links.size() >= limits::fabric_gateways_max) return nullptr;
  auto& link = links[name];
  routers = links.size();
  return &link;
}

// Degraded as soon as one router says so, normal once none does.
void FabricReceiver::Parts::tell_service() {
  bool any = false;
  for (const auto& [name, link] : links) any = any || link.degraded;
  if (std::exchange(degraded, any) != any) sink.service(any);
}

void FabricReceiver::Parts::forget_silent() {
  const auto now = std::chrono::steady_clock::now();
  if (std::erase_if(links, [&](const auto& one) { return now - one.second.heard > options.silent_max; }) == 0) return;
  routers = links.size();
  tell_service();
}

FabricReceiver::FabricReceiver(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

FabricReceiver::~FabricReceiver() {
  parts_->stopping = true;
  parts_->wake_up.wake();
  parts_->thread.join();
}

Result<std::unique_ptr<FabricReceiver>> FabricReceiver::open(FabricReceiverOptions options, Delivery& sink) try {
  auto parts = std::make_unique<Parts>(std::move(options), sink);
  const auto bound = parts->bind();
  if (!bound) return bound.error();
  parts->thread = std::thread([made = parts.get()] { made->run(); });
  return std::unique_ptr<FabricReceiver>(new FabricReceiver(std::move(parts)));
} catch (const zmq::error_t& error) {
  return fail(Fault::unavailable, std::string("ZeroMQ gives no socket: ") + error.what());
}

const std::string& FabricReceiver::endpoint() const { return parts_->endpoint; }

FabricReceiverFigures FabricReceiver::figures() const {
  return {parts_->received, parts_->refused, parts_->gaps, parts_->routers};
}

}  // namespace usher::delivery
