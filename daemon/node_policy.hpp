// Activating a policy: one record that names its parent (rule P1), and the wait until the engine has read it. Embedded:
// at boot whenever it differs from the engine's, and at each reload. Not on the router's thread.
#pragma once

#include <string>

#include "routing/journal/journal.hpp"
#include "routing/router/router_thread.hpp"

namespace usher::daemon {

using namespace usher::message;

struct PolicyPorts {
  journal::Journal& journal;
  router::RouterThread& router;
  Partition partition = 0;
};

// The hash of the engine's policy, "" before the first. `unavailable` when the router has no engine to show within `wait`.
[[nodiscard]] Result<std::string> current_policy(const PolicyPorts& ports, Milliseconds wait);

// Makes `policy` the engine's, unless it already is. True: a record was appended and applied.
[[nodiscard]] Result<bool> activate_policy(const PolicyPorts& ports, const Policy& policy, Milliseconds wait);

// Waits until the router routes. `unavailable` with its reason when it failed, stopped, or did not get there in time.
[[nodiscard]] Result<void> wait_until_routing(const router::RouterThread& router, Milliseconds wait);

}  // namespace usher::daemon
