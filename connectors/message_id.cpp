// Message ids and provider ids.
#include "connectors/message_id.hpp"

#include <algorithm>

#include "connectors/signature.hpp"

namespace usher::connectors {

namespace {

constexpr std::string_view content_prefix = "content:";
constexpr std::size_t key_bytes_max = 255;

// Length first: ("ab", "c") and ("a", "bc") are different things.
void put(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint64_t>(text.size());
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((size >> shift) & 0xff);
  out += text;
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

MessageId message_id(const TenantId& tenant, const ConnectorId& connector, std::string_view provider_id) {
  std::string bytes;
  put(bytes, tenant.text());
  put(bytes, connector.text());
  put(bytes, provider_id);
  const std::string digest = sha256(bytes);
  MessageId id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.high = (id.high << 8) | static_cast<unsigned char>(digest[i]);
    id.low = (id.low << 8) | static_cast<unsigned char>(digest[8 + i]);
  }
  return id;
}

Result<std::string> provider_key(const Raw& raw, std::string_view in_body) {
  const auto found = raw.headers.find("idempotency-key");
  const std::string_view header = found == raw.headers.end() ? std::string_view() : unquoted(found->second);
  if (!header.empty() && !in_body.empty() && header != in_body)
    return fail(Fault::malformed, "Idempotency-Key and the key in the body differ");
  const std::string_view key = header.empty() ? in_body : header;
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable || key.size() > key_bytes_max)
    return fail(Fault::malformed, "Idempotency-Key: must be 1 to 255 printable ASCII characters");
  // Otherwise a stranger could name, and so swallow, what another is about to send.
  if (key.starts_with(content_prefix)) return fail(Fault::malformed, "Idempotency-Key: may not begin with \"content:\"");
  return std::string(key);
}

std::string content_key(const std::vector<std::string_view>& texts) {
  std::string bytes;
  for (const std::string_view text : texts) put(bytes, text);
  return sha256_hex(bytes);
}

std::string content_provider_id(std::string_view key, Instant first) {
  const auto bucket = unix_ms(first) / std::chrono::milliseconds(repeat_window).count();
  return std::string(content_prefix) + std::string(key) + ":" + std::to_string(bucket);
}

void identify(Message& message, std::string provider_id) {
  const Identity before = anonymous_identity(message.id);
  message.provider_message_id = std::move(provider_id);
  message.id = message_id(message.tenant, message.connector, message.provider_message_id);
  for (Identity& identity : message.from.identities)
    if (identity == before) identity = anonymous_identity(message.id);
}

Identity anonymous_identity(MessageId id) { return Identity{"form", "anonymous-" + id.text(), false}; }

}  // namespace usher::connectors
