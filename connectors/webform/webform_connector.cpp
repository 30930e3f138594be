// Web forms: a page's <form> or fetch() as a message. Anybody may send one, so nothing it says is believed: identities
// are unverified, a filled honeypot is answered as if taken and kept nowhere, and replies wait at a private link.
//
// Journey: POST /v1/forms/NAME -> ingress -> [parse] -> journal; egress -> [render] -> kept for the link.
#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>

#include "connectors/attached_file.hpp"
#include "connectors/catalog.hpp"
#include "connectors/findings.hpp"
#include "connectors/json_input.hpp"
#include "connectors/message_id.hpp"
#include "connectors/text_rules.hpp"
#include "connectors/web_address.hpp"
#include "connectors/webform/webform_input.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

using config::Key;
using config::Kind;

constexpr Key keys[] = {
    {"origins", Kind::list, false, "", "Pages whose scripts and forms may post, as https://host; empty: any page."},
    {"fields", Kind::map, false, "", "How the form names its fields: any of name, email, phone, subject, message, nonce."},
    {"honeypot", Kind::text, false, "website", "A field that people do not see; a form in which it is filled is dropped in silence."},
    {"redirect_to", Kind::list, false, "", "Where a form without scripts may send the browser afterwards, by its field `redirect`."},
    {"per_address_per_minute", Kind::number, false, "30", "Forms that one network address may send in a minute."},
    {"fill_time_min", Kind::duration, false, "0s", "A form sent sooner than this after its page was opened is refused; 0s: any is taken. At most 10m."},
    {"fill_time_field", Kind::text, false, "elapsed_ms", "The field in which the page says for how many milliseconds the form was open."},
    {"text_bytes_max", Kind::number, false, "65536", "The longest message, in bytes; at most 262144."},
};

constexpr long long fill_time_most = 10 * 60 * 1000;

constexpr std::array<std::string_view, 6> roles{"name", "email", "phone", "subject", "message", "nonce"};

// How this form calls it.
std::string field_of(const Instance& instance, std::string_view role) {
  const auto& fields = instance.options.map("fields");
  const auto found = fields.find(std::string(role));
  return found == fields.end() ? std::string(role) : found->second;
}

void check_fields(const Instance& instance, Findings& findings) {
  std::vector<std::string> taken;
  if (const auto& honeypot = instance.options.text("honeypot"); !honeypot.empty()) taken.push_back(honeypot);
  if (instance.options.number("fill_time_min") > 0) {
    const auto& field = instance.options.text("fill_time_field");
    if (field.empty() || std::find(taken.begin(), taken.end(), field) != taken.end())
      findings.add("fill_time_field", "must name a field of its own");
    else taken.push_back(field);
  }
  for (const auto& [role, field] : instance.options.map("fields")) {
    if (std::find(roles.begin(), roles.end(), role) == roles.end())
      findings.add("fields." + role, "must be one of name, email, phone, subject, message, nonce");
    if (field.empty()) findings.add("fields." + role, "is empty");
  }
  for (const std::string_view role : roles) {
    const std::string field = field_of(instance, role);
    if (field.empty()) continue;
    if (std::find(taken.begin(), taken.end(), field) != taken.end())
      findings.add("fields." + std::string(role), "the form's field " + field + " has another meaning already");
    taken.push_back(field);
  }
}

// What is refused is shown, but for a password that stands in it.
std::string shown(const std::string& address) { return address.find('@') == std::string::npos ? ": " + address : std::string(); }

Result<void> check(const Instance& instance) {
  Findings findings;
  for (const auto& origin : instance.options.list("origins"))
    if (!is_origin(origin)) findings.add("origins", "must be https://host without user information or a path" + shown(origin));
  for (const auto& url : instance.options.list("redirect_to"))
    if (!is_web_address(url)) findings.add("redirect_to", "must be an http or https address without user information" + shown(url));
  if (instance.options.number("per_address_per_minute") < 1 || instance.options.number("per_address_per_minute") > 1'000'000)
    findings.add("per_address_per_minute", "must be 1 to 1000000");
  const long long text_max = instance.options.number("text_bytes_max");
  if (text_max < 1 || text_max > static_cast<long long>(limits::message_text_bytes_max))
    findings.add("text_bytes_max", "must be 1 to 262144");
  if (instance.options.number("fill_time_min") < 0 || instance.options.number("fill_time_min") > fill_time_most)
    findings.add("fill_time_min", "must be 0s to 10m");
  check_fields(instance, findings);
  return findings.result();
}

