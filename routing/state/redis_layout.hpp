// The layout in Redis, in one place: names of keys and the text forms of what stands in them (docs/redis.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "routing/state/redis_reply.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

// Names of one partition's keys. The braces make Redis keep them on one server of a cluster.
class RedisKeys {
 public:
  RedisKeys(const std::string& prefix, Partition partition) : base_(prefix + ":{" + std::to_string(partition) + "}:") {}
  [[nodiscard]] std::string meta() const { return base_ + "meta"; }
  [[nodiscard]] std::string attempts() const { return base_ + "attempts"; }
  [[nodiscard]] std::string staged(const std::string& token) const { return base_ + "staged:" + token; }
  [[nodiscard]] std::string generations() const { return base_ + "generations"; }
  [[nodiscard]] std::string message(const std::string& id) const { return base_ + "msg:" + id; }
  [[nodiscard]] std::string texts(ConversationId conversation) const { return all_texts() + conversation.text(); }
  // What the names of all texts() begin with.
  [[nodiscard]] std::string all_texts() const { return base_ + "texts:"; }
  [[nodiscard]] std::string tables(const std::string& generation) const { return of(generation) + "tables"; }
  [[nodiscard]] std::string table(const std::string& generation, const std::string& name) const {
    return of(generation) + "table:" + name;
  }
  [[nodiscard]] std::string outbox(const std::string& generation) const { return of(generation) + "outbox"; }
  [[nodiscard]] std::string outbox_order(const std::string& generation) const { return of(generation) + "outbox-order"; }

 private:
  [[nodiscard]] std::string of(const std::string& generation) const { return base_ + "g" + generation + ":"; }
  std::string base_;
};

struct StoredMeta {
  Meta meta;
  std::string generation;
  std::uint64_t entities = 0;
  std::uint64_t blocks = 0;  // In the outbox.
  Offset published = offset_none;  // Effects of records up to here are out, also those that share a block with others.
  friend bool operator==(const StoredMeta&, const StoredMeta&) = default;
};

[[nodiscard]] std::string hexadecimal(const Hash128& hash);
// A pattern of Redis' that stands for this text alone.
[[nodiscard]] std::string glob_escaped(std::string_view text);
// 16 hexadecimal digits that nobody used before.
[[nodiscard]] std::string fresh_token();

// Of HGETALL meta; none when it is empty. malformed: a field is missing or no number.
[[nodiscard]] Result<std::optional<StoredMeta>> decode_meta(RedisView fields);

// "CONVERSATION SEQUENCE CHECKSUM\nJSON"; earlier builds wrote no checksum. malformed: it is not what was written there.
[[nodiscard]] std::string encode_body(const Body& body);
[[nodiscard]] Result<Body> decode_body(MessageId id, std::string_view text);

// A block of effects: one alone is "OFFSET INDEX STREAM ID-BYTES TYPE-BYTES CHECKSUM\nID TYPE\nVALUE", the checksum as above;
// several are "effects COUNT CHECKSUM\n", then of each "OFFSET INDEX STREAM ID-BYTES TYPE-BYTES VALUE-BYTES\nID TYPE\nVALUE\n".
// Requires: first < last.
[[nodiscard]] inline std::size_t encoded_bytes(const OutboxEntry& entry) {
  return 80 + entry.entry.id.size() + entry.entry.type.size() + entry.entry.value.size();  // At least as many.
}
[[nodiscard]] std::string encode_block(const std::vector<OutboxEntry>& outbox, std::size_t first, std::size_t last);
// By its first effect: no two blocks begin with the same one. So what stands in a block covers its name as well.
[[nodiscard]] std::string block_name(const OutboxEntry& first);
// malformed: it is not what was written under that name.
[[nodiscard]] Result<std::vector<OutboxEntry>> decode_block(std::string_view name, std::string_view text);

}  // namespace usher::state
