// The route table; see http_routes.hpp. Few routes: a scan over their segments is faster than any tree.
#include "daemon/http_routes.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace usher::daemon {

namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  std::size_t at = 1;
  while (at <= path.size()) {
    const auto end = std::min(path.find('/', at), path.size());
    out.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool is_name(const std::string& segment) { return segment.starts_with('{'); }

// Fewer names: more literal.
std::ptrdiff_t names_in(const Route& route) { return std::ranges::count_if(route.segments, is_name); }

bool matches(const Route& route, std::span<const std::string> segments) {
  if (route.segments.size() != segments.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (is_name(route.segments[i]) ? segments[i].empty() : route.segments[i] != segments[i]) return false;
  }
  return true;
}

}  // namespace

const Endpoint* Route::endpoint(const std::string& method) const {
  const auto found = methods.find(method == "HEAD" ? "GET" : method);
  return found == methods.end() ? nullptr : &found->second;
}

std::string Route::allow() const {
  std::string out;
  for (const auto& [method, endpoint] : methods) {
    if (!out.empty()) out += ", ";
    out += method;
    if (method == "GET") out += ", HEAD";
  }
  return out.empty() ? "GET" : out;
}

Route& RouteTable::route(const std::string& pattern) {
  for (auto& known : routes_)
    if (known.pattern == pattern) return known;
  Route fresh;
  fresh.pattern = pattern;
  fresh.segments = split(pattern);
  const auto place = std::ranges::upper_bound(routes_, names_in(fresh), {}, names_in);
  return *routes_.insert(place, std::move(fresh));
}

void RouteTable::add(std::string method, const std::string& pattern, std::size_t body_bytes_max, Handler handler,
                     std::chrono::milliseconds answer_within) {
  route(pattern).methods[std::move(method)] = {body_bytes_max, std::move(handler), answer_within};
}

void RouteTable::add_upgrade(const std::string& pattern, UpgradeCheck check, UpgradeHandler handler) {
  auto& added = route(pattern);
  added.check = std::move(check);
  added.upgrade = std::move(handler);
}

RouteTable::Match RouteTable::find(std::string_view path) const {
  const auto segments = split(path);
  for (const auto& route : routes_) {
    if (!matches(route, segments)) continue;
    Match match{&route, {}};
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (!is_name(route.segments[i])) continue;
      auto argument = percent_decode(segments[i], false);
      if (!argument) return {};
      match.arguments.push_back(std::move(*argument));
    }
    return match;
  }
  return {};
}

}  // namespace usher::daemon
