// The public listener's routes: forms and their private links, the generic HTTP channel, agents' downloads and the
// agents' WebSocket. Accepted input is answered 202 only from the journal's own acknowledgement (rule J1).
#pragma once

#include <memory>

#include "daemon/http_routes.hpp"
#include "daemon/http_services.hpp"

namespace usher::daemon {

// `services` outlives the table.
[[nodiscard]] RouteTable public_routes(HttpServices& services);

}  // namespace usher::daemon
