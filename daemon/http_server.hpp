// HttpServer: HTTP/1.1 on one listening socket. It reads strictly (daemon/http_head.hpp), keeps every limit before it
// reads a body, and hands whole requests to the routes. Lives on an HttpLoop's thread; the calls below are for others.
//
// Journey: customer, agent or operator -> [HttpServer] -> routes -> ingress, desk gateway or views.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "daemon/http_loop.hpp"
#include "daemon/http_routes.hpp"
#include "daemon/metrics.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

struct HttpServerOptions {
  std::string name;                          // "public" or "ops": a metric's label.
  std::vector<std::string> trusted_proxies;  // Addresses whose X-Forwarded-For is believed.
  std::size_t connections_max = message::limits::http_connections_max;
  std::size_t bodies_bytes_max = message::limits::http_bodies_bytes_max;
  std::chrono::milliseconds header_within = message::limits::http_header_within;
  std::chrono::milliseconds idle_max = message::limits::http_idle_max;
};

class HttpServer {
 public:
  // `loop` and `metrics` outlive the server.
  HttpServer(HttpLoop& loop, RouteTable routes, Metrics& metrics, HttpServerOptions options);
  // Closes everything at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds and listens; the port it got. `unavailable` with a sentence for the operator when the address is taken.
  [[nodiscard]] message::Result<std::uint16_t> start(const config::Listen& listen);
  // First phase of a stop: no new connection; idle ones are closed; a request under way is answered, then closed.
  void stop_accepting();
  // Second phase: returns when no connection is left, or closes the rest after `within`. True: none had to be closed.
  bool drain(std::chrono::milliseconds within);

 private:
  struct Doors;
  std::shared_ptr<Doors> doors_;
};

}  // namespace usher::daemon
