// Which sites may post forms from a script and read the answer (CORS, Fetch standard). Origins are compared whole:
// prefixes and suffixes are how such lists leak. Pure.
#include <algorithm>

#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"

namespace usher::daemon {

namespace {

bool listed(const connectors::Instance& instance, const std::string& origin) {
  const auto& origins = instance.options.list("origins");
  return std::ranges::find(origins, origin) != origins.end();
}

}  // namespace

std::string origin_of(std::string_view url) {
  const auto host = url.find("://");
  if (host == std::string_view::npos) return {};
  return std::string(url.substr(0, url.find('/', host + 3)));
}

bool foreign_origin(const HttpServices& services, const connectors::Instance& instance, const Request& request) {
  const auto& origin = request.header("origin");
  if (origin.empty() || instance.options.list("origins").empty()) return false;
  return !listed(instance, origin) && origin != origin_of(services.public_url);
}

void allow_origin(const connectors::Instance& instance, const std::string& origin, Response& response) {
  if (instance.options.list("origins").empty()) return;
  response.with("Vary", "Origin");
  if (listed(instance, origin)) response.with("Access-Control-Allow-Origin", origin);
}

Response preflight(const connectors::Instance& instance, const Request& request, const char* methods) {
  const auto& origin = request.header("origin");
  if (!listed(instance, origin)) {
    auto refused = problem(403, "This origin may not use the form.");
    refused.with("Vary", "Origin");
    return refused;
  }
  Response response;
  response.status = 204;
  allow_origin(instance, origin, response);
  response.with("Access-Control-Allow-Methods", methods)
      .with("Access-Control-Allow-Headers", "Content-Type, Idempotency-Key, Accept")
      .with("Access-Control-Max-Age", "600");
  return response;
}

}  // namespace usher::daemon
