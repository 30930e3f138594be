// HeldLease: one lease that this process wants, for as long as the object lives: taken when it is free, renewed in time,
// given back at once. A thread of its own, so that nothing else delays a renewal.
#pragma once

#include <functional>
#include <memory>

#include "routing/state/leases.hpp"

namespace usher::daemon {

using namespace usher::message;

struct LeaseEvents {
  // On the lease's thread; a renewal waits for them. `gained` and `lost` take turns.
  std::function<void()> gained = [] {};
  std::function<void()> lost = [] {};
};

class HeldLease {
 public:
  // The store outlives it.
  HeldLease(state::Leases& leases, state::Lease wanted, Milliseconds time, LeaseEvents events = {});
  // give_back().
  ~HeldLease();

  // Any thread, without waiting; by the monotonic clock, so that a process that was stopped knows it at once.
  [[nodiscard]] bool held() const;
  // Waits until it is held, or not in time.
  [[nodiscard]] bool wait_held(Milliseconds within) const;
  // For how long without a break; zero when it is not held.
  [[nodiscard]] Milliseconds held_for() const;
  // Says `lost` when it is held, frees it for others and wants it no more.
  void give_back();

 private:
  struct Keeper;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace usher::daemon
