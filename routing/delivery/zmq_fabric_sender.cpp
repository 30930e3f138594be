// The router's end of the fabric: frames are numbered and queued by whoever sends, a thread of its own carries them to
// the sockets, and another one asks where gateways are, since a store may take its time. See zmq_fabric.hpp.
#include <openssl/rand.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "routing/delivery/frame_wire.hpp"
#include "routing/delivery/zmq_fabric.hpp"
#include "routing/delivery/zmq_fabric_head.hpp"
#include "routing/delivery/zmq_sockets.hpp"

namespace usher::delivery {

namespace {

using std::chrono::steady_clock;
using Time = steady_clock::time_point;

constexpr std::size_t frames_without_address_max = 1'024;  // By gateway: a welcome is sooner there than its gateway is found.
constexpr auto look_up_again_after = std::chrono::milliseconds(100);

std::string random_link() {
  std::array<std::uint64_t, 2> bits{};
  expect(RAND_bytes(reinterpret_cast<unsigned char*>(bits.data()), sizeof bits) == 1, "there is randomness");
  return MessageId{bits[0], bits[1]}.text();
}

// The count on one link; see FabricHead.
struct Link {
  std::string name = random_link();
  std::uint64_t next = 0;  // Guarded by Parts::mutex.
};

struct Item {
  GatewayId gateway;
  std::shared_ptr<Link> link;
  std::uint64_t number = 0;
  std::string bytes;
};

// One gateway as the socket thread sees it.
struct Route {
  std::string endpoint;                 // Empty: nobody has said yet where it is.
  std::optional<zmq::socket_t> socket;
  std::deque<Item> waiting;             // Until there is an address.
  std::optional<Time> missing_since;    // Of the first listing without it.
};

}  // namespace

struct FabricSender::Parts {
  void run();
  void run_look_ups();
  void look_up_now();
  void carry(Item item);
  void push(Route& route, const Item& item);
  void use(const std::vector<GatewayAddress>& listed);
  void connect(Route& route, const std::string& endpoint);
  void forget_gone();
  void count_gateways();
  void beat();
  std::shared_ptr<Link> link_of(const GatewayId& gateway);

  // Constant after open().
  FabricSenderOptions options;
  GatewayDirectory directory;
  std::optional<ClusterKeys> keys;

  // The socket thread's own.
  zmq::context_t context{1};
  std::map<GatewayId, Route> routes;

  // Guarded by mutex.
  std::mutex mutex;
  std::condition_variable look_up_wanted;
  std::deque<Item> queue;
  std::size_t queue_bytes = 0;
  std::map<GatewayId, std::shared_ptr<Link>> links;
  std::set<GatewayId> forgotten;
  std::optional<std::vector<GatewayAddress>> found;
  bool asked = false;

  // Any thread.
  WakeUp wake_up;
  std::atomic<bool> stopping{false};
  std::atomic<bool> degraded{false};
  std::atomic<bool> beat_now{false};
  std::atomic<std::uint64_t> sent{0}, dropped{0};
  std::atomic<std::size_t> gateways{0};
  std::thread look_up_thread;
  std::thread thread;
};

void FabricSender::Parts::run() {
  std::vector<zmq::pollitem_t> items{{nullptr, wake_up.descriptor(), ZMQ_POLLIN, 0}};
  auto beat_at = steady_clock::now() + options.beat_every;
  while (!stopping) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(beat_at - steady_clock::now());
    wait_for(items, std::max<Milliseconds>(left, Milliseconds(0)));
    wake_up.calm();
    std::deque<Item> batch;
    std::optional<std::vector<GatewayAddress>> listed;
    {
      const std::lock_guard lock(mutex);
      batch.swap(queue);
      queue_bytes = 0;
      listed.swap(found);
    }
    if (listed) use(*listed);
    for (auto& item : batch) carry(std::move(item));
    if (!beat_now.exchange(false) && steady_clock::now() < beat_at) continue;
    beat();
    beat_at = steady_clock::now() + options.beat_every;
  }
}

void FabricSender::Parts::run_look_ups() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    asked = false;
    lock.unlock();
    auto listed = directory();
    lock.lock();
    if (listed) {
      found = std::move(*listed);
      wake_up.wake();
    }
    look_up_wanted.wait_for(lock, look_up_again_after, [this] { return stopping.load(); });
    look_up_wanted.wait_for(lock, options.look_up_every, [this] { return asked || stopping; });
  }
}

void FabricSender::Parts::look_up_now() {
  const std::lock_guard lock(mutex);
  asked = true;
  look_up_wanted.notify_all();
}

void FabricSender::Parts::carry(Item item) {
  auto& route = routes[item.gateway];
  if (route.socket) return push(route, item);
  if (route.waiting.empty()) look_up_now();
  if (route.waiting.size() < frames_without_address_max)
    route.waiting.push_back(std::move(item));
  else
    ++dropped;
}

void FabricSender::Parts::push(Route& route, const Item& item) {
  const auto head = write_head({item.link->name, item.number, degraded});
  const std::array<std::string_view, 2> parts{head, item.bytes};
  send_message(*route.socket, parts) == Sent::yes ? ++sent : ++dropped;
}

void FabricSender::Parts::use(const std::vector<GatewayAddress>& listed) {
  const auto now = steady_clock::now();
  for (auto& [gateway, route] : routes)
    if (!route.missing_since) route.missing_since = now;
  for (const auto& [gateway, endpoint] : listed) {
    {
      const std::lock_guard lock(mutex);
      if (!link_of(gateway)) continue;
    }
    auto& route = routes[gateway];
    route.missing_since.reset();
    if (route.endpoint != endpoint) connect(route, endpoint);
  }
  forget_gone();
  count_gateways();
}

