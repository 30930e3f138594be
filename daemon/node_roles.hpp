// Roles: what one process does of the journey. Embedded: all of it. With Kafka and Redis: any part.
#pragma once

#include <string>

#include "routing/message/result.hpp"

namespace usher::daemon {

using namespace usher::message;

struct Roles {
  bool edge = true;    // Customers: forms, channels, and the way back to them.
  bool router = true;  // Decisions.
  bool desk = true;    // Agents' sessions.
  friend bool operator==(const Roles&, const Roles&) = default;

  [[nodiscard]] bool all() const { return edge && router && desk; }
  [[nodiscard]] std::string text() const;
};

// "edge,router,desk", in any order. `malformed`: another word, or none.
[[nodiscard]] Result<Roles> parse_roles(const std::string& text);

// What the parts of a node share.
struct NodeIdentity {
  std::string name;  // As people call it.
  std::string life;  // The name and something new for each process: the holder of its leases.
  int engine_version = 0;
};

}  // namespace usher::daemon
