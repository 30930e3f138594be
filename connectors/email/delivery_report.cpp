// Delivery reports: groups of fields, one group a recipient.
#include "connectors/email/delivery_report.hpp"

#include <algorithm>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/email/mime_reader.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t diagnostic_bytes_max = 500;
constexpr std::size_t address_bytes_max = 255;
constexpr std::size_t text_read_max = 64 * 1024;
constexpr std::size_t address_text_max = 1024;  // Of a value or a line, where an address is looked for.

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Bytes of UTF-8 belong to an address (RFC 6531), whether or not `char` has a sign here.
bool is_address_byte(char c) {
  return static_cast<unsigned char>(c) > ' ' && c != '<' && c != '>' && c != '"' && c != '(' && c != ')' && c != ',' && c != ';' && c != ':' && c != '[' && c != ']' && c != '\'' &&
         c != '\x7f';
}

// "rfc822;kijitora@example.com" without its type.
std::string_view typed_value(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  return trimmed(semicolon == std::string_view::npos ? value : value.substr(semicolon + 1));
}

// Delivery by Action, or by the class of the status where the action is missing or unheard of.
Delivery delivery_of(const std::string& action, const std::string& status) {
  if (action.starts_with("deliver") || action.starts_with("relayed") || action.starts_with("expanded")) return Delivery::delivered;
  if (action.starts_with("delayed")) return Delivery::delayed;
  if (action.starts_with("fail")) return Delivery::failed;
  return status.starts_with('2') ? Delivery::delivered : Delivery::failed;
}

// The fields of one recipient as they come in.
struct Group {
  std::string final_recipient, original_recipient, action, status, diagnostic;

  [[nodiscard]] bool empty() const { return final_recipient.empty() && original_recipient.empty(); }
  void take(const HeaderField& field) {
    const std::string value(trimmed(field.value));
    if (field.name == "final-recipient") final_recipient = typed_value(value);
    else if (field.name == "original-recipient" || field.name == "x-actual-recipient") original_recipient = original_recipient.empty() ? std::string(typed_value(value)) : original_recipient;
    else if (field.name == "action") action = ascii_lower(value);
    else if (field.name == "status") status = first_status(value);
    else if (field.name == "diagnostic-code") diagnostic = typed_value(value);
  }
};

void close_group(Group& group, std::vector<ReportedRecipient>& out) {
  if (!group.empty() && out.size() < reported_recipients_max) {
    ReportedRecipient one;
    one.address = first_address(group.final_recipient);
    // A name of the server's own network, or a route through it: the sender knows the recipient by another.
    const bool inner = one.address.find('.', one.address.find('@')) == std::string::npos || group.final_recipient.find(':') != std::string::npos;
    if (const std::string original = first_address(group.original_recipient); inner && !original.empty()) one.address = original;
    if (one.address.empty()) one.address = first_address(group.original_recipient);
    if (one.address.empty()) one.address = ascii_lower(cut_utf8(group.final_recipient, address_bytes_max));
    // "5.0.0" says nothing; the words of the other server often do.
    const std::string worded = first_status(group.diagnostic);
    if (group.status.empty() || (group.status.ends_with(".0.0") && worded.starts_with(group.status[0]))) group.status = worded.empty() ? group.status : worded;
    one.delivery = delivery_of(group.action, group.status);
    one.status = group.status;
    one.diagnostic = cut_utf8(group.diagnostic, diagnostic_bytes_max);
    const bool known = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.address == one.address; });
    if (!one.address.empty() && !known) out.push_back(std::move(one));
  }
  group = {};
}

// Groups are set apart by empty lines; a second Final-Recipient begins one where the line was lost.
std::vector<ReportedRecipient> read_groups(std::string_view text) {
  std::vector<ReportedRecipient> out;
  Group group;
  for (std::size_t at = 0; at < text.size();) {
    // Each block would pass over the same empty lines again.
    if (text[at] == '\r' || text[at] == '\n') {
      ++at;
      continue;
    }
    const HeaderBlock block = read_header_block(text.substr(at));
    for (const HeaderField& field : block.headers.fields) {
      if (field.name == "final-recipient" && !group.final_recipient.empty()) close_group(group, out);
      group.take(field);
    }
    close_group(group, out);
    // What is no field is passed over, line by line.
    const std::size_t step = block.body_at > 0 && !block.headers.fields.empty() ? block.body_at : std::min(text.find('\n', at), text.size()) - at + 1;
    at += std::max<std::size_t>(step, 1);
  }
  return out;
}

std::string returned_header(const Mail& mail) {
  for (const auto& part : mail.report)
    if (part.type == "message/rfc822" || part.type == "text/rfc822-headers" || part.type == "message/global" || part.type == "message/global-headers" ||
        part.type == "message/rfc822-headers")
      return part.text;
  for (const auto& file : mail.files)
    if (file.type == "message/rfc822") return file.bytes.substr(0, text_read_max);
  return {};
}

bool names_recipient(std::string_view text) {
  return contains_nocase(text, "\nfinal-recipient:") || starts_with_nocase(text, "final-recipient:");
}

