// The generic HTTP channel: an integrator's own program as a channel. It proves itself with a bearer token, names every
// message with a key, and gets replies as signed Standard Webhooks, or polls them.
//
// Journey: POST /v1/channels/NAME/messages -> ingress -> [verify, parse] -> journal; egress -> [render] -> webhook.
#include <algorithm>

#include <boost/json.hpp>

#include "connectors/attached_file.hpp"
#include "connectors/catalog.hpp"
#include "connectors/findings.hpp"
#include "connectors/json_input.hpp"
#include "connectors/media_type.hpp"
#include "connectors/message_id.hpp"
#include "connectors/signature.hpp"
#include "connectors/standard_webhooks.hpp"
#include "connectors/text_rules.hpp"
#include "connectors/web_address.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace json = boost::json;

namespace {

using config::Key;
using config::Kind;

constexpr Key keys[] = {
    {"token", Kind::secret, true, "", "What the program sends as Authorization: Bearer."},
    {"token_previous", Kind::secret, false, "", "Still accepted while the token is being changed."},
    {"webhook_url", Kind::url, false, "", "Where replies are posted; without it the program polls the outbox."},
    {"webhook_secret", Kind::secret, false, "", "Signs those posts: whsec_ and base64 of 24 to 64 bytes."},
    {"webhook_secret_previous", Kind::secret, false, "", "Signs them as well while the secret is being changed."},
};

Result<void> check_secret(const Instance& instance, std::string_view key, bool required) {
  const std::string& secret = instance.options.text(key);
  if (secret.empty() && !required) return {};
  if (webhook_key(secret)) return {};
  return fail(Fault::malformed, std::string(key) + ": must be whsec_ and base64 of 24 to 64 bytes");
}

Result<void> check(const Instance& instance) {
  Findings findings;
  // Never without: an open door would look like a working one.
  if (instance.options.text("token").empty()) findings.add("token", "missing");
  const std::string& url = instance.options.text("webhook_url");
  if (!url.empty() && !is_web_address(url))
    findings.add("webhook_url", "must be an http or https address without user information");
  if (url.empty() && !instance.options.text("webhook_secret").empty())
    findings.add("webhook_secret", "is of no use without webhook_url");
  else findings.take(check_secret(instance, "webhook_secret", !url.empty()));
  findings.take(check_secret(instance, "webhook_secret_previous", false));
  return findings.result();
}

bool is_bearer(std::string_view given, std::string_view token) {
  // Hashes have one length, so the time tells nothing about the token's either.
  return !token.empty() && equal_secrets(sha256(given), sha256(token));
}

Result<void> verify(const Instance& instance, const Raw& raw, Instant) {
  const auto found = raw.headers.find("authorization");
  std::string_view value = found == raw.headers.end() ? std::string_view() : found->second;
  constexpr std::string_view scheme = "bearer ";
  const bool bearer = value.size() > scheme.size() && std::equal(scheme.begin(), scheme.end(), value.begin(), [](char want, char have) {
                        return want == (have >= 'A' && have <= 'Z' ? static_cast<char>(have - 'A' + 'a') : have);
                      });
  if (!bearer) return fail(Fault::unauthorised, "a bearer token is needed");
  value.remove_prefix(scheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  const bool current = is_bearer(value, instance.options.text("token"));
  const bool previous = is_bearer(value, instance.options.text("token_previous"));
  if (!current && !previous) return fail(Fault::unauthorised, "the bearer token is not this channel's");
  return {};
}

bool is_kind(std::string_view kind) {
  return !kind.empty() && kind.size() <= 64 && std::all_of(kind.begin(), kind.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

Result<void> add_identities(const json::object& from, Sender& sender) {
  const json::value* value = from.if_contains("identities");
  if (value == nullptr || value->is_null()) return {};
  const json::array* list = value->if_array();
  if (list == nullptr) return fail(Fault::malformed, "from.identities: must be a list");
  if (list->size() >= limits::list_items_max) return fail(Fault::too_large, "from.identities: too many");
  for (const json::value& item : *list) {
    const json::object* one = item.if_object();
    if (one == nullptr) return fail(Fault::malformed, "from.identities: must be a list of objects");
    auto kind = line_member(*one, "kind");
    if (!kind) return kind.error();
    auto address = line_member(*one, "value");
    if (!address) return address.error();
    if (!is_kind(*kind) || address->empty())
      return fail(Fault::malformed, "from.identities: needs a kind of a-z, 0-9, _ and -, and a value");
    sender.identities.push_back(Identity{std::move(*kind), std::move(*address), false});
  }
  return {};
}

// The program's own name for its customer comes first: a kind of its own, the connector's name, which is unique.
Result<Sender> read_sender(const Instance& instance, json::object& body) {
  const json::value* value = body.if_contains("from");
  const json::object* from = value == nullptr ? nullptr : value->if_object();
  if (from == nullptr) return fail(Fault::malformed, "from: must be an object");
  auto id = line_member(*from, "id");
  if (!id) return id.error();
  if (id->empty()) return fail(Fault::malformed, "from.id: missing");
  auto name = line_member(*from, "name");
  if (!name) return name.error();
  Sender sender;
  sender.identities.push_back(Identity{instance.id.text(), std::move(*id), true});
  sender.display_name = std::move(*name);
  auto added = add_identities(*from, sender);
  if (!added) return added.error();
  return sender;
}

Result<std::optional<std::string>> read_language(const json::object& body) {
  auto language = line_member(body, "language");
  if (!language) return language.error();
  if (language->empty()) return std::optional<std::string>();
  for (char& c : *language)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  // As the journal reads it: what it would not read back is refused while there is somebody to tell.
  if (language->size() > 35 || !is_language(*language)) return fail(Fault::malformed, "language: must be BCP 47");
  return std::optional<std::string>(std::move(*language));
}

Result<void> read_times_and_thread(const json::object& body, Message& message) {
  auto sent_at = line_member(body, "sent_at");
  if (!sent_at) return sent_at.error();
  if (!sent_at->empty()) {
    message.sent_at = parse_rfc3339(*sent_at);
    if (!message.sent_at) return fail(Fault::malformed, "sent_at: must be a time as RFC 3339 has it");
  }
  auto conversation = line_member(body, "conversation");
  if (!conversation) return conversation.error();
  if (!conversation->empty()) message.thread.key = std::move(*conversation);
  auto language = read_language(body);
  if (!language) return language.error();
  message.language = std::move(*language);
  return {};
}

Result<void> read_texts(const json::object& body, Message& message) {
  auto subject = line_member(body, "subject");
  if (!subject) return subject.error();
  auto text = text_member(body, "text", limits::message_text_bytes_max);
  if (!text) return text.error();
  message.subject = std::move(*subject);
  message.text = std::move(*text);
  message.text_new = message.text;
  if (!message.text.empty()) message.parts.emplace_back("text/plain");
  return {};
}

Result<std::string> read_key(const Raw& raw, const json::object& body) {
  auto id = line_member(body, "id");
  if (!id) return id.error();
  auto key = provider_key(raw, *id);
  if (key && key->empty()) return fail(Fault::malformed, "Idempotency-Key or id: one of them is needed");
  return key;
}

Result<json::object> read_body(const Raw& raw) {
  if (raw.body.size() > limits::http_body_bytes_max) return fail(Fault::too_large, "the body is too large");
  if (!raw.content_type.empty()) {
    auto type = parse_media_type(raw.content_type);
    if (!type || type->value != "application/json") return fail(Fault::malformed, "Content-Type: must be application/json");
  }
  return parse_object(raw.body);
}

Result<Parsed> parse(const Instance& instance, const Raw& raw) {
  auto body = read_body(raw);
  if (!body) return body.error();
  auto key = read_key(raw, *body);
  if (!key) return key.error();
  auto sender = read_sender(instance, *body);
  if (!sender) return sender.error();

  Parsed parsed;
  Message message;
  message.tenant = instance.tenant;
  message.connector = instance.id;
  message.channel = http_connector.channel;
  message.received_at = raw.received_at;
  message.from = std::move(*sender);
  identify(message, std::move(*key));
  auto read = read_texts(*body, message);
  if (read) read = read_times_and_thread(*body, message);
  if (read) read = attach_members(*body, parsed, message);
  if (!read) return read.error();
  if (message.text.empty() && message.attachments.empty()) return fail(Fault::malformed, "text: missing");
  for (const char* taken : {"id", "from", "subject", "text", "conversation", "language", "sent_at", "attachments"}) body->erase(taken);
  auto extra = extra_fields(std::move(*body));
  if (!extra) return extra.error();
  message.extra = std::move(*extra);
  parsed.messages.push_back(std::move(message));
  return parsed;
}

// The program fetches them with its own token.
json::array files_of(const Instance& instance, const Outbound& outbound) {
  json::array files;
  const std::string at = outbound.public_url + "/v1/channels/" + instance.id.text() + "/replies/" + outbound.reply.text() + "/blobs/";
  for (const Attachment& one : outbound.attachments)
    files.push_back(json::object{{"name", one.name}, {"type", one.type}, {"size", one.size}, {"sha256", one.sha256}, {"url", at + one.sha256}});
  return files;
}

json::object reply_data(const Instance& instance, const Outbound& outbound) {
  json::array identities;
  for (const Identity& identity : outbound.in_reply_to.from.identities)
    identities.push_back(json::object{{"kind", identity.kind}, {"value", identity.value}});
  const auto& key = outbound.in_reply_to.thread.key;
  return json::object{{"id", outbound.reply.text()},
                      {"conversation", outbound.conversation.text()},
                      {"conversation_key", key ? json::value(*key) : json::value()},
                      {"in_reply_to", outbound.in_reply_to.id.text()},
                      {"in_reply_to_key", outbound.in_reply_to.provider_message_id},
                      {"author_name", outbound.author},
                      {"text", outbound.text},
                      {"attachments", files_of(instance, outbound)},
                      {"to", json::object{{"identities", std::move(identities)}}}};
}

// webhook-id is the reply's own id, equal at every attempt: the receiver drops a repeat by it.
Result<Rendered> render(const Instance& instance, const Outbound& outbound, Instant now) {
  const std::string& url = instance.options.text("webhook_url");
  if (url.empty()) return Rendered{Kept{json::serialize(reply_data(instance, outbound))}};
  const json::object event{{"type", "message.reply"}, {"timestamp", format_rfc3339(outbound.written_at)}, {"data", reply_data(instance, outbound)}};
  HttpPost post{url, {}, json::serialize(event)};
  std::vector<std::string_view> secrets{instance.options.text("webhook_secret")};
  if (const auto& previous = instance.options.text("webhook_secret_previous"); !previous.empty()) secrets.push_back(previous);
  auto headers = sign_webhook(secrets, outbound.reply.text(), now, post.body);
  if (!headers) return headers.error();
  post.headers = std::move(*headers);
  post.headers.emplace_back("content-type", "application/json");
  return Rendered{std::move(post)};
}

}  // namespace

constinit const Connector http_connector{
    .type = "http",
    .channel = "http",
    .about = "Any program as a channel: posts with a bearer token, replies by signed webhook or polled.",
    .keys = keys,
    .files_out = FilesOut::links,
    .check = check,
    .verify = verify,
    .parse = parse,
    .render = render,
};

}  // namespace usher::connectors
