// Mail to message: the same limits as the wire form has, kept here, so that no mail can become a record nobody can read.
#include "connectors/email/email_message.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "connectors/attached_file.hpp"
#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/mail_kind.hpp"
#include "connectors/email/mime_reader.hpp"
#include "connectors/email/reply_text.hpp"
#include "connectors/email/sender_check.hpp"
#include "connectors/file_type.hpp"
#include "connectors/message_id.hpp"
#include "connectors/signature.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors::email {

namespace {

namespace wire = usher::message::limits;

std::string short_text(std::string_view text) { return std::string(cut_utf8(text, wire::short_field_bytes_max)); }

std::vector<std::string> short_list(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const auto& text : texts)
    if (!text.empty() && out.size() < wire::list_items_max) out.push_back(short_text(text));
  return out;
}

std::vector<Identity> identities(const std::vector<Mailbox>& mailboxes) {
  std::vector<Identity> out;
  for (const auto& mailbox : mailboxes)
    if (out.size() < wire::list_items_max) out.push_back({"email", short_text(mailbox.address), false});
  return out;
}

// What makes this mail this mail, whatever way it took: servers add and change other fields.
std::string content_of(const Mail& mail, std::string_view bytes) {
  if (mail.unparsed) return content_key({bytes});
  std::vector<std::string_view> texts{mail.subject, mail.text, mail.html, mail.headers.value("from"), mail.headers.value("date")};
  for (const auto& file : mail.files) {
    texts.push_back(file.name);
    texts.push_back(file.bytes);
  }
  for (const auto& part : mail.report) texts.push_back(part.text);
  return content_key(texts);
}

bool is_media_type(std::string_view type) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("!#$&^_.+-/").find(c) != std::string_view::npos; };
  return type.size() <= 127 && std::count(type.begin(), type.end(), '/') == 1 && type.front() != '/' && type.back() != '/' &&
         std::all_of(type.begin(), type.end(), plain);
}

void keep_files(Mail& mail, Parsed& parsed, Message& message) {
  for (auto& file : mail.files) {
    if (message.attachments.size() == wire::attachments_max || file.bytes.size() > wire::attachment_bytes_max) {
      mail.cut = true;
      continue;
    }
    // A file without a name stays without one: what to call it is the desk's choice, in the agent's language.
    std::string name = file.name.empty() ? std::string() : safe_file_name(file.name);
    std::string type = type_of_file(is_media_type(file.type) ? file.type : "application/octet-stream", file.bytes);
    std::string sha256 = sha256_hex(file.bytes);
    message.attachments.push_back({name, type, file.bytes.size(), sha256, file.inline_part});
    parsed.files.push_back({std::move(name), std::move(type), std::move(file.bytes), std::move(sha256)});
  }
}

std::string keep_blob(Parsed& parsed, std::string name, std::string type, std::string_view bytes) {
  std::string sha256 = sha256_hex(bytes);
  parsed.files.push_back({std::move(name), std::move(type), std::string(bytes), sha256});
  return "sha256-" + sha256;
}

std::string_view word(Delivery delivery) {
  return delivery == Delivery::delivered ? "delivered" : delivery == Delivery::delayed ? "delayed" : "failed";
}

bool reports(const MailKind& kind) {
  return kind.automated && *kind.automated != Automated::auto_reply && *kind.automated != Automated::bulk;
}

bool is_from_us(const MailDoor& door, const Mail& mail) {
  return !mail.from.empty() && std::all_of(mail.from.begin(), mail.from.end(), [&](const Mailbox& one) { return door.own.has(one.address); });
}

// The conversation of a mail of ours that came back: only our secret makes its id, so nobody can claim it. A relay may have
// given it another Message-ID and left X-Usher-Id; that one counts only from us or through a list, since a program of the
// customer's may copy unknown fields into its answer. What reports on our mail may look like it, and is not ours.
std::optional<MessageId> own_thread(const MailDoor& door, const Mail& mail, const MailKind& kind) {
  if (door.threads.secrets.empty() || reports(kind)) return std::nullopt;
  if (auto by_id = verify_message_id(door.threads, mail.message_id)) return by_id;
  const bool comes_round = is_from_us(door, mail) || kind.automated == Automated::bulk;
  return comes_round ? verify_message_id(door.threads, mail.headers.value("x-usher-id")) : std::nullopt;
}

