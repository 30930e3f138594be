// Standard Webhooks: signing and checking.
#include "connectors/standard_webhooks.hpp"

#include <charconv>

#include "connectors/signature.hpp"

namespace usher::connectors {

namespace {

std::string signed_text(std::string_view id, std::string_view timestamp, std::string_view body) {
  std::string text;
  text.reserve(id.size() + timestamp.size() + body.size() + 2);
  text.append(id).append(1, '.').append(timestamp).append(1, '.').append(body);
  return text;
}

Error refused() { return fail(Fault::unauthorised, "the signature does not fit"); }

}  // namespace

std::optional<std::string> webhook_key(std::string_view secret) {
  constexpr std::string_view prefix = "whsec_";
  if (secret.starts_with(prefix)) secret.remove_prefix(prefix.size());
  auto key = decode_base64(secret);
  if (!key || key->size() < 24 || key->size() > 64) return std::nullopt;
  return key;
}

Result<std::vector<std::pair<std::string, std::string>>> sign_webhook(std::span<const std::string_view> secrets,
                                                                      std::string_view id, Instant now,
                                                                      std::string_view body) {
  const std::string timestamp = std::to_string(unix_ms(now) / 1000);
  const std::string text = signed_text(id, timestamp, body);
  std::string signatures;
  for (const std::string_view secret : secrets) {
    const auto key = webhook_key(secret);
    if (!key) return fail(Fault::malformed, "webhook_secret: not whsec_ and base64 of 24 to 64 bytes");
    if (!signatures.empty()) signatures += ' ';
    signatures += "v1," + base64(hmac_sha256(*key, text));
  }
  if (signatures.empty()) return fail(Fault::malformed, "webhook_secret: missing");
  return std::vector<std::pair<std::string, std::string>>{
      {"webhook-id", std::string(id)}, {"webhook-timestamp", timestamp}, {"webhook-signature", signatures}};
}

Result<void> verify_standard_webhook(std::string_view secret, std::string_view id, std::string_view timestamp,
                                     std::string_view signatures, std::string_view body, Instant now) {
  const auto key = webhook_key(secret);
  if (!key || id.empty()) return refused();
  std::int64_t seconds = 0;
  const auto [end, code] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  if (code != std::errc{} || end != timestamp.data() + timestamp.size()) return refused();
  // Both directions: an old one may be replayed, one of the future was made by nobody honest.
  const std::int64_t now_seconds = unix_ms(now) / 1000;
  if (seconds < now_seconds - webhook_tolerance.count() || seconds > now_seconds + webhook_tolerance.count())
    return refused();
  const std::string expected = base64(hmac_sha256(*key, signed_text(id, timestamp, body)));
  bool fits = false;
  while (!signatures.empty()) {
    const std::size_t space = signatures.find(' ');
    const std::string_view one = signatures.substr(0, space);
    if (one.starts_with("v1,") && equal_secrets(one.substr(3), expected)) fits = true;
    signatures.remove_prefix(space == std::string_view::npos ? signatures.size() : space + 1);
  }
  if (!fits) return refused();
  return {};
}

}  // namespace usher::connectors
