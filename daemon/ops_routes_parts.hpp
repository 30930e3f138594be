// What the files of the operations routes share. Internal to daemon/ops_routes*.cpp.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "daemon/http_routes.hpp"
#include "daemon/http_services.hpp"
#include "daemon/problem_json.hpp"
#include "routing/router/router_thread.hpp"

namespace usher::daemon {

void add_view_routes(RouteTable& table, HttpServices& services);
void add_dead_letter_routes(RouteTable& table, HttpServices& services);
void add_action_routes(RouteTable& table, HttpServices& services);

// Only with the admin token.
[[nodiscard]] Handler guarded(HttpServices& services, Handler handler);

// Answers from a worker thread.
void on_worker(HttpServices& services, const Responder& respond, std::function<Response()> work);

// This process does not route: another one knows.
[[nodiscard]] Response no_router();

// `take` copies what is wanted from the engine, on the router's thread; `show` makes the answer of it, on a worker's.
template <class Take, class Show>
void look(HttpServices& services, const Responder& respond, Take take, Show show) {
  if (services.router == nullptr) return respond(no_router());
  services.router->inspect(
      [&services, respond, take = std::move(take), show = std::move(show)](const engine::Engine* engine) {
        if (engine == nullptr)
          return respond(problem(503, "The router has nothing to show: " + services.router->status().reason));
        auto taken = std::make_shared<decltype(take(*engine))>(take(*engine));
        on_worker(services, respond, [taken, show] { return show(*taken); });
      });
}

// A whole number of the query between 0 and `most`; none when it is something else.
[[nodiscard]] std::optional<std::int64_t> query_number(const Request& request, std::string_view name,
                                                       std::int64_t fallback, std::int64_t most);

}  // namespace usher::daemon