void FabricSender::Parts::connect(Route& route, const std::string& endpoint) {
  route.endpoint = endpoint;
  route.socket.reset();
  try {
    zmq::socket_t socket(context, zmq::socket_type::push);
    set_limits(socket, static_cast<int>(limits::fabric_gateway_queue_max), limits::fabric_frame_bytes_max);
    socket.set(zmq::sockopt::reconnect_ivl, 50);
    socket.set(zmq::sockopt::reconnect_ivl_max, 1'000);
    if (endpoint.starts_with("tcp://[")) socket.set(zmq::sockopt::ipv6, true);
    if (keys) become_curve_client(socket, keys->client, keys->server.public_key);
    socket.connect(endpoint);
    route.socket = std::move(socket);
  } catch (const zmq::error_t&) {
    // No address at all: its frames go on waiting, then are dropped, until the directory says another.
    return;
  }
  for (const auto& item : std::exchange(route.waiting, {})) push(route, item);
}

void FabricSender::Parts::count_gateways() {
  std::size_t count = 0;
  for (const auto& [gateway, route] : routes) count += route.socket ? 1U : 0U;
  gateways = count;
}

// Where a gateway was, nobody is: its socket would try for ever, and the count of its frames is of no use either.
void FabricSender::Parts::forget_gone() {
  const auto now = steady_clock::now();
  for (auto at = routes.begin(); at != routes.end();) {
    const auto missing_since = at->second.missing_since;
    if (!missing_since || now - *missing_since <= options.gone_after) {
      ++at;
      continue;
    }
    dropped += at->second.waiting.size();
    const std::lock_guard lock(mutex);
    links.erase(at->first);
    if (forgotten.size() >= limits::fabric_gateways_max) forgotten.clear();
    forgotten.insert(at->first);
    at = routes.erase(at);
  }
}

// The count without what is still queued: that is not lost.
void FabricSender::Parts::beat() {
  std::map<GatewayId, FabricHead> heads;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [gateway, link] : links) heads[gateway] = {link->name, link->next, degraded};
    for (auto item = queue.rbegin(); item != queue.rend(); ++item) heads[item->gateway].number = item->number;
  }
  for (const auto& [gateway, head] : heads) {
    const auto route = routes.find(gateway);
    if (route == routes.end() || !route->second.socket) continue;
    const auto text = write_head(head);
    const std::array<std::string_view, 1> parts{text};
    // A beat that does not fit is made up for by the next one.
    [[maybe_unused]] const auto done = send_message(*route->second.socket, parts);
  }
}

// Requires: the mutex is held. None: there are too many gateways.
std::shared_ptr<Link> FabricSender::Parts::link_of(const GatewayId& gateway) {
  const auto found_link = links.find(gateway);
  if (found_link != links.end()) return found_link->second;
  if (links.size() >= limits::fabric_gateways_max) return nullptr;
  auto link = std::make_shared<Link>();
  // Back from the dead: what was said meanwhile is lost, and the count says so from its start.
  if (forgotten.erase(gateway) > 0) link->next = 1;
  return links[gateway] = std::move(link);
}

FabricSender::FabricSender(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

FabricSender::~FabricSender() {
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->stopping = true;
    parts_->look_up_wanted.notify_all();
  }
  parts_->wake_up.wake();
  parts_->look_up_thread.join();
  parts_->thread.join();
}

Result<std::unique_ptr<FabricSender>> FabricSender::open(FabricSenderOptions options, GatewayDirectory directory) try {
  auto parts = std::make_unique<Parts>();
  if (!options.cluster_secret.empty()) {
    auto keys = cluster_keys_of(options.cluster_secret);
    if (!keys) return keys.error();
    parts->keys = std::move(*keys);
  }
  parts->options = std::move(options);
  parts->directory = std::move(directory);
  parts->thread = std::thread([made = parts.get()] { made->run(); });
  parts->look_up_thread = std::thread([made = parts.get()] { made->run_look_ups(); });
  return std::unique_ptr<FabricSender>(new FabricSender(std::move(parts)));
} catch (const zmq::error_t& error) {
  return fail(Fault::unavailable, std::string("ZeroMQ gives no context: ") + error.what());
}

void FabricSender::send(const engine::AgentFrame& frame) {
  auto bytes = encode(frame);
  bool first = false;
  {
    const std::lock_guard lock(parts_->mutex);
    auto link = parts_->link_of(frame.gateway);
    if (!link) {
      ++parts_->dropped;
      return;
    }
    // Numbered even when it is dropped: the gateway notices.
    const auto number = link->next++;
    if (parts_->queue.size() >= limits::fabric_queue_max ||
        parts_->queue_bytes + bytes.size() > limits::fabric_queue_bytes_max ||
        bytes.size() > limits::fabric_frame_bytes_max) {
      ++parts_->dropped;
      return;
    }
    first = parts_->queue.empty();
    parts_->queue_bytes += bytes.size();
    parts_->queue.push_back({frame.gateway, std::move(link), number, std::move(bytes)});
  }
  if (first) parts_->wake_up.wake();
}

void FabricSender::service(bool degraded) {
  parts_->degraded = degraded;
  parts_->beat_now = true;
  parts_->wake_up.wake();
}

FabricSenderFigures FabricSender::figures() const { return {parts_->sent, parts_->dropped, parts_->gateways}; }

}  // namespace usher::delivery
