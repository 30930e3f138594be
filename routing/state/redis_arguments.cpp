// Parts of the scripts' arguments, in the order in which redis_scripts.cpp takes them.
#include "routing/state/redis_arguments.hpp"

#include <algorithm>

#include "routing/state/redis_layout.hpp"
#include "routing/state/redis_limits.hpp"

namespace usher::state {

namespace {

// Effects that go into one field; `newest` is the offset of the last record that caused one of them.
struct Block {
  std::size_t first, last;
  Offset newest;
};

// Each call of Redis' costs more than the bytes in it, and each field is written, listed, trimmed by calls of its own.
std::vector<Block> blocks_of(const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last) {
  std::vector<Block> blocks;
  std::size_t bytes = 0;
  for (auto i = first; i < last; ++i) {
    const auto more = encoded_bytes(outbox[i]);
    if (blocks.empty() || bytes + more > redis_limits::block_bytes_max) {
      blocks.push_back({i, i, outbox[i].offset});
      bytes = 0;
    }
    blocks.back().last = i + 1;
    blocks.back().newest = std::max(blocks.back().newest, outbox[i].offset);
    bytes += more;
  }
  return blocks;
}

}  // namespace

TableChanges by_table(const std::vector<Change>& changes) {
  TableChanges all;
  for (const auto& change : changes) {
    const auto [place, fresh] = all.places.try_emplace(change.table, all.tables.size());
    if (fresh) all.tables.emplace_back(change.table, TableChange{});
    auto& table = all.tables[place->second].second;
    if (!change.value && change.key == "*") {
      table = TableChange{};
      table.drop = true;
      continue;
    }
    const auto [entity, first] = table.places.try_emplace(change.key, table.last.size());
    if (first) table.last.push_back(&change);
    else table.last[entity->second] = &change;
  }
  return all;
}

std::size_t bytes_of(const Commit& commit) {
  std::size_t bytes = 0;
  for (const auto& change : commit.changes) bytes += change.key.size() + (change.value ? change.value->size() : 0);
  for (const auto& body : commit.bodies) bytes += body.json.size();
  for (const auto& effect : commit.outbox) bytes += effect.entry.value.size();
  return bytes;
}

void add_meta(RedisCommand& arguments, const Meta& meta) {
  arguments.keep(std::to_string(meta.position.epoch));
  arguments.keep(std::to_string(meta.position.offset));
  arguments.keep(hexadecimal(meta.fingerprint));
  arguments.keep(std::to_string(meta.digest.count));
  arguments.keep(hexadecimal(meta.digest.sum));
}

void add_bodies(RedisCommand& arguments, const std::vector<Body>& bodies, std::size_t first, std::size_t last) {
  arguments.keep(std::to_string(last - first));
  for (auto i = first; i < last; ++i) {
    arguments.keep(bodies[i].id.text());
    arguments.keep(bodies[i].conversation.text());
    arguments.keep(std::to_string(bodies[i].sequence));
    arguments.keep(encode_body(bodies[i]));
    arguments.keep(bodies[i].replaces ? "1" : "0");
  }
}

std::size_t add_effects(RedisCommand& arguments, const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last) {
  const auto blocks = blocks_of(outbox, first, last);
  arguments.keep(std::to_string(blocks.size()));
  for (const auto& block : blocks) {
    arguments.keep(block_name(outbox[block.first]));
    arguments.keep(encode_block(outbox, block.first, block.last));
  }
  for (const auto& block : blocks) {
    arguments.keep(std::to_string(block.newest));
    arguments.keep(block_name(outbox[block.first]));
  }
  return blocks.size();
}

}  // namespace usher::state
