// Forms of bounces: who sends them, what they say, where they name the recipient.
#include "connectors/email/bounce_forms.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/bounce_words.hpp"
#include "connectors/email/charset.hpp"
#include "connectors/email/delivery_report.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t words_bytes_max = 8 * 1024;  // Of the text; what a server has to say stands first.

std::string letters_of(std::string_view text) {
  std::string out;
  for (const char c : ascii_lower(text))
    if (c >= 'a' && c <= 'z') out += c;
  return out;
}

bool is_server_name(std::string_view local_part) {
  const std::string name = letters_of(local_part);
  static constexpr auto names =
      std::to_array<std::string_view>({"mailerdaemon", "maildaemon", "mdaemon", "postmaster", "mailsystem", "maildeliverysystem", "maildeliverysubsystem", "mmdf", "smtpdaemon", "nullmailer"});
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What Exchange reports under: its name and the 32 hexadecimal digits of an id.
bool is_exchange_name(std::string_view local_part) {
  constexpr std::string_view begin = "microsoftexchange";
  return local_part.size() == begin.size() + 32 && local_part.starts_with(begin);
}

// "Re:", "AW:": a person's mail program.
bool begins_answer(std::string_view subject) {
  const std::size_t colon = subject.find(':');
  return colon != std::string_view::npos && colon >= 2 && colon <= 4;
}

// A machine that nobody reads: its words count when they are those of a bounce and it returns the mail.
bool is_robot_name(std::string_view local_part) {
  const std::string name = letters_of(local_part);
  return name.starts_with("noreply") || name.starts_with("donotreply") || name.ends_with("bounces");
}

// The addresses of a list's own programs, and of people: what such a one returns must be a mail.
bool is_list_name(std::string_view local_part) {
  const std::string name = letters_of(local_part);
  return name == "nobody" || name.ends_with("admin") || name.ends_with("owner") || name.ends_with("request");
}

std::string local_part(std::string_view address) { return std::string(address.substr(0, address.find('@'))); }

// What the server says itself: up to what it returns.
std::string_view own_words(std::string_view text) {
  text = cut_utf8(text, words_bytes_max);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = bounce_folded(trimmed(text.substr(at, std::min<std::size_t>(end - at, 200))));
    // A bounce that begins with what it returns has nothing to say before.
    if (at > 0 && begins_returned_mail(line)) return text.substr(0, at);
    at = end + 1;
  }
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "550 5.1.1", "<<< 550-", "said: 421 <": the answer of a server that refused. A number within a sentence is none unless
// the line names an address, too: "error 500 on your page" is a customer's.
bool has_refusal(std::string_view text) {
  for (std::size_t at = 0; at + 4 < text.size(); ++at) {
    const bool code = (text[at] == '5' || text[at] == '4') && text[at + 1] >= '0' && text[at + 1] <= '5' && is_digit(text[at + 2]);
    if (!code || (text[at + 3] != ' ' && text[at + 3] != '-' && text[at + 3] != ':')) continue;
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == ':' || text[at - 1] == '<') return true;
    if (text[at - 1] != ' ' && text[at - 1] != '\'') continue;
    const std::string_view before = trimmed(text.substr(0, at)), line = text.substr(at, text.find('\n', at) - at);
    const bool answers = before.ends_with(':') || before.ends_with("<<<") || before.ends_with(">>>") || before.ends_with('-');
    const std::size_t begin = text.rfind('\n', at) == std::string_view::npos ? 0 : text.rfind('\n', at);
    if (answers || !first_status(line.substr(0, 20)).empty() || text.substr(begin, at + line.size() - begin).find('@') != std::string_view::npos) return true;
  }
  return false;
}

// Two fields of a mail at least, maybe indented or quoted.
bool holds_header(std::string_view text) {
  static constexpr auto names = std::to_array<std::string_view>(
      {"received:", "return-path:", "message-id:", "from:", "to:", "subject:", "date:", "mime-version:", "content-type:", "dkim-signature:", "x-originating-ip:"});
  std::size_t found = 0;
  text = text.substr(0, words_bytes_max);
  for (std::size_t at = 0; at < text.size() && found < 2;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '>')) line.remove_prefix(1);
    if (std::any_of(names.begin(), names.end(), [&](std::string_view name) { return starts_with_nocase(line, name); })) ++found;
  }
  return found == 2;
}

