// The Lua scripts: what Redis carries out as one operation. A script does not roll back (rule S7), so each makes every
// check before its first write, and writes the offset last.
#pragma once

#include <string_view>

namespace usher::state {

enum class RedisScript {
  initialise,     // KEYS meta; ARGV generation.
  commit,         // KEYS meta [staged]; ARGV the arguments of redis_writes.cpp, or their number when they are staged.
  look,           // KEYS meta; ARGV as `commit` up to outbox_done, names of tables and of lists of texts: its checks, and no write.
  settle,         // KEYS meta; ARGV generation, new meta, outbox_done, names of tables, conversations that are gone: what `commit` writes last.
  stage,          // KEYS meta; ARGV a piece of a rewrite, into a generation nobody reads yet.
  flip,           // KEYS meta; ARGV position, new meta, generation and its tables: makes it the one that is read.
  sweep,          // KEYS meta; ARGV a generation to spare: erases those that are neither it nor read.
  count_attempt,  // KEYS attempts; ARGV offset.
  hold,           // KEYS lease, index; ARGV holder, value, milliseconds, name.
  release,        // KEYS lease, index; ARGV holder, name.
  tidy_leases,    // KEYS index; ARGV prefix of keys, milliseconds, names: those that have run out leave the index, and those without an expiry get one.
};
inline constexpr std::size_t redis_script_count = 11;

[[nodiscard]] std::string_view redis_script_text(RedisScript script);

}  // namespace usher::state
