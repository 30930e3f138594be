// RouteTable: which handler serves which path and method, and how large a body it takes. Filled once before the server
// starts, then read by the network thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_message.hpp"

namespace usher::daemon {

struct Upgrade;  // daemon/http_upgrade.hpp: a socket handed over to another protocol.

// Runs on the network thread: it must not block; hand long work to HttpWorkers.
using Handler = std::function<void(Request, Responder)>;
// Looks at a handshake before the socket changes hands: a response refuses it.
using UpgradeCheck = std::function<std::optional<Response>(const Request&)>;
using UpgradeHandler = std::function<void(Upgrade)>;

struct Endpoint {
  std::size_t body_bytes_max = 0;
  Handler handle;
  std::chrono::milliseconds answer_within{30'000};  // Then the client gets 503.
};

struct Route {
  std::string pattern;                // "/v1/forms/{connector}"; also the metric's label.
  std::vector<std::string> segments;  // "{connector}" matches any one non-empty segment.
  std::map<std::string, Endpoint> methods;
  UpgradeCheck check;
  UpgradeHandler upgrade;  // Set: this path speaks WebSocket only.

  [[nodiscard]] const Endpoint* endpoint(const std::string& method) const;  // HEAD is served by GET.
  [[nodiscard]] std::string allow() const;                                  // The value of `Allow`.
};

class RouteTable {
 public:
  void add(std::string method, const std::string& pattern, std::size_t body_bytes_max, Handler handle,
           std::chrono::milliseconds answer_within = std::chrono::seconds(30));
  void add_upgrade(const std::string& pattern, UpgradeCheck check, UpgradeHandler handle);

  struct Match {
    const Route* route = nullptr;  // Null: no such path.
    std::vector<std::string> arguments;
  };
  // The most literal pattern wins.
  [[nodiscard]] Match find(std::string_view path) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  Route& route(const std::string& pattern);
  std::vector<Route> routes_;
};

}  // namespace usher::daemon