bool returns_part(const Mail& mail) {
  return std::any_of(mail.files.begin(), mail.files.end(), [](const MailFile& file) { return file.type == "message/rfc822"; }) || !mail.report.empty();
}

std::string_view behind(const Mail& mail, std::string_view own) { return std::string_view(mail.text).substr(own.size()); }

bool returns_mail(const Mail& mail, std::string_view own) {
  return (own.size() < words_bytes_max && holds_header(behind(mail, own))) || returns_part(mail);
}

bool is_own_address(const Mail& mail, const std::string& address) {
  const auto same = [&](const Mailbox& mailbox) { return mailbox.address == address; };
  return std::any_of(mail.to.begin(), mail.to.end(), same) || std::any_of(mail.from.begin(), mail.from.end(), same) || is_server_name(local_part(address));
}

Delivery delivery_in_words(const Mail& mail, std::string_view own) {
  const std::string words = bounce_folded(mail.subject) + ' ' + bounce_folded(own);
  const bool given_up = words.find("given up") != std::string::npos || words.find("permanent") != std::string::npos || words.find("too long") != std::string::npos;
  return says_delayed(words) && !given_up ? Delivery::delayed : Delivery::failed;
}

void add(std::vector<ReportedRecipient>& out, const std::string& address, Delivery delivery, std::string_view own) {
  const bool known = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.address == address; });
  if (address.empty() || known || out.size() >= reported_recipients_max) return;
  out.push_back({address, delivery, first_status(own), ""});
}

// Fields of the mail that a server repeats among its words; none of them names who did not get it.
bool is_repeated_field(std::string_view line) {
  static constexpr auto names = std::to_array<std::string_view>({"message-id", "from:", "sender:", "reply-to:", "return-path:", "original sender:", "envelope sender:", "mail from:"});
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return starts_with_nocase(line, name); });
}

// Those whom the server names. A line that begins with an address, maybe in brackets, names a recipient; else the first
// address that is not ours.
std::vector<std::string> named_in_words(const Mail& mail, std::string_view own) {
  std::vector<std::string> out;
  std::string first;
  for (std::size_t at = 0; at < own.size();) {
    const std::size_t end = std::min(own.find('\n', at), own.size());
    const std::string_view line = trimmed(own.substr(at, end - at));
    at = end + 1;
    const std::string address = is_repeated_field(line) ? std::string() : first_address(line);
    // A mail that someone sent to themselves names us, but only as servers name recipients.
    const bool named = line.starts_with('<') && line.find(">:") != std::string_view::npos;
    if (address.empty() || (is_own_address(mail, address) && !named)) continue;
    if (first.empty()) first = address;
    const std::size_t place = ascii_lower(line).find(address);
    if (place <= 1 || line.starts_with("* ") || line.starts_with("- ")) out.push_back(address);
  }
  if (out.empty() && !first.empty()) out.push_back(first);
  return out;
}

// Somebody at another domain than the sender's: a shop names its own help desk.
bool names_stranger(const Mail& mail, std::string_view own) {
  const std::vector<std::string> named = named_in_words(mail, own);
  const std::string home = mail.from.empty() ? "" : mail.from.front().address.substr(mail.from.front().address.find('@'));
  return std::any_of(named.begin(), named.end(), [&](const std::string& one) { return home.empty() || !one.ends_with(home); });
}

// The mail in the text is from the address that it comes back to.
bool returns_ours(const Mail& mail, std::string_view own) {
  const std::string_view text = behind(mail, own).substr(0, words_bytes_max);
  if (!holds_header(text)) return false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (!starts_with_nocase(line, "from:") && !starts_with_nocase(line, "return-path:")) continue;
    const std::string address = first_address(line);
    if (std::any_of(mail.to.begin(), mail.to.end(), [&](const Mailbox& one) { return one.address == address; })) return true;
  }
  return false;
}

}  // namespace