const std::string& header(const Raw& raw, const char* name) {
  static const std::string none;
  const auto found = raw.headers.find(name);
  return found == raw.headers.end() ? none : found->second;
}

// A foreign page may not post in its visitors' names. Browsers always say where a form stands; other programs need not,
// and could say anything.
Result<void> verify(const Instance& instance, const Raw& raw, Instant) {
  const auto& allowed = instance.options.list("origins");
  const std::string& origin = header(raw, "origin");
  if (allowed.empty() || origin.empty()) return {};
  // Usher's own page at the private link. Its Origin is `null`, since it sends no referrer; this header no script can set.
  if (header(raw, "sec-fetch-site") == "same-origin") return {};
  if (std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) return {};
  return fail(Fault::unauthorised, "this page may not post to this form");
}

// Takes the field out; none when it is absent or no number. A script's JSON may say it as a number.
Result<std::optional<long long>> take_elapsed(WebformInput& input, const std::string& field) {
  if (const auto* value = input.object.if_contains(field); value != nullptr && value->is_number()) {
    boost::system::error_code wrong;
    const auto number = value->to_number<long long>(wrong);
    input.object.erase(field);
    return wrong ? std::nullopt : std::optional(number);
  }
  auto text = take_text(input, field);
  if (!text) return text.error();
  long long number = 0;
  const std::string digits = text->value_or("");
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::optional<long long>();
  return std::optional(number);
}

// Robots do not wait, and most run no scripts. It is no proof: whoever reads the page can send any number. Said openly and
// not dropped in silence, since a browser that fills in by itself is as fast, and its person can send it again.
Result<void> check_fill_time(const Instance& instance, const Raw& raw, WebformInput& input) {
  const auto least = instance.options.number("fill_time_min");
  if (least == 0) return {};
  const auto& field = instance.options.text("fill_time_field");
  const auto elapsed = take_elapsed(input, field);
  if (!elapsed) return elapsed.error();
  // The page at the private link has no such field, and who has the link has passed before.
  if (raw.in_thread) return {};
  if (!*elapsed) return fail(Fault::malformed, field + ": missing; the page must say for how long the form was open");
  if (**elapsed < least) return fail(Fault::malformed, field + ": sent too soon after the form was opened; send it again in a moment");
  return {};
}

struct Known {
  std::string name, email, phone, subject, message, nonce;
};

Result<std::string> take(const Instance& instance, WebformInput& input, std::string_view role) {
  const std::string field = field_of(instance, role);
  auto text = take_text(input, field);
  // The answer form at the private link and many scripts say `text`.
  if (text && !*text && role == "message" && field == role) text = take_text(input, "text");
  if (!text) return text.error();
  const std::string value = text->value_or("");
  const auto text_max = static_cast<std::size_t>(instance.options.number("text_bytes_max"));
  auto checked = role == "message" ? check_text(field, value, text_max) : check_line(field, value);
  if (!checked) return checked.error();
  return value;
}

Result<Known> take_known(const Instance& instance, WebformInput& input) {
  Known known;
  const std::array<std::string*, roles.size()> places{&known.name, &known.email, &known.phone, &known.subject, &known.message, &known.nonce};
  for (std::size_t i = 0; i < roles.size(); ++i) {
    auto text = take(instance, input, roles[i]);
    if (!text) return text.error();
    *places[i] = std::move(*text);
  }
  return known;
}

