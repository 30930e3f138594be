// What the writer thread does with a Redis server: each function is one operation of the state port, over one line. All
// answer within limits::state_answer_within, but for a rewrite and a commit so large that it is staged.
#pragma once

#include <atomic>

#include "routing/state/redis_layout.hpp"
#include "routing/state/redis_limits.hpp"
#include "routing/state/redis_line.hpp"

namespace usher::state {

struct RedisTarget {
  RedisLine& line;
  std::string prefix;
  Milliseconds answer_within;
  const std::atomic<bool>& stopping;  // Looked at between pieces.
  std::size_t transaction_bytes_min = redis_limits::transaction_bytes_min;

  [[nodiscard]] RedisKeys keys(Partition partition) const { return {prefix, partition}; }
  [[nodiscard]] RedisDeadline deadline() const { return RedisDeadline::in(answer_within); }
};

[[nodiscard]] Result<void> write_first_meta(const RedisTarget& target, Partition partition);
// How a commit goes: a small one by one script, a larger one as a transaction with a script at both ends, one over the caps of
// rule S4 by one script from a list that was staged before; or in one of these, to try it.
enum class CommitForm { by_size, transaction, staged };
[[nodiscard]] Result<CommitReceipt> write_commit(const RedisTarget& target, const Commit& commit,
                                                 CommitForm form = CommitForm::by_size);
[[nodiscard]] Result<CommitReceipt> write_rewrite(const RedisTarget& target, const Rewrite& rewrite);
[[nodiscard]] Result<int> write_attempt(const RedisTarget& target, Partition partition, Offset at);

// What a script answered, as the port says it.
[[nodiscard]] Result<CommitReceipt> script_outcome(RedisView answer);

}  // namespace usher::state
