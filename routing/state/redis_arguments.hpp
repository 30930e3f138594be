// Parts of the scripts' arguments that commits and rewrites share.
#pragma once

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "routing/state/redis_connection.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

// The changes to one table, what came first undone by what came later.
struct TableChange {
  bool drop = false;
  std::vector<const Change*> last;                           // By entity, in the order of its first change.
  std::unordered_map<std::string_view, std::size_t> places;  // Of each key in `last`; only looked up.
};

struct TableChanges {
  std::vector<std::pair<std::string_view, TableChange>> tables;
  std::unordered_map<std::string_view, std::size_t> places;
};
// `changes` outlive it.
[[nodiscard]] TableChanges by_table(const std::vector<Change>& changes);
// Of entities, texts and effects, about.
[[nodiscard]] std::size_t bytes_of(const Commit& commit);

// Epoch, offset, fingerprint, count, digest.
void add_meta(RedisCommand& arguments, const Meta& meta);
// Each adds how many there are, then [first, last).
void add_bodies(RedisCommand& arguments, const std::vector<Body>& bodies, std::size_t first, std::size_t last);
// In blocks; their number is also returned.
std::size_t add_effects(RedisCommand& arguments, const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last);

}  // namespace usher::state
