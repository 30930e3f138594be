// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein 2012; reference vectors in tests/message). For digests of our
// own state and derived ids, where both sides are ours; what a stranger can choose is hashed with SHA-256 at the edge.
#pragma once

#include <cstdint>
#include <string_view>

namespace usher::message {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

[[nodiscard]] Hash128 siphash128(std::string_view bytes, std::uint64_t key0, std::uint64_t key1);

}  // namespace usher::message