void add_ids(std::vector<std::string>& out, const std::vector<std::string>& ids) {
  for (const auto& id : ids)
    if (out.size() < limits::thread_ids_max && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
}

// Ids in fields of a mail that was copied into the text, maybe indented or quoted.
void add_ids_in_text(std::vector<std::string>& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '>')) line.remove_prefix(1);
    // A receipt names the mail by Original-Message-ID (RFC 8098 3.2.5).
    for (const std::string_view before : {"x-", "original-"})
      if (starts_with_nocase(line, before)) line.remove_prefix(before.size());
    if (!starts_with_nocase(line, "message-id:")) continue;
    std::string value(line.substr(11));
    // A folded field: the id is in the next line.
    if (const std::string_view next = text.substr(std::min(at, text.size())); trimmed(value).empty()) value = next.substr(0, next.find('\n'));
    add_ids(out, read_ids(to_utf8(value, "utf-8")));
  }
}

}  // namespace

std::string first_address(std::string_view text) {
  text = cut_utf8(text, address_text_max);
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    std::size_t begin = at, end = at + 1;
    while (begin > 0 && is_address_byte(text[begin - 1]) && text[begin - 1] != '@') --begin;
    while (end < text.size() && is_address_byte(text[end]) && text[end] != '@') ++end;
    while (end > at + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
    if (begin < at && end > at + 1) return ascii_lower(cut_utf8(text.substr(begin, end - begin), address_bytes_max));
  }
  return {};
}

std::string first_status(std::string_view text) {
  for (std::size_t at = 0; at + 4 < text.size(); ++at) {
    if (text[at] != '2' && text[at] != '4' && text[at] != '5') continue;
    if (text[at + 1] != '.' || (at > 0 && (is_digit(text[at - 1]) || text[at - 1] == '.'))) continue;
    std::size_t end = at + 2, digits = 0, dots = 0;
    while (end < text.size() && (is_digit(text[end]) || (text[end] == '.' && dots == 0 && digits > 0))) {
      text[end] == '.' ? ++dots : ++digits;
      ++end;
    }
    if (dots == 1 && digits >= 2 && digits <= 6 && is_digit(text[end - 1]) && (end == text.size() || text[end] != '.')) return std::string(text.substr(at, end - at));
  }
  return {};
}

bool has_delivery_report(const Mail& mail) {
  for (const auto& part : mail.report)
    if (part.type == "message/delivery-status" || part.type == "message/global-delivery-status") return true;
  // A gateway may have taken the parts and left the title.
  if (mail.type == "multipart/report" && contains_nocase(mail.headers.value("content-type"), "delivery-status")) return true;
  // Fields in the text of a mail that says it is a report, or comes from a server.
  const bool reports = mail.type == "multipart/report" || (mail.return_path && mail.return_path->empty());
  return reports && names_recipient(std::string_view(mail.text).substr(0, text_read_max));
}

std::vector<ReportedRecipient> reported_recipients(const Mail& mail) {
  std::vector<ReportedRecipient> out;
  for (const auto& part : mail.report)
    if (part.type == "message/delivery-status" || part.type == "message/global-delivery-status") {
      auto more = read_groups(part.text);
      std::move(more.begin(), more.end(), std::back_inserter(out));
    }
  if (out.empty() && names_recipient(mail.text)) out = read_groups(std::string_view(mail.text).substr(0, text_read_max));
  return out;
}

std::vector<ReportedRecipient> complained_recipients(const Mail& mail) {
  std::vector<ReportedRecipient> out;
  const auto add = [&](std::string_view value) {
    const std::string address = first_address(value);
    const bool known = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.address == address; });
    if (!address.empty() && !known && out.size() < reported_recipients_max) out.push_back({address, Delivery::delivered, "", ""});
  };
  for (const auto& part : mail.report)
    if (part.type == "message/feedback-report")
      for (const auto& field : read_header_block(part.text).headers.fields)
        if (field.name == "original-rcpt-to" || field.name == "removal-recipient") add(field.value);
  if (!out.empty()) return out;
  const HeaderBlock returned = read_header_block(returned_header(mail));
  for (const std::string_view name : {"x-hmxmroriginalrecipient", "to"})
    if (out.empty()) add(returned.headers.value(name));
  return out;
}

std::vector<std::string> returned_recipients(const Mail& mail, std::string_view text) {
  const HeaderBlock returned = read_header_block(returned_header(mail));
  std::string to(returned.headers.value("to"));
  for (std::size_t at = 0; to.empty() && at < std::min(text.size(), text_read_max);) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '>')) line.remove_prefix(1);
    for (const std::string_view field : {"to:", "rcpt to:"})
      if (starts_with_nocase(line, field)) to = line.substr(field.size());
  }
  std::vector<std::string> out;
  for (auto& mailbox : read_mailboxes(to)) out.push_back(std::move(mailbox.address));
  return out;
}

std::vector<std::string> original_ids(const Mail& mail) {
  std::vector<std::string> out;
  const HeaderBlock returned = read_header_block(returned_header(mail));
  add_ids(out, read_ids(returned.headers.value("message-id")));
  // A relay may have given our mail another id and left this one.
  if (const std::string_view ours = returned.headers.value("x-usher-id"); !ours.empty()) add_ids(out, {to_utf8(ours, "utf-8")});
  for (const auto& part : mail.report) add_ids_in_text(out, part.text);
  for (const std::string_view name : {"x-original-message-id", "original-message-id"}) add_ids(out, read_ids(mail.headers.value(name)));
  add_ids_in_text(out, std::string_view(mail.text).substr(0, text_read_max));
  for (const auto& file : mail.files)
    if (file.type.starts_with("text/")) add_ids_in_text(out, std::string_view(file.bytes).substr(0, text_read_max));
  add_ids(out, mail.in_reply_to);
  add_ids(out, mail.references);
  return out;
}

}  // namespace usher::connectors::email