std::string extra_of(const Mail& mail, const MailKind& kind, bool own) {
  boost::json::object said;
  if (mail.unparsed) said["unparsed"] = true;
  if (mail.cut) said["cut"] = true;
  if (own) said["own"] = true;
  if (!kind.recipients.empty()) {
    boost::json::array list;
    for (const auto& one : kind.recipients) {
      if (list.size() == wire::list_items_max) break;
      list.push_back(boost::json::object{{"address", one.address}, {"delivery", word(one.delivery)}, {"status", one.status},
                                         {"permanent", one.permanent()}, {"diagnostic", one.diagnostic}});
    }
    said["recipients"] = std::move(list);
  }
  if (!kind.original_ids.empty()) {
    boost::json::array ids;
    for (const auto& id : short_list(kind.original_ids)) ids.push_back(boost::json::string(id));
    said["original_ids"] = std::move(ids);
  }
  return said.empty() ? std::string() : boost::json::serialize(boost::json::object{{"mail", std::move(said)}});
}

// What a journal record spells with more bytes than the text has: control characters take six, quotes two.
void halve_the_longest(Message& message) {
  std::string& longest = message.text_new.size() > message.text.size() ? message.text_new : message.text;
  if (longest.size() > limits::text_kept_bytes) {
    longest = std::string(cut_utf8(longest, longest.size() / 2));
    return;
  }
  message.extra.clear();
  const auto halve = [](auto& list) { list.resize(list.size() / 2); };
  // Whom a mail of ours speaks for may be many; the first of them is the sender.
  auto& senders = message.from.identities;
  senders.resize(std::max(senders.size() / 2, std::min<std::size_t>(senders.size(), 1)));
  for (auto* list : {&message.to, &message.cc, &message.reply_to, &message.delivered_to}) halve(*list);
  halve(message.thread.in_reply_to);
  halve(message.thread.references);
  halve(message.parts);
}

// A mail is never refused for its size in the journal; the whole of it is kept as a file.
bool fit_one_record(Message& message) {
  constexpr std::size_t record_bytes = wire::record_bytes_max - limits::record_bytes_for_intake;
  bool cut = false;
  for (; encode(MessageReceived{message}).size() > record_bytes; cut = true) halve_the_longest(message);
  return cut;
}

void fill_sender(const MailDoor& door, const Mail& mail, const MailArrival& arrival, Message& message) {
  // A form on one's own site writes as oneself, and says in Reply-To for whom.
  const bool spoken_for = is_from_us(door, mail) && !mail.reply_to.empty() && !door.own.has(mail.reply_to.front().address);
  const auto& from = spoken_for ? mail.reply_to : mail.from;
  message.from.identities = identities(from);
  message.from.verification = verify_sender(mail, door.authserv_id, arrival);
  if (auto& found = message.from.verification) {
    // What was proved is that the mail is ours, and nothing of whom it speaks for.
    if (spoken_for) *found = {};
    found->domain = short_text(found->domain);
    if (found->result == Verification::Result::pass) message.from.identities.front().verified = true;
  }
  if (!from.empty()) message.from.display_name = short_text(from.front().name);
  // Nobody is nobody: two mails without a sender are not from the same person.
  if (message.from.identities.empty()) message.from.identities.push_back(anonymous_identity(message.id));
}

void fill_thread(const MailDoor& door, const Mail& mail, const MailKind& kind, const std::optional<MessageId>& own, Message& message) {
  message.thread.in_reply_to = short_list(mail.in_reply_to);
  message.thread.references = short_list(mail.references);
  if (door.threads.secrets.empty()) return;
  message.thread.token = own ? own : find_thread(door.threads, mail, message.received_at);
  // A report belongs to the conversation of the mail it is about.
  for (const auto& id : kind.original_ids)
    if (!message.thread.token) message.thread.token = verify_message_id(door.threads, id);
}

std::string reason_of(const MailKind& kind) {
  for (const auto& one : kind.recipients)
    if (!one.diagnostic.empty() || !one.status.empty()) return short_text(one.status + (one.status.empty() ? "" : " ") + one.diagnostic);
  return {};
}

