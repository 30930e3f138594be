// Activating a policy: one record that names its parent (rule P1), and the wait until the engine has read it. Embedded:
// at boot whenever it differs from the engine's, and at each reload. Not on the router's thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "routing/journal/journal.hpp"
#include "routing/router/router_thread.hpp"

namespace usher::daemon {

using namespace usher::message;

inline constexpr auto policy_within = Milliseconds(30'000);

struct PolicyPorts {
  journal::Journal& journal;
  router::RouterThread& router;
  Partition partition = 0;
  // Asked while waiting: true ends the wait with `unavailable`, soon.
  std::function<bool()> give_up = [] { return false; };
};

// The hash of the engine's policy, "" before the first. `unavailable` when the router has no engine to show within `wait`.
[[nodiscard]] Result<std::string> current_policy(const PolicyPorts& ports, Milliseconds wait);

// Makes `policy` the engine's, unless it already is. True: a record was appended and applied.
[[nodiscard]] Result<bool> activate_policy(const PolicyPorts& ports, const Policy& policy, Milliseconds wait);

// Waits until the router routes, or has stood by for `standby_enough` since another owns the partition. `unavailable` with
// its reason when it failed, stopped, or did not get there in time.
[[nodiscard]] Result<void> wait_until_routing(const router::RouterThread& router, Milliseconds wait,
                                              Milliseconds standby_enough);

// Among several nodes a policy becomes active by a reload, and at boot only when the log has none (rule P1). This waits
// for the router to own the partition, looks once, and is done. A thread of its own.
class FirstPolicy {
 public:
  // Ports outlive it.
  FirstPolicy(PolicyPorts ports, Policy policy);
  ~FirstPolicy();

 private:
  void run();
  [[nodiscard]] bool look();

  PolicyPorts ports_;
  const Policy policy_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace usher::daemon
