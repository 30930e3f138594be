// RedisDialer: finds the primary (an address, or whom the sentinels name), connects, says who we are, and makes sure that
// it is a primary. After failures it waits longer and longer before the next attempt, and says so at once meanwhile, so
// that nobody queues up behind a dead server. Any thread.
#pragma once

#include <mutex>

#include "routing/state/redis_connection.hpp"
#include "routing/state/redis_store.hpp"

namespace usher::state {

class RedisDialer {
 public:
  explicit RedisDialer(RedisOptions options);
  // unavailable: nobody answers, it is no primary, or it is not time yet. unauthorised: user or password are wrong.
  [[nodiscard]] Result<RedisConnection> dial(RedisDeadline deadline);
  [[nodiscard]] const RedisOptions& options() const { return options_; }

 private:
  [[nodiscard]] Result<RedisConnection> try_once(RedisDeadline deadline);
  [[nodiscard]] Result<RedisEndpoint> find(RedisDeadline deadline);
  [[nodiscard]] Result<RedisEndpoint> ask_sentinel(const std::string& sentinel, RedisDeadline deadline) const;
  [[nodiscard]] Result<void> greet(RedisConnection& connection, RedisDeadline deadline) const;

  // Constant after construction.
  const RedisOptions options_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::chrono::steady_clock::time_point not_before_{};
  Milliseconds pause_{0};
  Error last_refusal_;
  std::size_t good_sentinel_ = 0;
};

}  // namespace usher::state
