// The wire form: JSON, version 1, of messages and records. Grammar and a worked example: docs/message-format.md.
// Decoding accepts unknown members (a Message keeps them), refuses wrong types, over-limit sizes and invalid UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/message.hpp"
#include "routing/message/record.hpp"
#include "routing/message/result.hpp"

namespace usher::message {

[[nodiscard]] std::string encode(const Message& message);
[[nodiscard]] Result<Message> decode_message(std::string_view json);

// The `type` of a record in the journal: "usher.message.received.v1", "usher.tick.v1", ...
[[nodiscard]] std::string_view record_type(const Record& record);
// The value of a record. Requires: not Unreadable.
[[nodiscard]] std::string encode(const Record& record);
[[nodiscard]] Result<Record> decode_record(std::string_view type, std::string_view json);

// The member `attachments` of an outbound record or of a reply's body, both as the router writes them; none: empty.
[[nodiscard]] Result<std::vector<Attachment>> decode_reply_attachments(std::string_view json);
// What they hold together.
[[nodiscard]] std::uint64_t bytes_of(const std::vector<Attachment>& attachments);
// The form of a blob's name.
[[nodiscard]] bool is_sha256(std::string_view text);

// BCP 47 as far as routing compares it: lower-case letters, then subtags of letters and digits. What Message::language may be.
[[nodiscard]] bool is_language(std::string_view text);

// True when `text` is UTF-8 without surrogates or overlong forms (NUL is allowed).
[[nodiscard]] bool valid_utf8(std::string_view text);

}  // namespace usher::message