// What the mail says of a reply of ours. It went to one recipient, so the worst that is said is what became of it.
void add_report(const MailDoor& door, const MailKind& kind, const Message& message, Parsed& parsed) {
  if (door.threads.secrets.empty() || (kind.automated != Automated::bounce && kind.automated != Automated::delivery_report)) return;
  DeliveryReported report;
  report.attempt = 0;
  report.message = message.id;
  report.state = kind.automated == Automated::bounce ? DeliveryState::failed : DeliveryState::delivered;
  if (!kind.recipients.empty()) {
    const auto says = [&](Delivery delivery) {
      return std::any_of(kind.recipients.begin(), kind.recipients.end(), [&](const auto& one) { return one.delivery == delivery; });
    };
    report.state = says(Delivery::failed) ? DeliveryState::failed : says(Delivery::delayed) ? DeliveryState::deferred : DeliveryState::delivered;
  }
  report.detail = reason_of(kind);
  std::optional<MessageId> reply;
  for (const auto& id : kind.original_ids)
    if (!reply) reply = verify_reply(door.threads, id);
  for (const auto& id : message.thread.in_reply_to)
    if (!reply) reply = verify_reply(door.threads, id);
  if (!reply) reply = message.thread.token;
  if (!reply) return;
  report.reply = *reply;
  parsed.reports.push_back(std::move(report));
}

}  // namespace

Parsed to_message(const MailDoor& door, std::string_view bytes, Instant received_at, const MailArrival& arrival) {
  Mail mail = read_mail(bytes, arrival);
  MailKind kind = classify_mail(mail);
  const auto own = own_thread(door, mail, kind);
  Parsed parsed;
  Message message;
  message.tenant = door.tenant;
  message.connector = door.connector;
  message.channel = "email";
  message.received_at = received_at;
  // Over all mailboxes of a tenant: `mail` stands where other channels have the connector.
  message.id = message_id(door.tenant, ConnectorId("mail"), mail.message_id + '\0' + content_of(mail, bytes));
  message.provider_message_id = mail.message_id.empty() ? "content:" + message.id.text() : short_text(mail.message_id);
  fill_sender(door, mail, arrival, message);
  fill_thread(door, mail, kind, own, message);
  message.to = identities(mail.to);
  message.cc = identities(mail.cc);
  message.reply_to = identities(mail.reply_to);
  for (const auto& address : mail.delivered_to)
    if (message.delivered_to.size() < wire::list_items_max) message.delivered_to.push_back({"email", short_text(address), false});
  // The wire form knows the years 1970 to 9999; a mail from before is dated by its arrival alone.
  if (mail.date && unix_ms(*mail.date) >= 0 && parse_rfc3339(format_rfc3339(*mail.date))) message.sent_at = mail.date;
  message.subject = short_text(mail.subject);
  // Answered as a person's mail, or a list's, it would be answered for ever.
  const bool passed_on = mail.headers.has("x-original-from") || mail.headers.has("x-original-sender");  // By a group, under our name.
  if (own || (!reports(kind) && !passed_on && is_from_us(door, mail) && !recipient_of(message, door.own))) kind.automated = Automated::auto_reply;
  message.text = mail.text;
  message.text_new = mail.unparsed ? mail.text : new_text(mail.text);
  message.automated = kind.automated;
  message.parts = short_list(mail.parts);
  keep_files(mail, parsed, message);
  if (!mail.html.empty()) message.html_ref = keep_blob(parsed, "message.html", "text/html", mail.html);
  if (bytes.size() <= limits::mail_bytes_max) message.raw_ref = keep_blob(parsed, "message.eml", "message/rfc822", bytes);
  else mail.cut = true;
  message.extra = extra_of(mail, kind, own.has_value());
  const bool too_long = fit_one_record(message);
  add_report(door, kind, message, parsed);
  if (too_long) {
    mail.cut = true;
    if (message.extra.empty()) kind = {};
    message.extra = extra_of(mail, kind, own.has_value());
  }
  parsed.messages.push_back(std::move(message));
  return parsed;
}

}  // namespace usher::connectors::email
