// Node: one process of Usher, assembled from its settings and its roles: backend, ingress, router, egress, desk, listeners.
// It owns all of them and the order in which they start and stop. Main thread, but for reload(), which any thread may call.
//
// Journey: everything between a customer's socket and an agent's is a part of one node, or of several with Kafka and Redis.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "daemon/node_roles.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"
#include "routing/router/router.hpp"

namespace usher::daemon {

using namespace usher::message;

struct NodeOptions {
  std::filesystem::path config_file;  // For reloads.
  std::filesystem::path data_folder;
  Roles roles{};
  int engine_version = engine::engine_version;
  // Becomes true before the first customer or agent can come in, though start() has not returned yet: from then on a stop
  // owes them an orderly end. Outlives the start; none: nobody asks.
  std::atomic<bool>* doors_opening = nullptr;
};

class Node {
 public:
  // Returns once the doors are open. `conflict`: another process uses the data folder. `unavailable`: a port is taken, the
  // disk does not answer, or the router cannot go on. `unauthorised`: a secret file is readable by others. `malformed`:
  // a file of the data folder is damaged. What had been started by then is stopped again. With servers it waits for them,
  // and for the first policy, limits::servers_within at most each. Requires: all roles, unless the settings name servers.
  [[nodiscard]] static Result<std::unique_ptr<Node>> start(config::Settings settings, NodeOptions options);
  // Stops at once what stop() did not stop in order.
  ~Node();

  // Reads the configuration file again, whole: bad, and nothing changes (`malformed`, one problem a line); good, and
  // policy, labels, connectors and tokens are the new ones when this returns. Listeners, data folder and log format need
  // a restart, which is said in the log. A stop() meanwhile ends it at once: `unavailable`.
  [[nodiscard]] Result<void> reload();

  // Two phases: not ready and no new connections; then agents are told (1012), requests under way are answered, the router
  // drains. Everything acknowledged is durable throughout. Returns false when something had to be cut off at `within`.
  bool stop(Milliseconds within = limits::drain_max);

  // None: this process has no router.
  [[nodiscard]] std::optional<router::RouterStatus> router_status() const;
  // True when the router's thread has answered since the last call, or there is none: what a watchdog wants to know.
  [[nodiscard]] bool router_answered();
  // Where the doors are: http://HOST:PORT. A router alone has no public one: "".
  [[nodiscard]] const std::string& public_address() const;
  [[nodiscard]] const std::string& ops_address() const;

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace usher::daemon
