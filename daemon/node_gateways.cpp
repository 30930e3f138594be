// See node_gateways.hpp.
#include "daemon/node_gateways.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace usher::daemon {

using Steady = std::chrono::steady_clock;

struct LiveGateways::Watch {
  Watch(state::Leases& store, Partition number, Milliseconds every, Milliseconds settle_time)
      : leases(store), partition(number), look_every(every), settle(settle_time) {}

  void run() {
    std::unique_lock lock(mutex);
    while (!stop) {
      lock.unlock();
      const auto began = Steady::now();
      auto listed = gateway_addresses(leases, partition);
      lock.lock();
      // A break is what a stopped process or a slow store leaves too: meanwhile leases may have run out together.
      if (!listed || began - looked > gateway_list_age_max) sound_since = {};
      if (listed) {
        if (sound_since == Steady::time_point{}) sound_since = began;
        looked = began;
        alive.clear();
        for (auto& [gateway, address] : *listed) alive.insert(std::move(gateway));
      }
      changed.wait_for(lock, look_every, [this] { return stop || look_at_once; });
      look_at_once = false;
    }
  }

  state::Leases& leases;
  const Partition partition;
  const Milliseconds look_every, settle;
  mutable std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  bool stop = false;
  bool look_at_once = false;
  Steady::time_point looked{}, sound_since{};
  std::set<GatewayId> alive;
  std::thread thread;
};

LiveGateways::LiveGateways(state::Leases& leases, Partition partition, Milliseconds look_every, Milliseconds settle)
    : watch_(std::make_unique<Watch>(leases, partition, look_every, settle)) {
  watch_->thread = std::thread([watch = watch_.get()] { watch->run(); });
}

LiveGateways::~LiveGateways() {
  {
    const std::lock_guard lock(watch_->mutex);
    watch_->stop = true;
    watch_->changed.notify_all();
  }
  watch_->thread.join();
}

std::optional<std::set<GatewayId>> LiveGateways::now() const {
  const std::lock_guard lock(watch_->mutex);
  const auto now = Steady::now();
  if (watch_->sound_since == Steady::time_point{} || now - watch_->sound_since < watch_->settle) return std::nullopt;
  if (now - watch_->looked > gateway_list_age_max) return std::nullopt;
  return watch_->alive;
}

bool LiveGateways::lists(const GatewayId& gateway) const {
  const std::lock_guard lock(watch_->mutex);
  return Steady::now() - watch_->looked <= gateway_list_age_max && watch_->alive.contains(gateway);
}

void LiveGateways::look_soon() {
  const std::lock_guard lock(watch_->mutex);
  watch_->look_at_once = true;
  watch_->changed.notify_all();
}

Result<std::vector<std::pair<GatewayId, std::string>>> gateway_addresses(state::Leases& leases, Partition partition) {
  const auto prefix = gateway_prefix(partition);
  const auto held = leases.held(prefix);
  if (!held) return held.error();
  std::vector<std::pair<GatewayId, std::string>> out;
  for (const auto& lease : *held)
    out.emplace_back(GatewayId(lease.name.substr(prefix.size())), lease.value);
  return out;
}

}  // namespace usher::daemon
