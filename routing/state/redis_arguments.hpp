// Parts of the scripts' arguments that commits and rewrites share.
#pragma once

#include "routing/state/redis_connection.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

// Epoch, offset, fingerprint, count, digest.
void add_meta(RedisCommand& arguments, const Meta& meta);
// Each adds how many there are, then [first, last).
void add_bodies(RedisCommand& arguments, const std::vector<Body>& bodies, std::size_t first, std::size_t last);
// In blocks; their number is also returned.
std::size_t add_effects(RedisCommand& arguments, const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last);

}  // namespace usher::state
