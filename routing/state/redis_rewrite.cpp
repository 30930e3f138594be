// Rewrites (rule S2): entities and outbox are written in pieces into a generation of their own, and one script makes that
// generation the one that is read. Texts go in with the pieces, for they are written once and never wrong: a rewrite that
// is cut off leaves the old state whole and some of its texts.
#include <algorithm>
#include <map>
#include <string_view>

#include "routing/state/redis_arguments.hpp"
#include "routing/state/redis_limits.hpp"
#include "routing/state/redis_writes.hpp"

namespace usher::state {

namespace {

// How far the pieces have come.
struct Progress {
  std::size_t entities = 0;
  std::size_t bodies = 0;
  std::size_t effects = 0;
  std::size_t blocks = 0;  // Of them.
};

void add_before(RedisCommand& arguments, const Rewrite& rewrite) {
  const auto& before = rewrite.before;
  if (rewrite.over_damage) {
    arguments.keep("?");
    arguments.keep("?");
    return;
  }
  arguments.keep(before ? std::to_string(before->epoch) : std::string());
  arguments.keep(before ? std::to_string(before->offset) : std::string());
}

struct Room {
  std::size_t arguments = redis_limits::piece_arguments_max;
  std::size_t bytes = redis_limits::piece_bytes_max;
  // Takes what the next one needs; the last one may go over.
  bool take(std::size_t more_arguments, std::size_t more_bytes) {
    if (arguments < more_arguments || bytes == 0) return false;
    arguments -= more_arguments;
    bytes -= std::min(bytes, more_bytes);
    return true;
  }
};

void add_entities(RedisCommand& arguments, const std::vector<Entity>& entities, std::size_t& next, Room& room) {
  const auto first = next;
  while (next < entities.size() && room.take(2, entities[next].key.size() + entities[next].value.size())) ++next;
  // Entities come sorted by table; a table that comes twice in one piece would do no harm.
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  for (auto i = first; i < next; ++i) {
    if (runs.empty() || entities[i].table != entities[runs.back().first].table) runs.emplace_back(i, i);
    runs.back().second = i + 1;
  }
  arguments.keep(std::to_string(runs.size()));
  for (const auto& [begin, end] : runs) {
    arguments.add(entities[begin].table);
    arguments.keep(std::to_string(end - begin));
    for (auto i = begin; i < end; ++i) {
      arguments.add(entities[i].key);
      arguments.add(entities[i].value);
    }
  }
}

RedisCommand next_piece(const Rewrite& rewrite, const std::string& generation, Progress& progress) {
  RedisCommand arguments;
  Room room;
  add_before(arguments, rewrite);
  arguments.add(generation);
  add_entities(arguments, rewrite.entities, progress.entities, room);
  const auto body = progress.bodies;
  while (progress.bodies < rewrite.bodies.size() && room.take(5, rewrite.bodies[progress.bodies].json.size()))
    ++progress.bodies;
  add_bodies(arguments, rewrite.bodies, body, progress.bodies);
  const auto effect = progress.effects;
  while (progress.effects < rewrite.outbox.size() && room.take(4, rewrite.outbox[progress.effects].entry.value.size()))
    ++progress.effects;
  progress.blocks += add_effects(arguments, rewrite.outbox, effect, progress.effects);
  return arguments;
}

RedisCommand flip_arguments(const Rewrite& rewrite, const std::string& generation, std::size_t blocks) {
  RedisCommand arguments;
  add_before(arguments, rewrite);
  add_meta(arguments, rewrite.after);
  arguments.add(generation);
  arguments.keep(std::to_string(blocks));
  std::map<std::string_view, std::size_t> tables;
  for (const auto& entity : rewrite.entities) ++tables[entity.table];
  arguments.keep(std::to_string(tables.size()));
  for (const auto& [name, count] : tables) {
    arguments.add(name);
    arguments.keep(std::to_string(count));
  }
  return arguments;
}

Result<CommitReceipt> run(const RedisTarget& target, RedisScript script, const RedisKeys& keys,
                          const RedisCommand& arguments) {
  if (target.stopping) return fail(Fault::unavailable, "the store is being closed");
  auto reply = target.line.run(script, {keys.meta()}, arguments, target.deadline());
  if (!reply) return reply.error();
  return script_outcome(reply->view());
}

}  // namespace

Result<CommitReceipt> write_rewrite(const RedisTarget& target, const Rewrite& rewrite) {
  const auto keys = target.keys(rewrite.partition);
  const auto generation = fresh_token();
  // What an interrupted rewrite left behind; ours is not listed yet.
  if (const auto swept = run(target, RedisScript::sweep, keys, RedisCommand{generation}); !swept) return swept.error();
  Progress progress;
  while (progress.entities < rewrite.entities.size() || progress.bodies < rewrite.bodies.size() ||
         progress.effects < rewrite.outbox.size()) {
    const auto arguments = next_piece(rewrite, generation, progress);
    if (const auto staged = run(target, RedisScript::stage, keys, arguments); !staged) return staged.error();
  }
  return run(target, RedisScript::flip, keys, flip_arguments(rewrite, generation, progress.blocks));
}

}  // namespace usher::state
