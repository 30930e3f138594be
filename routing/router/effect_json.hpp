// The JSON of what leaves the router: outbound records, events, dead letters, and the bodies of replies and notes.
// Forms: docs/message-format.md.
#pragma once

#include <string>
#include <vector>

#include "routing/engine/step.hpp"
#include "routing/journal/journal.hpp"
#include "routing/message/result.hpp"

namespace usher::router {

using namespace usher::message;

// A reply or note as the store keeps it.
struct Written {
  MessageId id;
  ConversationId conversation;
  bool note = false;
  AgentId author;
  std::string author_name;
  std::string text;
  Instant written_at;
  std::vector<Attachment> attachments = {};  // Of a reply.
};
[[nodiscard]] std::string body_json(const Written& written);
[[nodiscard]] Result<Written> read_body(std::string_view json);

[[nodiscard]] std::string outbound_json(const engine::ReplyWanted& wanted, const Written& written);
[[nodiscard]] std::string event_json(const engine::Happened& happened, Instant at);

// So much of a record's value stands in its dead letter: a stranger's may be larger than anything that we append.
inline constexpr std::size_t dead_letter_bytes_max = 704 * 1024;
[[nodiscard]] std::string dead_letter_json(const std::string& reason, const journal::Stored& record);

}  // namespace usher::router
