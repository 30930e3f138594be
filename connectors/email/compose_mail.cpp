// Composing: headers from HeaderText alone, bodies encoded, boundaries that no encoded body can hold.
#include "connectors/email/compose_mail.hpp"

#include <algorithm>

#include "connectors/email/charset.hpp"
#include "connectors/email/flowed_text.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/header_text.hpp"
#include "connectors/email/mail_body.hpp"
#include "connectors/email/markdown.hpp"
#include "connectors/email/recipient.hpp"
#include "connectors/folded_text.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t references_kept = 20;
constexpr std::size_t quoted_bytes_max = 64 * 1024;

std::string reply_subject(const std::string& subject) {
  const std::string begin = fold(subject.substr(0, 8));
  return begin.starts_with("re:") || begin.starts_with("re :") ? subject : "Re: " + (subject.empty() ? std::string("your message") : subject);
}

// RFC 5322 3.6.4: what the parent named, then the parent; a long thread keeps its first and its newest.
std::vector<HeaderText> references_of(const Message& parent) {
  std::vector<HeaderText> out;
  const auto add = [&](const std::string& id) {
    if (auto text = HeaderText::id(id)) out.push_back(std::move(*text));
  };
  for (const auto& id : parent.thread.references) add(id);
  if (parent.thread.references.empty() && parent.thread.in_reply_to.size() == 1) add(parent.thread.in_reply_to.front());
  if (!parent.provider_message_id.starts_with("content:")) add(parent.provider_message_id);
  if (out.size() > references_kept) out.erase(out.begin() + 1, out.end() - static_cast<std::ptrdiff_t>(references_kept - 1));
  return out;
}

std::string attribution(const Message& parent) {
  const Instant at = parent.sent_at.value_or(parent.received_at);
  const std::string address = parent.from.identities.empty() ? std::string() : parent.from.identities.front().value;
  const std::string who = parent.from.display_name.empty() ? address : parent.from.display_name;
  return "On " + mail_date(unix_ms(at) / 1000) + ", " + who + " wrote:";
}

std::string quoted_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    out += line.starts_with('>') ? ">" : line.empty() ? ">" : "> ";
    out += line;
    out += '\n';
    at = end + 1;
  }
  return out;
}

std::string plain_text(const ReplyDraft& draft, std::string_view parent_text) {
  std::string out = with_plain_ends(to_utf8(draft.text, "utf-8"));
  if (!draft.author.empty()) out += "\n\n-- \n" + draft.author;
  if (!parent_text.empty()) out += "\n\n" + attribution(draft.in_reply_to) + "\n" + quoted_lines(parent_text);
  return out;
}

std::string html_text(const ReplyDraft& draft, std::string_view parent_text) {
  std::string out = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n" + markdown_to_html(draft.text);
  if (!draft.author.empty()) out += "<p>--<br>\n" + escape_html(draft.author) + "</p>\n";
  if (!parent_text.empty())
    out += "<div class=\"gmail_quote\"><p>" + escape_html(attribution(draft.in_reply_to)) +
           "</p>\n<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex;white-space:pre-wrap\">" +
           escape_html(parent_text) + "</blockquote></div>\n";
  return out + "</body></html>\n";
}

std::string text_part(std::string_view type, std::string_view text) {
  return "Content-Type: " + std::string(type) + "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(text);
}

// What a file may be called in a mail. RFC 2045 6.4: no base64 on message/* and multipart/*, and nothing else keeps every byte.
bool is_type_of_file(const std::string& type) {
  const std::string kind = ascii_lower(type.substr(0, type.find('/')));
  return type.find_first_of(" \t\r\n\"") == std::string::npos && type.find('/') != std::string::npos && is_ascii(type) &&
         kind != "message" && kind != "multipart";
}

std::string file_part(const MailFile& file) {
  const std::string type = is_type_of_file(file.type) ? file.type : "application/octet-stream";
  const auto disposition = HeaderText::list({HeaderText::constant("attachment"), HeaderText::file_parameter(file.name)}, "");
  return header_field("Content-Type", HeaderText::words(type)) + header_field("Content-Disposition", disposition) +
         "Content-Transfer-Encoding: base64\r\n\r\n" + base64_lines(file.bytes);
}

