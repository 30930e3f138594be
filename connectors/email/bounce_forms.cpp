// Forms of bounces: who sends them, what they say, where they name the recipient.
#include "connectors/email/bounce_forms.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

// The status that servers write behind the code, "550 5.1.1", "550-'5.7.1": of its class, and no date or sum.
bool begins_status(std::string_view text, char code_class) {
  while (!text.empty() && std::string_view(" -#'(:").find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  const std::string status = first_status(text.substr(0, 12));
  return text.starts_with(code_class) && !status.empty() && text.starts_with(status) && status.size() <= 7 && status[3] == '.';
}

// "<<<", "[192.0.2.1]:", "host said:", "mx.example.org replied:": what a server repeats of another begins behind it. "Tel:"
// and "he said:" are people's.
bool quotes_server(std::string_view line) {
  line = trimmed(line);
  if (line == "<<<" || line.ends_with("(reason:")) return true;
  if (!line.ends_with(':')) return false;
  line.remove_suffix(1);
  const auto last_word = [&] { return line.substr(line.find_last_of(" \t") + 1); };
  const std::string_view bracketed = line.substr(line.rfind('[') + 1);
  // "[1]:" is a footnote.
  if (line.ends_with(']')) return bracketed.size() > 7 && bracketed.find_first_not_of("0123456789abcdef.:") == bracketed.size() - 1;
  const std::string_view verb = last_word();
  if (verb != "said" && verb != "replied" && verb != "reply") return false;
  line = trimmed(line.substr(0, line.size() - verb.size()));
  const std::string_view who = last_word();
  const std::size_t dot = who.find('.');
  const bool host_name = dot != std::string_view::npos && dot + 1 < who.size() && who.find('@') == std::string_view::npos;
  return who == "host" || who == "server" || host_name || who.ends_with(']');
}

// Of the line up to there, and of the line above, what stands last: "said:" may end a line, and the answer begin the next.
std::pair<std::string, std::string> words_before(std::string_view text, std::size_t at) {
  const auto last_line = [](std::string_view lines) {
    const std::string_view line = lines.substr(lines.rfind('\n') + 1);  // Of no line end: npos, and 0 behind it.
    return line.substr(line.size() - std::min<std::size_t>(line.size(), 200));
  };
  text = text.substr(0, at);
  const std::size_t end = text.rfind('\n');
  return {ascii_lower(trimmed(last_line(text))), end == std::string_view::npos ? "" : ascii_lower(trimmed(last_line(text.substr(0, end))))};
}

// "550 5.1.1", "<<< 550-", "host said: 421 busy": the answer of a server that refused. A number alone is none, wherever it
// stands: "error 500 on your page", "Tel: 415 555 0100" and "450 units" are a customer's.
bool has_refusal(std::string_view text) {
  for (std::size_t at = 0; at + 4 < text.size(); ++at) {
    const bool code = (text[at] == '5' || text[at] == '4') && text[at + 1] >= '0' && text[at + 1] <= '5' && is_digit(text[at + 2]);
    if (!code || (text[at + 3] != ' ' && text[at + 3] != '-' && text[at + 3] != ':')) continue;
    if (at > 0 && std::string_view("\n \t:<'(\"").find(text[at - 1]) == std::string_view::npos) continue;
    const std::string_view answer = text.substr(at + 4, std::min<std::size_t>(text.find('\n', at + 4) - (at + 4), 200));
    if (begins_status(answer, text[at])) return true;
    // A telephone number, a sum.
    const std::size_t next = answer.find_first_not_of(" -");
    if (next == std::string_view::npos || is_digit(answer[next])) continue;
    const auto [before, above] = words_before(text, at);
    // At the beginning of a line, or behind who did not get it, the words must be a server's.
    const bool begins = before.empty() || before == ">>>" || (before.starts_with('<') && before.ends_with(">:"));
    if (quotes_server(before.empty() ? above : before) || (begins && says_refused(bounce_folded(answer)))) return true;
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

// How sure it is that no person wrote: behind postmaster@ and behind a title there may be one.
enum class Sender { other, maybe_server, server };

// The whole name, maybe with what is in brackets behind it: "Mail Delivery Services GmbH" brings parcels.
bool is_delivery_title(std::string_view display_name) {
  const std::string name = letters_of(display_name.substr(0, display_name.find_first_of("(<[")));
  static constexpr auto names = std::to_array<std::string_view>({"maildeliversystem", "maildeliverysystem", "maildeliverysubsystem", "maildeliveryservice"});
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The address in From as it stands: servers write `From: mailer-daemon` and `From: <>`, which are no addresses.
Sender sender_of(const Mail& mail) {
  if (mail.headers.has("x-failed-recipients")) return Sender::server;
  if (has_null_path(mail) && contains_nocase(mail.headers.value("return-path"), "mailer-daemon")) return Sender::server;
  const Sender named = has_null_path(mail) ? Sender::server : Sender::maybe_server;
  const auto by_name = [&](std::string_view name) { return letters_of(name) == "postmaster" ? named : Sender::server; };
  const std::string_view from = mail.headers.value("from");
  if (mail.from.empty()) {
    if (contains_nocase(from, "mailer-daemon")) return Sender::server;
    if (is_server_name(from)) return by_name(from);
    // Nobody: a server, or a form whose customer stands in Reply-To, or a mail that could not be read.
    const bool nobody = trimmed(from).empty() || trimmed(from) == "<>";
    if (nobody && has_null_path(mail) && !mail.unparsed && !mail.headers.has("reply-to")) return Sender::server;
  } else {
    const Mailbox& sender = mail.from.front();
    const std::string local = local_part(sender.address);
    if (is_server_name(local)) return by_name(local);
    if (is_exchange_name(local) || letters_of(sender.name) == "mailerdaemon") return Sender::server;
    if (is_delivery_title(sender.name)) return named;
  }
  // Whoever the page of a shop writes as, what it sends may come back to its postmaster.
  if (mail.return_path && is_server_name(local_part(*mail.return_path))) return by_name(local_part(*mail.return_path));
  return Sender::other;
}

}  // namespace

bool has_null_path(const Mail& mail) { return mail.return_path && mail.return_path->empty(); }

bool is_from_server(const Mail& mail) { return sender_of(mail) != Sender::other; }

bool is_bounce_in_words(const Mail& mail) {
  const std::string_view own = own_words(mail.text);
  const bool said = says_not_delivered(bounce_folded(own)), titled = is_bounce_subject(bounce_folded(mail.subject));
  const bool refused = has_refusal(own);
  const bool returned = returns_mail(mail, own), shown = refused || returned;
  const std::string sender = mail.from.empty() ? std::string() : local_part(mail.from.front().address);
  const Sender by = sender_of(mail);
  if (mail.headers.has("x-failed-recipients")) return true;
  // As it stands, an unread mail shows its own header.
  if (mail.unparsed && by != Sender::server) return false;
  // A person there writes about deliveries; to the null path none can write.
  if (by == Sender::maybe_server) {
    if (!mail.in_reply_to.empty() && begins_answer(mail.subject)) return said && refused;
    const bool addressed = letters_of(sender) == "postmaster" && titled && !named_in_words(mail, own).empty();
    return (said && (shown || addressed)) || (titled && returned);
  }
  // A server that talks in a language nobody here knows is understood by the refusal that it repeats.
  if (by == Sender::server) return said || titled || refused;
  // A null path alone is that of holiday notes, shops and forms, too. A note keeps the subject that it answers to, and a form names
  // its customer, who stands in Reply-To.
  if (has_null_path(mail)) return shown ? said || titled : said && titled && !mail.headers.has("reply-to") && names_stranger(mail, own);
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
