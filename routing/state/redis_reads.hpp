// What readers ask of a Redis server, over one line: the meta, a whole state at one moment, texts, one entity.
#pragma once

#include "routing/state/redis_layout.hpp"
#include "routing/state/redis_line.hpp"

namespace usher::state {

[[nodiscard]] Result<std::optional<StoredMeta>> read_meta(RedisLine& line, const RedisKeys& keys, RedisDeadline deadline);
// Waits answer_within for each answer, or while a large one is coming in; redis_limits::large_answer_within in all.
[[nodiscard]] Result<Loaded> read_state(RedisLine& line, const RedisKeys& keys, Milliseconds answer_within);
// In (offset, index) order. not_found: no state. malformed: there are not as many as the last commit left.
[[nodiscard]] Result<std::vector<OutboxEntry>> read_outbox(RedisLine& line, const RedisKeys& keys, RedisDeadline deadline);
// The same of an answer to HGETALL.
[[nodiscard]] Result<std::vector<OutboxEntry>> decode_outbox(RedisView fields, const StoredMeta& meta);
[[nodiscard]] Result<std::vector<Body>> read_bodies(RedisLine& line, const RedisKeys& keys, ConversationId conversation,
                                                    std::uint32_t before, std::size_t limit, RedisDeadline deadline);
[[nodiscard]] Result<std::optional<Body>> read_body(RedisLine& line, const RedisKeys& keys, MessageId id,
                                                    RedisDeadline deadline);
// One step of SCAN over the keys of the server's database: `from` is its cursor.
[[nodiscard]] Result<TextsPage> read_texts_held(RedisLine& line, const RedisKeys& keys, const std::string& from,
                                                std::size_t limit, RedisDeadline deadline);
[[nodiscard]] Result<std::optional<std::string>> read_entity(RedisLine& line, const RedisKeys& keys,
                                                             const std::string& table, const std::string& key,
                                                             RedisDeadline deadline);

}  // namespace usher::state
