// The thread of one lease; see node_lease.hpp.
#include "daemon/node_lease.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "daemon/logging.hpp"

namespace usher::daemon {
namespace {

using Steady = std::chrono::steady_clock;
constexpr int renewals_in_a_lease = 3;
constexpr int tries_in_a_lease = 8;  // Of one that another has: how soon it is taken over once it is free.

}  // namespace

struct HeldLease::Keeper {
  Keeper(state::Leases& store, state::Lease lease, Milliseconds lease_time, LeaseEvents given)
      : leases(store), wanted(std::move(lease)), time(lease_time), events(std::move(given)) {}

  void run() {
    while (!stopping()) {
      turn();
      std::unique_lock lock(mutex);
      const auto wait = mine ? time / renewals_in_a_lease : time / tries_in_a_lease;
      changed.wait_for(lock, wait, [this] { return stop; });
    }
    if (mine) lose();
    const auto released = leases.release(wanted.name, wanted.holder);
    if (!released) log_warn("lease", wanted.name + " could not be given back: " + released.error().detail);
  }

  void turn() {
    // Counted from before the question: the store's time began no earlier.
    const auto began = Steady::now();
    const auto answer = leases.hold(wanted, time);
    if (answer && *answer) {
      gain(began);
    } else if (mine && (answer || Steady::now() >= until)) {
      log_warn("lease", wanted.name + (answer ? " was taken by another" : " ran out: " + answer.error().detail));
      lose();
    }
  }

  void gain(Steady::time_point began) {
    const bool fresh = !mine;
    // A renewal that came after its time: others may have had it meanwhile, so that both events are due.
    const bool late = mine && began >= until;
    if (late) lose();
    {
      const std::lock_guard lock(mutex);
      until = began + time;
      if (fresh || late) since = began;
      mine = true;
      changed.notify_all();
    }
    if (fresh || late) events.gained();
  }

  void lose() {
    {
      const std::lock_guard lock(mutex);
      mine = false;
      until = {};
    }
    events.lost();
  }

  [[nodiscard]] bool stopping() {
    const std::lock_guard lock(mutex);
    return stop;
  }

  // Constant after construction.
  state::Leases& leases;
  const state::Lease wanted;
  const Milliseconds time;
  const LeaseEvents events;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  // Guarded by mutex; written by the thread alone, but for stop.
  bool mine = false;
  bool stop = false;
  Steady::time_point until{}, since{};
  std::thread thread;
};

HeldLease::HeldLease(state::Leases& leases, state::Lease wanted, Milliseconds time, LeaseEvents events)
    : keeper_(std::make_unique<Keeper>(leases, std::move(wanted), time, std::move(events))) {
  keeper_->thread = std::thread([keeper = keeper_.get()] { keeper->run(); });
}

HeldLease::~HeldLease() { give_back(); }

bool HeldLease::held() const {
  const std::lock_guard lock(keeper_->mutex);
  return keeper_->mine && Steady::now() < keeper_->until;
}

bool HeldLease::wait_held(Milliseconds within) const {
  std::unique_lock lock(keeper_->mutex);
  return keeper_->changed.wait_for(lock, within, [this] { return keeper_->mine; });
}

Milliseconds HeldLease::held_for() const {
  const std::lock_guard lock(keeper_->mutex);
  const auto now = Steady::now();
  if (!keeper_->mine || now >= keeper_->until) return Milliseconds(0);
  return std::chrono::duration_cast<Milliseconds>(now - keeper_->since);
}

void HeldLease::give_back() {
  {
    const std::lock_guard lock(keeper_->mutex);
    keeper_->stop = true;
    keeper_->changed.notify_all();
  }
  if (keeper_->thread.joinable()) keeper_->thread.join();
}

}  // namespace usher::daemon
