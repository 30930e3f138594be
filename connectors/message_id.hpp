// What makes an input the same input: the key a sender gives, or else its content within a window (rules I1, I2).
// Pure: any thread. message_id() itself is declared in connector.hpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/connector.hpp"

namespace usher::connectors {

// A sender who names no key and sends the same content within so long means one message.
inline constexpr std::chrono::minutes repeat_window{10};

// The `Idempotency-Key` header and the key within the body (either may be ""): the one that is set. malformed when they
// differ, when it is not 1 to 255 printable ASCII characters, or when it looks like a content id.
// The header may be quoted, as its draft standard wants, or bare, as most senders have it: both are one key.
[[nodiscard]] Result<std::string> provider_key(const Raw& raw, std::string_view in_body);

// Parsed::content_key of these texts: unambiguous, whatever they hold.
[[nodiscard]] std::string content_key(const std::vector<std::string_view>& texts);
// The provider id of content that was first seen at `first`.
[[nodiscard]] std::string content_provider_id(std::string_view key, Instant first);

// Gives `message` this provider id and the message id that follows from it, also where an anonymous sender is named by it.
void identify(Message& message, std::string provider_id);
// The identity of a sender of whom nothing is known: one for each message, so that no two strangers are taken for one.
[[nodiscard]] Identity anonymous_identity(MessageId id);

}  // namespace usher::connectors
