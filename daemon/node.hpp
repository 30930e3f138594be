// Node: one Usher on one machine, assembled from its settings: database, ingress, router, egress, desk, listeners. It owns
// all of them and the order in which they start and stop. Main thread, but for reload(), which any thread may call.
//
// Journey: everything between a customer's socket and an agent's is a part of one node.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"
#include "routing/router/router.hpp"

namespace usher::daemon {

using namespace usher::message;

struct NodeOptions {
  std::filesystem::path config_file;  // For reloads.
  std::filesystem::path data_folder;
};

class Node {
 public:
  // Returns once the doors are open. `conflict`: another process uses the data folder. `unavailable`: a port is taken, the
  // disk does not answer, or the router cannot go on. `unauthorised`: a secret file is readable by others. `malformed`:
  // a file of the data folder is damaged. What had been started by then is stopped again.
  [[nodiscard]] static Result<std::unique_ptr<Node>> start(config::Settings settings, NodeOptions options);
  // Stops at once what stop() did not stop in order.
  ~Node();

  // Reads the configuration file again, whole: bad, and nothing changes (`malformed`, one problem a line); good, and
  // policy, labels, connectors and tokens are the new ones when this returns. Listeners, data folder and log format need
  // a restart, which is said in the log.
  [[nodiscard]] Result<void> reload();

  // Two phases: not ready and no new connections; then agents are told (1012), requests under way are answered, the router
  // drains. Everything acknowledged is durable throughout. Returns false when something had to be cut off at `within`.
  bool stop(Milliseconds within = limits::drain_max);

  [[nodiscard]] router::RouterStatus router_status() const;
  // True when the router's thread has answered since the last call: what a watchdog wants to know.
  [[nodiscard]] bool router_answered();
  // Where the doors are: http://HOST:PORT.
  [[nodiscard]] const std::string& public_address() const;
  [[nodiscard]] const std::string& ops_address() const;

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace usher::daemon
