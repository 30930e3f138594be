// CURVE keys as ZeroMQ spells them (Z85, 40 characters), and who may bind where (rule A4). Values only; any thread.
#pragma once

#include <string>
#include <string_view>

#include "routing/message/result.hpp"

namespace usher::delivery {

struct CurveKeys {
  std::string public_key;
  std::string secret_key;
};

inline constexpr std::size_t cluster_secret_bytes = 32;
inline constexpr std::size_t curve_key_characters = 40;

[[nodiscard]] bool is_curve_key(std::string_view z85);
[[nodiscard]] CurveKeys new_curve_keys();
// Both halves from the secret one. `malformed` when it is none.
[[nodiscard]] message::Result<CurveKeys> curve_keys_of(std::string_view secret_key);

// What one shared secret gives to both ends of the fabric: who has it knows the server and may be a client.
struct ClusterKeys {
  CurveKeys server;
  CurveKeys client;
};
// `malformed` unless `secret` has cluster_secret_bytes bytes.
[[nodiscard]] message::Result<ClusterKeys> cluster_keys_of(std::string_view secret);

// Rule A4: plain ZeroMQ is for this machine only. `unauthorised` with a sentence for operators when `endpoint` reaches
// further and there is no CURVE; `malformed` when it is no tcp://HOST:PORT or ipc://PATH.
[[nodiscard]] message::Result<void> may_bind(std::string_view endpoint, bool curve);

}  // namespace usher::delivery
