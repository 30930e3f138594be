// See node_roles.hpp.
#include "daemon/node_roles.hpp"

#include <sstream>

namespace usher::daemon {

std::string Roles::text() const {
  std::string out;
  const auto add = [&out](bool has, const char* name) {
    if (has) out += (out.empty() ? "" : ",") + std::string(name);
  };
  add(edge, "edge");
  add(router, "router");
  add(desk, "desk");
  return out;
}

Result<Roles> parse_roles(const std::string& text) {
  Roles roles{false, false, false};
  std::istringstream in(text);
  for (std::string role; std::getline(in, role, ',');) {
    if (role == "edge") roles.edge = true;
    else if (role == "router") roles.router = true;
    else if (role == "desk") roles.desk = true;
    else return fail(Fault::malformed, "there is no role '" + role + "'; there are edge, router and desk");
  }
  if (roles == Roles{false, false, false}) return fail(Fault::malformed, "names no role; there are edge, router and desk");
  return roles;
}

}  // namespace usher::daemon
