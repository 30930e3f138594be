// Message to JSON and back. Members stand in the order of docs/message-format.md; those this version does not know are
// kept as the text they came in, so that a number or an order we cannot represent passes through unchanged.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "routing/message/wire.hpp"
#include "routing/message/wire_attachments.hpp"
#include "routing/message/wire_json.hpp"

namespace usher::message {

namespace {

using wire::Need;
using wire::Place;
using wire::Problem;
using wire::Reader;
using wire::Writer;

constexpr std::array<std::string_view, 24> member_names{
    "v",           "id",          "tenant",    "connector", "channel",  "provider_message_id",
    "thread",      "from",        "to",        "cc",        "reply_to", "delivered_to",
    "sent_at",     "received_at", "subject",   "text",      "text_new", "html_ref",
    "attachments", "parts",       "automated", "language",  "labels",   "raw_ref"};

// In the order of enum Automated.
constexpr std::array<std::string_view, 5> automated_names{"auto-reply", "bounce", "delivery-report", "feedback-report",
                                                          "bulk"};

// In the order of enums Verification::Result and Method.
constexpr std::array<std::string_view, 3> verification_results{"pass", "fail", "unknown"};
constexpr std::array<std::string_view, 3> verification_methods{"dmarc", "dkim", "spf"};

// --- Writing ---

// A sender's identity always says whether it is verified; an address written to says so only when it is.
enum class Verified { always, if_true };

void write(Writer& out, std::string_view name, const std::vector<Identity>& identities, Verified verified) {
  out.list(name, identities, [&](const Identity& identity) {
    out.begin_object();
    out.text("kind", identity.kind);
    out.text("value", identity.value);
    if (verified == Verified::always || identity.verified) out.flag("verified", identity.verified);
    out.end_object();
  });
}

void write(Writer& out, const Thread& thread) {
  out.key("thread");
  out.begin_object();
  out.texts("in_reply_to", thread.in_reply_to);
  out.texts("references", thread.references);
  thread.token ? out.id("token", *thread.token) : out.null("token");
  out.optional_text("key", thread.key);
  out.end_object();
}

void write(Writer& out, const Sender& sender) {
  out.key("from");
  out.begin_object();
  write(out, "identities", sender.identities, Verified::always);
  out.text("display_name", sender.display_name);
  if (sender.verification) {
    out.key("verification");
    out.begin_object();
    out.text("result", verification_results.at(static_cast<std::size_t>(sender.verification->result)));
    const auto method = sender.verification->method;
    method ? out.text("method", verification_methods.at(static_cast<std::size_t>(*method))) : out.null("method");
    out.text("domain", sender.verification->domain);
    out.end_object();
  }
  out.end_object();
}

}  // namespace

std::string encode(const Message& message) {
  Writer out(1024 + message.subject.size() + message.text.size() + message.text_new.size() + message.extra.size());
  out.begin_object();
  out.number("v", 1);
  out.id("id", message.id);
  out.name("tenant", message.tenant);
  out.name("connector", message.connector);
  out.text("channel", message.channel);
  out.text("provider_message_id", message.provider_message_id);
  write(out, message.thread);
  write(out, message.from);
  write(out, "to", message.to, Verified::if_true);
  write(out, "cc", message.cc, Verified::if_true);
  write(out, "reply_to", message.reply_to, Verified::if_true);
  write(out, "delivered_to", message.delivered_to, Verified::if_true);
  message.sent_at ? out.time("sent_at", *message.sent_at) : out.null("sent_at");
  out.time("received_at", message.received_at);
  out.text("subject", message.subject);
  out.text("text", message.text);
  out.text("text_new", message.text_new);
  out.optional_text("html_ref", message.html_ref);
  wire::write_attachments(out, message.attachments);
  out.texts("parts", message.parts);
  message.automated ? out.text("automated", automated_names.at(static_cast<std::size_t>(*message.automated)))
                    : out.null("automated");
  out.optional_text("language", message.language);
  out.texts("labels", message.labels);
  out.optional_text("raw_ref", message.raw_ref);
  if (!message.extra.empty()) out.members_of(message.extra);
  out.end_object();
  return out.take();
}

// --- Reading ---

namespace {

void read_identities(Reader& in, std::string_view name, Need need, std::vector<Identity>& out) {
  in.objects(name, need, limits::list_items_max, [&](Reader& item) {
    Identity& identity = out.emplace_back();
    item.text("kind", identity.kind, wire::name_text);
    item.text("value", identity.value, wire::name_text);
    item.flag_if_any("verified", identity.verified);
  });
}

void read_thread(Reader& in, Thread& out) {
  in.texts("in_reply_to", out.in_reply_to);
  in.texts("references", out.references);
  in.optional_id("token", out.token);
  in.optional_text("key", out.key);
}

void read_verification(Reader& in, Verification& out) {
  if (const auto result = in.choice("result", verification_results, Need::required)) out.result = static_cast<Verification::Result>(*result);
  if (const auto method = in.choice("method", verification_methods, Need::optional)) out.method = static_cast<Verification::Method>(*method);
  in.text("domain", out.domain, wire::short_text_if_any);
}

void read_content(Reader& in, Message& out) {
  in.text("subject", out.subject, wire::short_text_if_any);
  in.text("text", out.text, wire::long_text_if_any);
  in.text("text_new", out.text_new, wire::long_text_if_any);
  in.optional_text("html_ref", out.html_ref);
  wire::read_attachments(in, out.attachments);
  in.texts("parts", out.parts);
  const auto automated = in.choice("automated", automated_names, Need::optional);
  if (automated) out.automated = static_cast<Automated>(*automated);
  in.optional_text("language", out.language);
  if (in.ok() && out.language && !is_language(*out.language)) in.refuse("language", "must be a lower-case BCP 47 tag");
  in.texts("labels", out.labels);
  // A set, whatever order it came in.
  std::sort(out.labels.begin(), out.labels.end());
  out.labels.erase(std::unique(out.labels.begin(), out.labels.end()), out.labels.end());
  in.optional_text("raw_ref", out.raw_ref);
}

void read_message(Reader& in, Message& out) {
  in.version();
  in.id("id", out.id);
  if (in.ok() && out.id.empty()) in.refuse("id", "must not be zero");
  in.name("tenant", out.tenant);
  in.name("connector", out.connector);
  in.text("channel", out.channel, wire::name_text);
  in.text("provider_message_id", out.provider_message_id);
  in.nested("thread", Need::optional, [&](Reader& thread) { read_thread(thread, out.thread); });
  in.nested("from", Need::required, [&](Reader& from) {
    read_identities(from, "identities", Need::required, out.from.identities);
    from.text("display_name", out.from.display_name, wire::short_text_if_any);
    from.nested("verification", Need::optional, [&](Reader& found) { read_verification(found, out.from.verification.emplace()); });
  });
  read_identities(in, "to", Need::optional, out.to);
  read_identities(in, "cc", Need::optional, out.cc);
  read_identities(in, "reply_to", Need::optional, out.reply_to);
  read_identities(in, "delivered_to", Need::optional, out.delivered_to);
  in.optional_time("sent_at", out.sent_at);
  in.time("received_at", out.received_at);
  read_content(in, out);
}

// --- Members this version does not know ---

// The same JSON without white space between its tokens. Requires: `json` was parsed without error.
std::string without_space(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    out.push_back(c);
    if (in_string && c == '\\') out.push_back(json[++i]);
  }
  return out;
}

// Where the value, or key, that starts at `at` ends.
std::size_t end_of_value(std::string_view json, std::size_t at) {
  bool in_string = false;
  for (std::size_t depth = 0;; ++at) {
    const char c = json[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']')) return at;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
  }
}