bool has_null_path(const Mail& mail) { return mail.return_path && mail.return_path->empty(); }

// The address in From as it stands: servers write `From: mailer-daemon` and `From: <>`, which are no addresses.
bool is_from_server(const Mail& mail) {
  if (mail.headers.has("x-failed-recipients")) return true;
  if (has_null_path(mail) && contains_nocase(mail.headers.value("return-path"), "mailer-daemon")) return true;
  if (mail.return_path && is_server_name(local_part(*mail.return_path))) return true;
  const std::string_view from = mail.headers.value("from");
  if (mail.from.empty()) return trimmed(from).empty() || trimmed(from) == "<>" || contains_nocase(from, "mailer-daemon") || is_server_name(from);
  const Mailbox& sender = mail.from.front();
  const std::string name = letters_of(sender.name);
  if (is_server_name(local_part(sender.address)) || is_exchange_name(local_part(sender.address)) || name == "mailerdaemon") return true;
  // The whole name: "Mail Delivery Shop" sells letter boxes.
  static constexpr auto names = std::to_array<std::string_view>({"maildeliversystem", "maildeliverysystem", "maildeliverysubsystem", "maildeliveryservice"});
  return std::any_of(names.begin(), names.end(), [&](std::string_view one) { return name.starts_with(one); });
}

bool is_bounce_in_words(const Mail& mail) {
  const std::string_view own = own_words(mail.text);
  const bool said = says_not_delivered(bounce_folded(own)), titled = is_bounce_subject(bounce_folded(mail.subject));
  const bool refused = has_refusal(own);
  const bool shown = refused || returns_mail(mail, own);
  const std::string sender = mail.from.empty() ? std::string() : local_part(mail.from.front().address);
  if (is_from_server(mail)) {
    if (mail.headers.has("x-failed-recipients")) return true;
    // Behind postmaster@ there may be a person, who writes about deliveries: to the null path none can write.
    const bool person = letters_of(sender) == "postmaster" && !has_null_path(mail);
    if (person && !mail.in_reply_to.empty() && begins_answer(mail.subject)) return said && refused;
    if (person) return (said && (shown || (titled && !named_in_words(mail, own).empty()))) || (titled && returns_mail(mail, own));
    // A server that talks in a language nobody here knows is understood by the refusal that it repeats.
    return said || titled || refused;
  }
  // A null path alone is that of holiday notes and shops, too, and a note keeps the subject that it answers to.
  if (has_null_path(mail)) return shown ? said || titled : said && titled && names_stranger(mail, own);
  // Without any of the signs of a server, the sender must be a robot and the bounce complete.
  const bool robot = is_robot_name(sender), list = is_list_name(sender);
  if (!said || (!robot && !list)) return false;
  return mail.headers.has("x-mlserver") || returns_part(mail) || (robot && titled && returns_ours(mail, own));
}

std::vector<ReportedRecipient> recipients_in_words(const Mail& mail) {
  std::vector<ReportedRecipient> out;
  const std::string_view own = own_words(mail.text);
  const Delivery delivery = delivery_in_words(mail, own);
  std::string_view failed = mail.headers.value("x-failed-recipients");
  while (!failed.empty()) {
    const std::size_t comma = std::min(failed.find(','), failed.size());
    add(out, first_address(failed.substr(0, comma)), delivery, own);
    failed.remove_prefix(std::min(comma + 1, failed.size()));
  }
  if (!out.empty()) return out;
  for (const auto& address : named_in_words(mail, own)) add(out, address, delivery, own);
  if (!out.empty()) return out;
  // Nobody is named: who the mail was to, when that was one.
  const std::vector<std::string> to = returned_recipients(mail, behind(mail, own));
  if (to.size() == 1) add(out, to.front(), delivery, own);
  return out;
}

}  // namespace usher::connectors::email
