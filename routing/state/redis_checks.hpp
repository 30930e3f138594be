// What is asked of a server before it is trusted with a state (rule S3).
#pragma once

#include "routing/state/redis_writes.hpp"

namespace usher::state {

struct RedisStanding {
  std::vector<std::string> weaknesses;  // A sentence each.
};

// malformed: it may evict keys, or the user may not do what is needed; in words. `may_write`: tries every kind of write
// on keys of a partition that cannot be, and erases them again.
[[nodiscard]] Result<RedisStanding> check_server(const RedisTarget& target, bool may_write);

}  // namespace usher::state
