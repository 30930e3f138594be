// Reads of single things. A rewrite may exchange the generation between two questions; then they are asked again.
#include "routing/state/redis_reads.hpp"

#include <algorithm>

#include "routing/state/redis_limits.hpp"

namespace usher::state {

Result<std::optional<StoredMeta>> read_meta(RedisLine& line, const RedisKeys& keys, RedisDeadline deadline) {
  const auto reply = line.ask(RedisCommand{"HGETALL", keys.meta()}, deadline);
  if (!reply) return reply.error();
  return decode_meta(reply->view());
}

Result<std::vector<OutboxEntry>> decode_outbox(RedisView fields, const StoredMeta& meta) {
  std::vector<OutboxEntry> outbox;
  if (fields.size() != 2 * meta.blocks)
    return fail(Fault::malformed, "the outbox holds " + std::to_string(fields.size() / 2) + " blocks of effects, and " +
                                      std::to_string(meta.blocks) + " were left in it");
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    auto block = decode_block(fields.at(i).text(), fields.at(i + 1).text());
    if (!block) return block.error();
    // A block leaves when all of it is out.
    for (auto& entry : *block)
      if (entry.offset > meta.published) outbox.push_back(std::move(entry));
  }
  std::sort(outbox.begin(), outbox.end(), [](const auto& one, const auto& other) {
    return std::pair(one.offset, one.index) < std::pair(other.offset, other.index);
  });
  return outbox;
}

// Between two equal answers about the state nobody committed, so that what is missing then was never trimmed.
Result<std::vector<OutboxEntry>> read_outbox(RedisLine& line, const RedisKeys& keys, RedisDeadline deadline) {
  auto stored = read_meta(line, keys, deadline);
  for (int attempt = 0; attempt < redis_limits::entity_attempts_max; ++attempt) {
    if (!stored) return stored.error();
    if (!*stored) return fail(Fault::not_found, "the partition has no state");
    std::vector<RedisCommand> commands;
    for (const auto& key : {keys.meta(), keys.outbox((*stored)->generation), keys.meta()})
      commands.push_back(RedisCommand{"HGETALL", key});
    const auto replies = line.ask_all(commands, deadline);
    if (!replies) return replies.error();
    for (const auto& reply : *replies)
      if (reply.is_error()) return server_error(reply.view().text());
    const auto before = decode_meta(replies->front().view());
    if (!before) return before.error();
    const auto& generation = (*stored)->generation;
    const bool read = *before && (*before)->generation == generation;
    stored = decode_meta(replies->back().view());
    if (stored && read && *stored == *before) return decode_outbox((*replies)[1].view(), **before);
  }
  return fail(Fault::unavailable, "the state changed whenever its outbox was read");
}

// None: it was erased since it was listed, or is not what was written there.
std::optional<Body> sound_body(MessageId id, RedisView text) {
  if (text.is_nil()) return std::nullopt;
  auto body = decode_body(id, text.text());
  return body ? std::optional(std::move(*body)) : std::nullopt;
}

Result<std::vector<Body>> read_bodies(RedisLine& line, const RedisKeys& keys, ConversationId conversation,
                                      std::uint32_t before, std::size_t limit, RedisDeadline deadline) {
  const auto newest = line.ask(RedisCommand{"ZREVRANGEBYSCORE", keys.texts(conversation), "(" + std::to_string(before), "-inf",
                                            "WITHSCORES", "LIMIT", "0", std::to_string(std::min<std::size_t>(limit, 1U << 30U))},
                               deadline);
  if (!newest) return newest.error();
  // An id and its sequence by turns.
  const auto listed = newest->view();
  const auto count = listed.size() / 2;
  std::vector<Body> found;
  for (std::size_t first = 0; first < count; first += redis_limits::bodies_page) {
    const auto last = std::min(count, first + redis_limits::bodies_page);
    RedisCommand wanted{"MGET"};
    for (auto i = first; i < last; ++i) wanted.keep(keys.message(std::string(listed.at(2 * i).text())));
    const auto texts = line.ask(wanted, deadline);
    if (!texts) return texts.error();
    for (std::size_t i = 0; i < texts->view().size(); ++i) {
      const auto id = MessageId::parse(listed.at(2 * (first + i)).text());
      auto body = id ? sound_body(*id, texts->view().at(i)) : std::nullopt;
      // A wrong place in the list is damage, too: its owner finds the text missing here, and lists it anew.
      if (!body || body->conversation != conversation || std::to_string(body->sequence) != listed.at(2 * (first + i) + 1).text())
        continue;
      found.push_back(std::move(*body));
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Result<std::optional<Body>> read_body(RedisLine& line, const RedisKeys& keys, MessageId id, RedisDeadline deadline) {
  // Not GET: to MGET a key of another type is one that is not there.
  const auto reply = line.ask(RedisCommand{"MGET", keys.message(id.text())}, deadline);
  if (!reply) return reply.error();
  if (reply->view().size() != 1) return fail(Fault::malformed, "MGET answers something else");
  return sound_body(id, reply->view().at(0));
}

Result<TextsPage> read_texts_held(RedisLine& line, const RedisKeys& keys, const std::string& from, std::size_t limit,
                                  RedisDeadline deadline) {
  const auto prefix = keys.all_texts();
  const auto reply = line.ask(RedisCommand{"SCAN", from.empty() ? "0" : from, "MATCH", glob_escaped(prefix) + "*", "COUNT",
                                           std::to_string(std::min<std::size_t>(limit, redis_limits::scan_page_max))},
                              deadline);
  if (!reply) return reply.error();
  if (reply->view().size() != 2) return fail(Fault::malformed, "SCAN answers something else");
  TextsPage page;
  const auto names = reply->view().at(1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto name = names.at(i).text();
    if (!name.starts_with(prefix)) continue;
    if (const auto id = ConversationId::parse(name.substr(prefix.size()))) page.conversations.push_back(*id);
  }
  if (const auto next = reply->view().at(0).text(); next != "0") page.next = std::string(next);
  return page;
}

Result<std::optional<std::string>> read_entity(RedisLine& line, const RedisKeys& keys, const std::string& table,
                                               const std::string& key, RedisDeadline deadline) {
  const RedisCommand which{"HGET", keys.meta(), "generation"};
  auto reply = line.ask(which, deadline);
  if (!reply) return reply.error();
  for (int attempt = 0; attempt < redis_limits::entity_attempts_max; ++attempt) {
    if (reply->view().is_nil()) return std::optional<std::string>();
    const std::string generation(reply->view().text());
    const auto value = line.ask(RedisCommand{"HGET", keys.table(generation, table), key}, deadline);
    if (!value) return value.error();
    if (!value->view().is_nil()) return std::optional(std::string(value->view().text()));
    // It is not there, or its generation was just dropped.
    reply = line.ask(which, deadline);
    if (!reply) return reply.error();
    if (reply->view().text() == generation) return std::optional<std::string>();
  }
  return fail(Fault::unavailable, "the state is being rewritten again and again");
}

}  // namespace usher::state
