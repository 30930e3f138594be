// Proofs of providers, on the raw bytes.
#include "connectors/email/inbound_proof.hpp"

#include <algorithm>
#include <charconv>

#include "connectors/email/email_limits.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/posted_form.hpp"
#include "connectors/findings.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email {

namespace {

using Secrets = InboundSecrets;

std::string header(const Raw& raw, const std::string& name) {
  const auto found = raw.headers.find(name);
  return found == raw.headers.end() ? std::string() : found->second;
}

// Both are compared, so the time does not tell which one it was. Hashes have one length.
bool fits_one(std::string_view given, const Secrets& secrets) {
  const std::string hash = sha256(given);
  const bool current = !secrets.secret.empty() && equal_secrets(hash, sha256(secrets.secret));
  const bool previous = !secrets.secret_previous.empty() && equal_secrets(hash, sha256(secrets.secret_previous));
  return current || previous;
}

bool fits_basic(const Raw& raw, const Secrets& secrets) {
  const std::string value = header(raw, "authorization");
  if (!starts_with_nocase(value, "basic ")) return false;
  const auto given = decode_base64(trimmed(std::string_view(value).substr(6)));
  return given && fits_one(*given, secrets);
}

bool is_recent(std::string_view seconds, std::chrono::seconds age_max, Instant now) {
  std::int64_t signed_at = 0;
  const auto [end, code] = std::from_chars(seconds.data(), seconds.data() + seconds.size(), signed_at);
  if (code != std::errc{} || end != seconds.data() + seconds.size() || signed_at < 0) return false;
  const std::int64_t now_seconds = unix_ms(now) / 1000;
  return signed_at >= now_seconds - age_max.count() && signed_at <= now_seconds + std::chrono::seconds(signature_ahead_max).count();
}

bool fits_mailgun(const Raw& raw, const Secrets& secrets, Instant now) {
  auto form = read_posted_form(raw);
  if (!form) return false;
  const std::string_view timestamp = form->bytes("timestamp"), token = form->bytes("token");
  if (token.empty() || token.size() > 255 || timestamp.size() > 20) return false;
  const std::string text = std::string(timestamp) + std::string(token);
  const std::string given = ascii_lower(form->bytes("signature"));
  bool fits = false;
  for (const std::string* secret : {&secrets.secret, &secrets.secret_previous})
    if (!secret->empty() && equal_secrets(given, hex(hmac_sha256(*secret, text)))) fits = true;
  return fits && is_recent(timestamp, mailgun_signature_age_max, now);
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!(text = trimmed(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

bool fits_policy(const Raw& raw, const Secrets& secrets, Instant now) {
  const auto signature = decode_base64(header(raw, "x-twilio-email-event-webhook-signature"));
  const std::string timestamp = header(raw, "x-twilio-email-event-webhook-timestamp");
  if (!signature || signature->empty() || !is_recent(timestamp, sendgrid_signature_age_max, now)) return false;
  bool fits = false;
  for (const auto& key : words(secrets.public_keys)) {
    const auto der = decode_base64(key);
    if (der && fits_ecdsa(*der, *signature, {timestamp, raw.body})) fits = true;
  }
  return fits;
}

// A blank or an @ would have to be escaped in the address, and then be another secret than this one.
bool is_basic(std::string_view secret) {
  const std::size_t colon = secret.find(':');
  const bool plain = std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c <= '~' && std::string_view("@/?#%").find(c) == std::string_view::npos; });
  return plain && colon != std::string_view::npos && colon > 0 && secret.size() - colon > 16;
}

}  // namespace

Result<void> check_inbound_secrets(InboundProvider provider, const InboundSecrets& secrets) {
  Findings findings;
  const bool sendgrid = provider == InboundProvider::sendgrid;
  const auto keys = words(secrets.public_keys);
  if (!sendgrid && !secrets.public_keys.empty()) findings.add("webhook_public_key", "is for inbound: sendgrid only");
  if (secrets.secret.empty() && (keys.empty() || !sendgrid)) findings.add(sendgrid ? "webhook_secret or webhook_public_key" : "webhook_secret", "missing");
  else if (secrets.secret.empty() && !secrets.secret_previous.empty()) findings.add("webhook_secret_previous", "is of no use without webhook_secret");
  for (const auto& key : keys)
    if (const auto der = decode_base64(key); sendgrid && (!der || !is_ecdsa_key(*der))) findings.add("webhook_public_key", "is not base64 of an elliptic curve key");
  if (provider == InboundProvider::mailgun) return findings.result();
  for (const auto& [key, secret] : {std::pair("webhook_secret", &secrets.secret), std::pair("webhook_secret_previous", &secrets.secret_previous)})
    if (!secret->empty() && !is_basic(*secret)) findings.add(key, "must be USER:PASSWORD as it stands in the address");
  return findings.result();
}

Result<void> verify_inbound(InboundProvider provider, const InboundSecrets& secrets, const Raw& raw, Instant now) {
  const bool basic = !secrets.secret.empty(), policy = provider == InboundProvider::sendgrid && !secrets.public_keys.empty();
  bool fits = basic || policy;
  if (provider == InboundProvider::mailgun) fits = fits && fits_mailgun(raw, secrets, now);
  else if (basic) fits = fits_basic(raw, secrets);
  // Last: it is the one that costs something.
  if (policy) fits = fits && fits_policy(raw, secrets, now);
  if (!fits) return fail(Fault::unauthorised, "the proof does not fit");
  return {};
}

bool SeenTokens::take(const std::string& token, MessageId message, Instant now) {
  const Instant oldest = now - mailgun_signature_age_max - signature_ahead_max;
  while (!by_age_.empty() && (by_age_.front().first < oldest || by_age_.size() >= limits::seen_tokens_max)) {
    messages_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
  const std::string name = sha256(token);
  const auto [found, added] = messages_.emplace(name, message);
  if (added) by_age_.emplace_back(now, name);
  return found->second == message;
}

}  // namespace usher::connectors::email
