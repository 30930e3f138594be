// MemoryLeases: a map, looked through at every call, for there are few.
#include "routing/state/memory_leases.hpp"

namespace usher::state {

Result<bool> MemoryLeases::hold(const Lease& lease, Milliseconds time) {
  const std::lock_guard lock(mutex_);
  forget_those_over();
  const auto found = held_.find(lease.name);
  if (found != held_.end() && found->second.lease.holder != lease.holder) return false;
  held_[lease.name] = Held{lease, clock_.steady() + time};
  return true;
}

Result<void> MemoryLeases::release(const std::string& name, const std::string& holder) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(name);
  if (found != held_.end() && found->second.lease.holder == holder) held_.erase(found);
  return {};
}

Result<std::vector<Lease>> MemoryLeases::held(const std::string& prefix) {
  const std::lock_guard lock(mutex_);
  forget_those_over();
  std::vector<Lease> found;
  for (auto at = held_.lower_bound(prefix); at != held_.end() && at->first.starts_with(prefix); ++at)
    found.push_back(at->second.lease);
  return found;
}

void MemoryLeases::forget_those_over() {
  const auto now = clock_.steady();
  std::erase_if(held_, [now](const auto& each) { return each.second.until <= now; });
}

}  // namespace usher::state
