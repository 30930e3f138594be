// Webhook signatures: one small function a provider, one table.
#include "connectors/webhook_verify.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include "connectors/email/inbound_proof.hpp"
#include "connectors/signature.hpp"
#include "connectors/standard_webhooks.hpp"
#include "connectors/urlencoded.hpp"

namespace usher::connectors {

namespace {

using Headers = std::map<std::string, std::string>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// "" when absent: no scheme takes an empty value for a signature.
std::string header(const SignedRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (lower(key) == name) return value;
  return {};
}

// --- Twilio: base64 HMAC-SHA1 over the URL and the sorted parameters, or over the URL that holds the body's hash. ------

struct UrlParts {
  std::string scheme, host, port, rest;  // host with user information; rest from the path on.
};

UrlParts split_url(const std::string& url) {
  UrlParts parts;
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos) return parts;
  parts.scheme = url.substr(0, colon);
  const std::size_t start = colon + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", start), url.size());
  parts.host = url.substr(start, end - start);
  parts.rest = url.substr(end);
  const std::size_t port = parts.host.rfind(':');
  const bool within_brackets = parts.host.find(']', port == std::string::npos ? 0 : port) != std::string::npos;
  if (port != std::string::npos && !within_brackets && parts.host.find('@', port) == std::string::npos) {
    parts.port = parts.host.substr(port + 1);
    parts.host.resize(port);
  }
  return parts;
}

// Twilio signs some calls with the port and some without it; its own library tries both.
std::array<std::string, 2> twilio_urls(const std::string& url) {
  const UrlParts parts = split_url(url);
  const std::string port = !parts.port.empty() ? parts.port : lower(parts.scheme) == "https" ? "443" : "80";
  const std::string front = parts.scheme + "://" + parts.host;
  return {front + ":" + port + parts.rest, front + parts.rest};
}

std::optional<std::string> body_hash_in(const std::string& url) {
  const std::size_t mark = url.find('?');
  if (mark == std::string::npos) return std::nullopt;
  auto query = parse_urlencoded(std::string_view(url).substr(mark + 1, url.find('#', mark) - mark - 1));
  if (!query) return std::nullopt;
  for (auto& [name, value] : *query)
    if (name == "bodySHA256") return value;
  return std::nullopt;
}

bool fits_twilio(std::string_view secret, const SignedRequest& request, Instant) {
  const bool form = header(request, "content-type").starts_with("application/x-www-form-urlencoded");
  std::string parameters;
  const auto hash = body_hash_in(request.url);
  if (hash && !form) {
    if (!equal_secrets(*hash, sha256_hex(request.body))) return false;
  } else {
    auto fields = parse_urlencoded(request.body);
    if (!fields) return false;
    // A set: a parameter sent twice with one value counts once, as in the official libraries.
    const std::set<std::pair<std::string, std::string>> sorted(fields->begin(), fields->end());
    for (const auto& [name, value] : sorted) parameters += name + value;
  }
  const std::string signature = header(request, "x-twilio-signature");
  bool fits = false;
  for (const std::string& url : twilio_urls(request.url))
    if (equal_secrets(signature, base64(hmac_sha1(secret, url + parameters)))) fits = true;
  return fits;
}

// --- The others: a hash of the raw body. --------------------------------------------------------------------------------

// Lower-case hexadecimal only: it is what Meta documents, and one spelling is easier to reason about than two.
bool fits_meta(std::string_view secret, const SignedRequest& request, Instant) {
  return equal_secrets(header(request, "x-hub-signature-256"), "sha256=" + hex(hmac_sha256(secret, request.body)));
}

bool fits_slack(std::string_view secret, const SignedRequest& request, Instant now) {
  const std::string timestamp = header(request, "x-slack-request-timestamp");
  std::int64_t seconds = 0;
  const auto [end, code] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  if (code != std::errc{} || end != timestamp.data() + timestamp.size()) return false;
  const std::int64_t now_seconds = unix_ms(now) / 1000;
  if (seconds < now_seconds - 300 || seconds > now_seconds + 300) return false;
  const std::string text = "v0:" + timestamp + ":" + request.body;
  return equal_secrets(header(request, "x-slack-signature"), "v0=" + hex(hmac_sha256(secret, text)));
}

bool fits_telegram(std::string_view secret, const SignedRequest& request, Instant) {
  return equal_secrets(header(request, "x-telegram-bot-api-secret-token"), secret);
}

bool fits_standard(std::string_view secret, const SignedRequest& request, Instant now) {
  return verify_standard_webhook(secret, header(request, "webhook-id"), header(request, "webhook-timestamp"),
                                 header(request, "webhook-signature"), request.body, now)
      .has_value();
}

bool fits_viber(std::string_view secret, const SignedRequest& request, Instant) {
  return equal_secrets(header(request, "x-viber-content-signature"), hex(hmac_sha256(secret, request.body)));
}

bool fits_line(std::string_view secret, const SignedRequest& request, Instant) {
  return equal_secrets(header(request, "x-line-signature"), base64(hmac_sha256(secret, request.body)));
}

// --- Posted mail: what its connector runs. ----------------------------------------------------------------------------------

using email::InboundProvider;

// Two kinds of secret at SendGrid: a user and a password have a colon between them, base64 has none.
email::InboundSecrets mail_secrets(InboundProvider provider, std::string_view secret) {
  const bool key = provider == InboundProvider::sendgrid && secret.find(':') == std::string_view::npos;
  return key ? email::InboundSecrets{{}, {}, std::string(secret)} : email::InboundSecrets{std::string(secret), {}, {}};
}

template <InboundProvider provider>
bool fits_mail(std::string_view secret, const SignedRequest& request, Instant now) {
  Raw raw{header(request, "content-type"), {}, request.body, now};
  for (const auto& [name, value] : request.headers) raw.headers.insert_or_assign(lower(name), value);
  return email::verify_inbound(provider, mail_secrets(provider, secret), raw, now).has_value();
}

struct Scheme {
  std::string_view name;
  bool (*fits)(std::string_view secret, const SignedRequest& request, Instant now);
  std::optional<InboundProvider> mail = std::nullopt;
};
constexpr Scheme schemes[] = {
    {"twilio", fits_twilio},     {"meta", fits_meta},
    {"slack", fits_slack},       {"telegram", fits_telegram},
    {"standard-webhooks", fits_standard}, {"viber", fits_viber},
    {"line", fits_line},         {"x-hub-signature-256", fits_meta},
    {"sendgrid", fits_mail<InboundProvider::sendgrid>, InboundProvider::sendgrid},
    {"mailgun", fits_mail<InboundProvider::mailgun>, InboundProvider::mailgun},
    {"postmark", fits_mail<InboundProvider::postmark>, InboundProvider::postmark},
};

constexpr auto make_names() {
  std::array<std::string_view, std::size(schemes)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = schemes[i].name;
  return names;
}
constexpr auto names = make_names();

}  // namespace

std::span<const std::string_view> webhook_schemes() { return names; }

Result<void> verify_webhook(std::string_view scheme, std::string_view secret, const SignedRequest& request, Instant now) {
  const auto* found = std::find_if(std::begin(schemes), std::end(schemes), [&](const Scheme& s) { return s.name == scheme; });
  if (found == std::end(schemes)) return fail(Fault::malformed, "no such signature scheme: " + std::string(scheme));
  if (found->mail && !secret.empty())
    if (auto usable = email::check_inbound_secrets(*found->mail, mail_secrets(*found->mail, secret)); !usable) return usable.error();
  if (secret.empty() || !found->fits(secret, request, now)) return fail(Fault::unauthorised, "the signature does not fit");
  return {};
}

}  // namespace usher::connectors
