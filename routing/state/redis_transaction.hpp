// A commit as a transaction of Redis' own (decision 0030): its checks by a script under WATCH, its writes between MULTI and EXEC, the
// offset last. Lua reads every byte of every argument and pays for every call; a commit of many messages costs the server less
// than half of what one script does, and one exchange more.
#pragma once

#include "routing/state/redis_writes.hpp"

namespace usher::state {

// None: nothing was written, and the one script decides: something is not as it mostly is (texts that are there already, a key that
// somebody changed meanwhile, a user who may not do what it needs). `malformed`: a write failed behind the checks.
[[nodiscard]] Result<std::optional<CommitReceipt>> write_transaction(const RedisTarget& target, const RedisKeys& keys, const Commit& commit,
                                                                     RedisDeadline deadline);

}  // namespace usher::state