std::string key_of_content(const Raw& raw, const WebformInput& input) {
  std::vector<std::string_view> texts{raw.remote};
  for (const auto& [name, text] : input.texts) {
    texts.push_back(name);
    texts.push_back(text);
  }
  const std::string others = boost::json::serialize(input.object);
  texts.push_back(others);
  for (const FormPart& file : input.files) {
    texts.push_back(file.file_name);
    texts.push_back(file.bytes);
  }
  return content_key(texts);
}

std::vector<Identity> identities(const Known& known, MessageId id) {
  std::vector<Identity> list;
  if (!known.email.empty()) list.push_back(email_identity(known.email));
  if (!known.phone.empty()) list.push_back(phone_identity(known.phone));
  if (list.empty()) list.push_back(anonymous_identity(id));
  return list;
}

Result<void> attach_all(WebformInput& input, Parsed& parsed, Message& message) {
  auto attached = attach_members(input.object, parsed, message);
  input.object.erase("attachments");
  for (const FormPart& file : input.files)
    if (attached) attached = attach_file(parsed, message, file.file_name, file.type, std::string(file.bytes));
  return attached;
}

Result<Parsed> parse(const Instance& instance, const Raw& raw) {
  auto input = read_webform(raw);
  if (!input) return input.error();
  Parsed parsed;
  if (const auto& honeypot = instance.options.text("honeypot"); !honeypot.empty()) {
    auto bait = take_text(*input, honeypot);
    if (!bait || !bait->value_or("").empty()) return parsed;
  }
  if (!instance.options.list("redirect_to").empty()) {
    auto redirect = take_text(*input, "redirect");
    if (!redirect) return redirect.error();
  }
  auto waited = check_fill_time(instance, raw, *input);
  if (!waited) return waited.error();
  const std::string content = key_of_content(raw, *input);
  auto known = take_known(instance, *input);
  if (!known) return known.error();
  auto key = provider_key(raw, known->nonce);
  if (!key) return key.error();
  if (key->empty()) parsed.content_key = content;

  Message message;
  message.tenant = instance.tenant;
  message.connector = instance.id;
  message.channel = webform_connector.channel;
  message.received_at = raw.received_at;
  identify(message, key->empty() ? content_provider_id(content, raw.received_at) : std::move(*key));
  message.from.identities = identities(*known, message.id);
  message.from.display_name = std::move(known->name);
  message.subject = std::move(known->subject);
  message.text = std::move(known->message);
  message.text_new = message.text;
  if (!message.text.empty()) message.parts.emplace_back("text/plain");
  auto attached = attach_all(*input, parsed, message);
  if (!attached) return attached.error();
  if (message.text.empty() && message.attachments.empty())
    return fail(Fault::malformed, field_of(instance, "message") + ": missing");
  auto extra = extra_fields(further_fields(std::move(*input)));
  if (!extra) return extra.error();
  message.extra = std::move(*extra);
  parsed.messages.push_back(std::move(message));
  return parsed;
}

// The customer reads it at the private link, from the state: nothing leaves this machine.
Result<Rendered> render(const Instance&, const Outbound& outbound, Instant) {
  boost::json::array files;
  for (const Attachment& one : outbound.attachments)
    files.push_back(boost::json::object{{"name", one.name}, {"type", one.type}, {"size", one.size}, {"sha256", one.sha256}});
  const boost::json::object kept{{"id", outbound.reply.text()},
                                 {"conversation", outbound.conversation.text()},
                                 {"in_reply_to", outbound.in_reply_to.id.text()},
                                 {"author_name", outbound.author},
                                 {"text", outbound.text},
                                 {"attachments", std::move(files)},
                                 {"at", format_rfc3339(outbound.written_at)}};
  return Rendered{Kept{boost::json::serialize(kept)}};
}

}  // namespace

constinit const Connector webform_connector{
    .type = "webform",
    .channel = "webform",
    .about = "Forms on web pages, with files; the customer reads the answer at a private link.",
    .keys = keys,
    .files_out = FilesOut::links,
    .check = check,
    .verify = verify,
    .parse = parse,
    .render = render,
};

}  // namespace usher::connectors
