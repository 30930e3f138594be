// Inbound mail: one function a provider that names the pieces, one place that puts them together.
#include "connectors/email/inbound_webhook.hpp"

#include <algorithm>
#include <deque>
#include <tuple>

#include <boost/json.hpp>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/encoded_words.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/posted_form.hpp"
#include "connectors/email/rebuilt_mail.hpp"
#include "connectors/email/sender_check.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email {

namespace json = boost::json;

namespace {

// Null when it cannot be read: what a provider says beside the mail is no reason to lose the mail.
json::value read_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = usher::message::limits::json_depth_max;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  return error ? json::value() : value;
}

std::string_view text_of(const json::value* value) {
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::string_view member(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  return object == nullptr ? std::string_view() : text_of(object->if_contains(name));
}

const json::array& list_member(const json::value& value, std::string_view name) {
  static const json::array none;
  const json::object* object = value.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

// MAIL FROM as providers write it, with or without brackets. What is no address says nothing.
std::optional<std::string> envelope_address(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('<') && text.ends_with('>')) text = trimmed(text.substr(1, text.size() - 2));
  if (text.empty() || is_mail_address(text)) return std::string(text);
  return std::nullopt;
}

void add_recipient(MailArrival& arrival, std::string_view text) {
  const auto address = envelope_address(text);
  if (address && !address->empty() && arrival.recipients.size() < limits::mailboxes_max) arrival.recipients.push_back(*address);
}

bool has_header(const MailPieces& pieces, std::string_view name) {
  return std::any_of(pieces.headers.begin(), pieces.headers.end(), [&](const HeaderField& field) { return ascii_lower(field.name) == name; });
}

// What the provider tells apart from the header: used where the header itself is not there.
void add_missing(MailPieces& pieces, std::string_view name, std::string_view value) {
  if (!trimmed(value).empty() && !has_header(pieces, ascii_lower(name))) pieces.headers.push_back({std::string(name), to_utf8(value, "")});
}
// The same for text that is decoded already: an encoded word in it is what the customer typed.
void add_missing_words(MailPieces& pieces, std::string_view name, std::string_view text) {
  add_missing(pieces, name, HeaderText::words(text).text());
}

bool is_attachment_name(std::string_view name) {
  if (!name.starts_with("attachment")) return false;
  name.remove_prefix(10);
  if (name.starts_with('-')) name.remove_prefix(1);
  return !name.empty() && name.size() <= 4 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Files in the order of their numbers, which is that of the mail: a repeat may send its fields in another one, and the message's
// id depends on it. A file that has no name in the mail is posted as a plain field.
std::vector<const PostedField*> files_of(const PostedForm& form) {
  std::vector<const PostedField*> files;
  for (const PostedField& field : form.fields)
    if (field.is_file || is_attachment_name(field.name)) files.push_back(&field);
  // Two of one name keep their order: their addresses within the form tell it.
  std::sort(files.begin(), files.end(), [](const PostedField* a, const PostedField* b) {
    return std::tuple(a->name.size(), std::string_view(a->name), a) < std::tuple(b->name.size(), std::string_view(b->name), b);
  });
  return files;
}

// {"<id>": "attachment-1"}.
std::string content_id_of(const json::value& map, std::string_view field) {
  if (const json::object* object = map.if_object())
    for (const auto& [id, name] : *object)
      if (text_of(&name) == field) return std::string(id);
  return {};
}

bool is_empty(const MailPieces& pieces) {
  return pieces.text.empty() && pieces.html.empty() && pieces.files.empty() &&
         std::none_of(pieces.headers.begin(), pieces.headers.end(), [](const HeaderField& field) { return !field.value.empty(); });
}

Result<InboundMail> from_pieces(InboundMail mail, const MailPieces& pieces) {
  if (is_empty(pieces)) return fail(Fault::malformed, "the request holds no mail");
  RebuiltMail rebuilt = rebuild_mail(pieces);
  mail.mime = std::move(rebuilt.bytes);
  mail.arrival.cut = mail.arrival.cut || rebuilt.cut;
  mail.rebuilt = true;
  return mail;
}

Result<InboundMail> read_sendgrid(const Raw& raw) {
  auto form = read_posted_form(raw);
  if (!form) return form.error();
  InboundMail mail;
  const json::value envelope = read_json(form->bytes("envelope"));
  if (envelope.is_object() && envelope.get_object().contains("from")) mail.arrival.sender = envelope_address(member(envelope, "from"));
  for (const json::value& recipient : list_member(envelope, "to")) add_recipient(mail.arrival, text_of(&recipient));
  mail.arrival.cut = form->cut;
  if (form->find("SPF") != nullptr || form->find("dkim") != nullptr)
    mail.arrival.checks = sendgrid_checks(form->bytes("SPF"), form->bytes("dkim"), mail.arrival.sender);
  if (const std::string_view whole = form->bytes("email"); !whole.empty()) {
    mail.mime = whole;
    return mail;
  }
  // Each field is in its own character set.
  const json::value charsets = read_json(form->bytes("charsets"));
  const auto text = [&](std::string_view name) { return to_utf8(form->bytes(name), member(charsets, name)); };
  MailPieces pieces;
  HeaderBlock block = read_header_block(form->bytes("headers"));
  pieces.headers = std::move(block.headers.fields);
  mail.arrival.cut = mail.arrival.cut || block.cut;
  for (const std::string_view name : {"From", "To", "Cc"}) add_missing(pieces, name, text(ascii_lower(name)));
  add_missing_words(pieces, "Subject", text("subject"));
  pieces.text = text("text");
  pieces.html = text("html");
  const json::value ids = read_json(form->bytes("content-ids")), told = read_json(form->bytes("attachment-info"));
  for (const PostedField* field : files_of(*form)) {
    const json::value* about = told.is_object() ? told.get_object().if_contains(field->name) : nullptr;
    const json::value nothing;
    const json::value& info = about == nullptr ? nothing : *about;
    PieceFile file{field->type, field->file_name, content_id_of(ids, field->name), field->bytes};
    if (file.type.empty()) file.type = member(info, "type");
    for (const char* name : {"filename", "name"})
      if (file.name.empty()) file.name = decode_words(to_utf8(member(info, name), ""));
    if (file.content_id.empty()) file.content_id = member(info, "content-id");
    pieces.files.push_back(std::move(file));
  }
  return from_pieces(std::move(mail), pieces);
}

Result<InboundMail> read_mailgun(const Raw& raw) {
  auto form = read_posted_form(raw);
  if (!form) return form.error();
  InboundMail mail;
  mail.token = form->bytes("token");
  if (form->find("sender") != nullptr) mail.arrival.sender = envelope_address(form->bytes("sender"));
  for (std::string_view rest = form->bytes("recipient"); !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    add_recipient(mail.arrival, rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  mail.arrival.cut = form->cut;
  if (const std::string_view whole = form->bytes("body-mime"); !whole.empty()) {
    mail.mime = whole;
    mail.arrival.checks = mailgun_checks(read_header_block(whole).headers, mail.arrival.sender);
    return mail;
  }
  MailPieces pieces;
  const json::value headers = read_json(form->bytes("message-headers"));
  if (const json::array* list = headers.if_array()) {
    for (const json::value& one : *list) {
      const json::array* pair = one.if_array();
      if (pair == nullptr || pair->size() != 2) continue;
      pieces.headers.push_back({std::string(text_of(&(*pair)[0])), std::string(text_of(&(*pair)[1]))});
    }
  }
  mail.arrival.checks = mailgun_checks({pieces.headers}, mail.arrival.sender);
  for (const std::string_view name : {"From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Auto-Submitted"})
    add_missing(pieces, name, form->bytes(name));
  add_missing(pieces, "From", form->bytes("from"));
  add_missing_words(pieces, "Subject", to_utf8(form->bytes("subject"), ""));
  pieces.text = to_utf8(form->bytes("body-plain"), "");
  pieces.html = to_utf8(form->bytes("body-html"), "");
  const json::value ids = read_json(form->bytes("content-id-map"));
  for (const PostedField* field : files_of(*form)) pieces.files.push_back({field->type, field->file_name, content_id_of(ids, field->name), field->bytes});
  return from_pieces(std::move(mail), pieces);
}

// As a header field; a display name is decoded text.
std::string postmark_mailbox(const json::value& told, std::string_view full, std::string_view plain) {
  const json::object* object = told.if_object();
  const json::value* parts = object == nullptr ? nullptr : object->if_contains(full);
  if (parts != nullptr)
    if (const auto mailbox = HeaderText::mailbox(member(*parts, "Name"), member(*parts, "Email"))) return mailbox->text();
  return std::string(member(told, plain));
}

Result<InboundMail> read_postmark(const Raw& raw) {
  const json::value told = read_json(raw.body);
  if (!told.is_object()) return fail(Fault::malformed, "the body is not a JSON object");
  InboundMail mail;
  add_recipient(mail.arrival, member(told, "OriginalRecipient"));
  MailPieces pieces;
  for (const json::value& header : list_member(told, "Headers")) {
    const std::string_view name = member(header, "Name"), value = member(header, "Value");
    // Postmark does not tell the envelope; where its servers wrote it down, it is here.
    if (ascii_lower(name) == "return-path" && !mail.arrival.sender) mail.arrival.sender = envelope_address(value);
    pieces.headers.push_back({std::string(name), std::string(value)});
  }
  const json::value* full = told.get_object().if_contains("FromFull");
  mail.arrival.checks = postmark_checks({pieces.headers}, full == nullptr ? std::string_view() : member(*full, "Email"));
  if (const std::string_view whole = member(told, "RawEmail"); !whole.empty()) {
    mail.mime = whole;
    return mail;
  }
  add_missing(pieces, "From", postmark_mailbox(told, "FromFull", "From"));
  for (const std::string_view name : {"To", "Cc", "Date"}) add_missing(pieces, name, member(told, name));
  add_missing(pieces, "Reply-To", member(told, "ReplyTo"));
  add_missing_words(pieces, "Subject", member(told, "Subject"));
  pieces.text = to_utf8(member(told, "TextBody"), "utf-8");
  pieces.html = to_utf8(member(told, "HtmlBody"), "utf-8");
  std::deque<std::string> decoded;
  for (const json::value& one : list_member(told, "Attachments")) {
    if (!one.is_object()) continue;
    auto bytes = decode_base64(member(one, "Content"));
    if (!bytes) mail.arrival.cut = true;  // Damaged: it is named, and what is there is kept.
    decoded.push_back(bytes ? std::move(*bytes) : std::string(member(one, "Content")));
    std::string type(member(one, "ContentType"));
    type.resize(std::min(type.find(';'), type.size()));
    pieces.files.push_back({std::move(type), to_utf8(member(one, "Name"), "utf-8"), std::string(member(one, "ContentID")), decoded.back()});
  }
  return from_pieces(std::move(mail), pieces);
}

}  // namespace

Result<InboundMail> read_inbound(InboundProvider provider, const Raw& raw) {
  if (raw.body.size() > limits::webhook_body_bytes_max) return fail(Fault::too_large, "the body is too large");
  switch (provider) {
    case InboundProvider::sendgrid: return read_sendgrid(raw);
    case InboundProvider::mailgun: return read_mailgun(raw);
    case InboundProvider::postmark: return read_postmark(raw);
  }
  return fail(Fault::malformed, "no such provider");
}

int refusal_status(InboundProvider provider, Fault fault) {
  const bool sendgrid = provider == InboundProvider::sendgrid;
  switch (fault) {
    // It would be the same the next time.
    case Fault::malformed:
    case Fault::too_large:
      if (sendgrid) return fault == Fault::malformed ? 400 : 413;
      return provider == InboundProvider::mailgun ? 406 : 403;
    // SendGrid drops a mail at any 4xx, and a wrong secret is mended in less than its three days.
    case Fault::unauthorised: return sendgrid ? 503 : 401;
    case Fault::not_found: return sendgrid ? 503 : 404;
    case Fault::conflict:
    case Fault::overloaded:
    case Fault::unavailable: break;
  }
  return 503;
}

}  // namespace usher::connectors::email