// A key may be spelled with escapes; two spellings are one member.
std::string key_name(std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos) return std::string(quoted.substr(1, quoted.size() - 2));
  boost::system::error_code error;
  const auto key = boost::json::parse(quoted, error);
  return key.is_string() ? std::string(key.get_string()) : std::string();
}

std::string unknown_members(std::string_view json) {
  const std::string compact = without_space(json);
  std::vector<std::pair<std::string, std::string_view>> members;
  for (std::size_t at = 1; compact[at] != '}';) {
    const std::size_t from = at;
    const std::size_t colon = end_of_value(compact, from);
    at = end_of_value(compact, colon + 1);
    const auto member = std::string_view(compact).substr(from, at - from);
    if (compact[at] == ',') ++at;

    const std::string name = key_name(member.substr(0, colon - from));
    if (std::find(member_names.begin(), member_names.end(), name) != member_names.end()) continue;
    // Of a member given twice the last counts, as for those we know.
    const auto same = [&](const auto& other) { return other.first == name; };
    const auto before = std::find_if(members.begin(), members.end(), same);
    if (before != members.end()) members.erase(before);
    members.emplace_back(name, member);
  }
  std::string out;
  for (const auto& [name, member] : members) out.append(out.empty() ? "{" : ",").append(member);
  return out + "}";
}

}  // namespace

bool is_language(std::string_view text) {
  const std::size_t primary = std::min(text.find('-'), text.size());
  if (primary < 2 || primary > 8 || text.size() > 64 || text.back() == '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9' && i > primary;
    const bool hyphen = c == '-' && text[i - 1] != '-';
    if (!(c >= 'a' && c <= 'z') && !digit && !hyphen) return false;
  }
  return true;
}

Result<Message> decode_message(std::string_view json) {
  wire::Document document;
  const auto root = document.parse(json);
  if (!root) return root.error();
  const Place place;
  Problem problem;
  Reader in(**root, place, problem);
  Message message;
  read_message(in, message);
  if (in.unknown() > limits::list_items_max) {
    in.refuse("", "over " + std::to_string(limits::list_items_max) + " unknown members", Fault::too_large);
  }
  if (problem.found()) return problem.error();
  if (in.unknown() > 0) message.extra = unknown_members(json);
  return message;
}

}  // namespace usher::message
