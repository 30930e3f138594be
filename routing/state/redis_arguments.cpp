// Parts of the scripts' arguments, in the order in which redis_scripts.cpp takes them.
#include "routing/state/redis_arguments.hpp"

#include "routing/state/redis_layout.hpp"

namespace usher::state {

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

void add_effects(RedisCommand& arguments, const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last) {
  arguments.keep(std::to_string(last - first));
  const auto name = [](const OutboxEntry& entry) {
    return std::to_string(entry.offset) + "/" + std::to_string(entry.index);
  };
  for (auto i = first; i < last; ++i) {
    arguments.keep(name(outbox[i]));
    arguments.keep(encode_effect(outbox[i]));
  }
  for (auto i = first; i < last; ++i) {
    arguments.keep(std::to_string(outbox[i].offset));
    arguments.keep(name(outbox[i]));
  }
}

}  // namespace usher::state
