// The operations listener's routes: health, readiness, metrics (open), and the operator's views and actions under /v1/
// (bearer: the installation's admin token). Never on the public listener.
#pragma once

#include "daemon/http_routes.hpp"
#include "daemon/http_services.hpp"

namespace usher::daemon {

// `services` outlives the table.
[[nodiscard]] RouteTable ops_routes(HttpServices& services);

}  // namespace usher::daemon
