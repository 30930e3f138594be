// ZmqAgentsFigures: what the door for agents' programs holds at this moment; for metrics and tests. A value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace usher::daemon {

struct ZmqAgentsFigures {
  std::size_t sessions = 0;
  std::size_t strangers = 0;     // Connections without a session.
  std::uint64_t cut = 0;         // Strangers cut off since start, to make room for newer ones.
  std::size_t send_bytes = 0;    // Waiting for agents to read.
  std::size_t heard_bytes = 0;   // Read and not dealt with yet.
};

}  // namespace usher::daemon