// "=_" stands in no quoted-printable or base64 line, so no part can hold a delimiter.
std::string multipart(std::string_view subtype, std::string_view name, const std::vector<std::string>& parts) {
  const std::string boundary = "=_" + std::string(subtype) + "_" + std::string(name);
  std::string out = "Content-Type: multipart/" + std::string(subtype) + ";\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  for (const std::string& part : parts) out += "--" + boundary + "\r\n" + part;
  return out + "--" + boundary + "--\r\n";
}

std::string body_of(const ReplyDraft& draft, const std::string& name) {
  const std::string parent_text = with_plain_ends(cut_utf8(draft.in_reply_to.text, quoted_bytes_max));
  std::string text = multipart("alternative", name, {text_part("text/plain", plain_text(draft, parent_text)), text_part("text/html", html_text(draft, parent_text))});
  if (draft.files.empty()) return text;
  std::vector<std::string> parts{std::move(text)};
  for (const MailFile& file : draft.files) parts.push_back(file_part(file));
  return multipart("mixed", name, parts);
}

}  // namespace

Result<ComposedMail> compose_mail(const ReplyDraft& draft) {
  ComposedMail mail;
  const auto recipient = recipient_of(draft.in_reply_to, OwnAddresses(draft.mailbox, draft.aliases));
  const auto to = recipient ? HeaderText::mailbox(recipient->name, recipient->address) : std::nullopt;
  if (!to) return fail(Fault::malformed, "the customer's message has no address to answer to but our own");
  mail.recipient = recipient->address;
  const auto from = HeaderText::mailbox(draft.mailbox_name, draft.mailbox);
  if (!from) return fail(Fault::malformed, "the mailbox's own address is no address");
  const std::string domain = draft.mailbox.substr(draft.mailbox.rfind('@') + 1);
  const std::string id = mint_message_id(draft.threads, draft.reply, draft.thread, domain);
  mail.message_id = id.substr(1, id.size() - 2);
  // A bounce that returns nothing of the mail still comes to an address that names the conversation. Not the one that customers
  // answer to: servers on the way write the sender down, and what they know should not last.
  const std::string bounces_to = mint_envelope_sender(draft.threads, draft.thread, draft.mailbox, draft.now);
  mail.envelope_from = draft.automatic ? "" : bounces_to.empty() ? draft.mailbox : bounces_to;
  mail.needs_smtputf8 = !is_ascii(mail.recipient) || !is_ascii(draft.mailbox);

  const auto field = [&](std::string_view name, const HeaderText& value) { mail.bytes += header_field(name, value); };
  field("Date", HeaderText::constant(mail_date(unix_ms(draft.written_at) / 1000)));
  field("From", *from);
  field("To", *to);
  if (const auto answers = HeaderText::mailbox(draft.mailbox_name, mint_reply_address(draft.threads, draft.thread, draft.mailbox)))
    field("Reply-To", *answers);
  field("Subject", HeaderText::words(reply_subject(draft.in_reply_to.subject)));
  field("Message-ID", HeaderText::constant(id));
  if (const auto parent = HeaderText::id(draft.in_reply_to.provider_message_id); parent && !draft.in_reply_to.provider_message_id.starts_with("content:"))
    field("In-Reply-To", *parent);
  if (const auto references = references_of(draft.in_reply_to); !references.empty()) field("References", HeaderText::list(references, " "));
  // Some relays (Amazon SES) give a mail another Message-ID; this field stays.
  field("X-Usher-Id", HeaderText::constant(mail.message_id.substr(0, mail.message_id.find('@'))));
  if (draft.automatic) {
    field("Auto-Submitted", HeaderText::constant("auto-replied"));
    field("X-Auto-Response-Suppress", HeaderText::constant("All"));
  }
  field("MIME-Version", HeaderText::constant("1.0"));
  mail.bytes += body_of(draft, draft.reply.text());
  return mail;
}

}  // namespace usher::connectors::email
