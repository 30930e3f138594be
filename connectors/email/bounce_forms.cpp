// Forms of bounces: who sends them, what they say, where they name the recipient.
#include "connectors/email/bounce_forms.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/charset.hpp"
#include "connectors/email/delivery_report.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t words_bytes_max = 8 * 1024;  // Of the text; what a server has to say stands first.

// All folded. In subjects.
constexpr auto subject_words = std::to_array<std::string_view>(
    {"undeliver", "failure notice", "delivery failure", "failure delivery", "delivery failed", "failed delivery", "delivery has failed", "delivery error",
     "delivery status", "delivery notification", "delivery problem", "mail delivery", "message delivery", "mail failure", "mail error", "mail system error",
     "returned mail", "returned to sender", "returning to sender", "returning message", "could not be delivered", "cannot be delivered", "could not deliver",
     "not delivered", "non-delivery", "nondelivery", "delayed mail", "message delayed", "delayed 2", "delayed for", "error sending your mail",
     "unzustellbar", "zustellung fehlgeschlagen", "nicht zugestellt", "non remis", "échec de la remise", "non distribué", "no se puede entregar", "no entregado",
     "devuelto", "mancata consegna", "mancato recapito", "non recapitabile", "niet leverbaar", "não é possível entregar", "did not reach", "onbestelbaar", "niet bezorgd", "não entregue", "falha na entrega", "niedostarcz", "не доставлен",
     "недоставлен", "配信できません", "配信不能", "送信できません", "メールを配信", "メールを配送", "退信", "无法投递", "無法投遞", "전송 실패"});

// In texts.
constexpr auto text_words = std::to_array<std::string_view>(
    {"could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "was not delivered", "wasn't delivered",
     "has not yet been delivered", "not been delivered", "unable to deliver", "wasn't able to deliver", "was not able to deliver", "unable to be delivered",
     "delivering your mail", "delivering your message", "deliver your message", "trouble delivering", "error has occurred while attempting to deliver",
     "attempting to deliver", "delivery to the following", "delivery failed", "delivery has failed", "delivery failure", "undeliverable", "undelivered",
     "address(es) failed", "addresses failed", "failed addresses", "fatal errors", "delivery problems", "failure reasons", "unknown user", "user unknown",
     "no such user", "no valid recipient", "invalid user address", "did not reach the following", "did not reach some or all", "rejected by a remote", "returned the following error", "mailbox unavailable",
     "incorrectly constructed", "unrecoverable error", "not a member of this mailing list", "duplicated message-id", "konnte nicht zugestellt",
     "nicht zugestellt werden", "n'a pas pu être remis", "n'a pas pu être distribué", "no se pudo entregar", "impossibile recapitare", "kon niet worden bezorgd",
     "не может быть доставлен", "не доставлен", "送信できませんでした", "送信に失敗", "配信できませんでした", "配送できませんでした"});

// Where servers set apart what they return. Folded; at the beginning of a line.
constexpr auto original_words = std::to_array<std::string_view>(
    {"received:", "return-path:", "--- below this line", "--- original message", "--- enclosed", "--- the following", "----- original message", "original message",
     "------ this is a copy", "below is a copy", "message headers follow", "--- returned message", "------- returned message", "-------original", "-----original",
     "--- mensaje original", "bounced e-mail", "|------------------------- message text", "message details", "x-originating-ip:", "dkim-signature:"});

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

// A machine that nobody reads: its words count when they are those of a bounce and it returns the mail.
bool is_robot_name(std::string_view local_part) {
  const std::string name = letters_of(local_part);
  return name.starts_with("noreply") || name.starts_with("donotreply") || name.ends_with("bounces");
}

// The addresses of a list's own programs, and of people: what such a one returns must be a mail.
bool is_list_name(std::string_view local_part) {
  const std::string name = letters_of(local_part);
  return name.ends_with("admin") || name.ends_with("owner") || name.ends_with("request");
}

std::string local_part(std::string_view address) { return std::string(address.substr(0, address.find('@'))); }

template <class Words>
bool holds_any(std::string_view folded, const Words& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return folded.find(word) != std::string_view::npos; });
}

// What the server says itself: up to what it returns.
std::string_view own_words(std::string_view text) {
  text = cut_utf8(text, words_bytes_max);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = fold(text.substr(at, std::min<std::size_t>(end - at, 200)));
    // A bounce that begins with what it returns has nothing to say before.
    if (at > 0 && std::any_of(original_words.begin(), original_words.end(), [&](std::string_view word) { return line.starts_with(word); }))
      return text.substr(0, at);
    at = end + 1;
  }
  return text;
}

// "550 5.1.1", "550-": the answer of a server that refused.
bool has_refusal(std::string_view text) {
  for (std::size_t at = 0; at + 4 < text.size(); ++at) {
    const bool code = (text[at] == '5' || text[at] == '4') && text[at + 1] >= '0' && text[at + 1] <= '5' && text[at + 2] >= '0' && text[at + 2] <= '9';
    const bool alone = at == 0 || text[at - 1] == '\n' || text[at - 1] == ' ' || text[at - 1] == ':' || text[at - 1] == '<';
    if (code && alone && (text[at + 3] == ' ' || text[at + 3] == '-' || text[at + 3] == ':')) return true;
  }
  return false;
}

bool returns_part(const Mail& mail) {
  return std::any_of(mail.files.begin(), mail.files.end(), [](const MailFile& file) { return file.type == "message/rfc822"; }) || !mail.report.empty();
}

bool returns_mail(const Mail& mail, std::string_view own) {
  return (own.size() < mail.text.size() && own.size() < words_bytes_max) || returns_part(mail);
}

bool is_own_address(const Mail& mail, const std::string& address) {
  const auto same = [&](const Mailbox& mailbox) { return mailbox.address == address; };
  return std::any_of(mail.to.begin(), mail.to.end(), same) || std::any_of(mail.from.begin(), mail.from.end(), same) || is_server_name(local_part(address));
}

Delivery delivery_in_words(const Mail& mail, std::string_view own) {
  const std::string folded = fold(mail.subject) + ' ' + fold(own);
  static constexpr auto delays = std::to_array<std::string_view>({"delayed", "has not yet been delivered", "will be retried", "still being retried", "warning message only",
                                                                  "this is a warning", "status notification: warning", "status notification (delay)"});
  const bool given_up = folded.find("given up") != std::string::npos || folded.find("permanent") != std::string::npos || folded.find("too long") != std::string::npos;
  return holds_any(folded, delays) && !given_up ? Delivery::delayed : Delivery::failed;
}

void add(std::vector<ReportedRecipient>& out, const std::string& address, Delivery delivery, std::string_view own) {
  const bool known = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.address == address; });
  if (address.empty() || known || out.size() >= reported_recipients_max) return;
  out.push_back({address, delivery, first_status(own), ""});
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
  return is_server_name(local_part(sender.address)) || name == "mailerdaemon" || name.starts_with("maildelivery");
}

bool is_bounce_in_words(const Mail& mail) {
  const std::string_view own = own_words(mail.text);
  const std::string subject = fold(mail.subject);
  const std::string words = fold(own);
  const bool said = holds_any(words, text_words);
  const bool titled = holds_any(subject, subject_words);
  const bool shown = has_refusal(own) || returns_mail(mail, own);
  const std::string sender = mail.from.empty() ? std::string() : local_part(mail.from.front().address);
  if (is_from_server(mail)) {
    if (said || mail.headers.has("x-failed-recipients")) return true;
    // Behind postmaster@ there may be a person, who answers mails about deliveries.
    return titled && (shown || has_null_path(mail) || letters_of(sender) != "postmaster");
  }
  // A null path alone is that of holiday notes, too, which keep the subject they answer to.
  if (has_null_path(mail)) return (said && (titled || shown)) || (titled && shown);
  // Without any of the signs of a server, the sender must be a robot and the bounce complete.
  const bool robot = is_robot_name(sender), list = is_list_name(sender);
  if (!said || (!robot && !list)) return false;
  return mail.headers.has("x-mlserver") || (robot ? returns_mail(mail, own) : returns_part(mail));
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
  // A line that begins with an address, maybe in brackets, names a recipient; else the first address that is not ours.
  std::string first;
  for (std::size_t at = 0; at < own.size();) {
    const std::size_t end = std::min(own.find('\n', at), own.size());
    const std::string_view line = trimmed(own.substr(at, end - at));
    at = end + 1;
    const std::string address = first_address(line);
    // A mail that someone sent to themselves names us, but only as servers name recipients.
    const bool named = line.starts_with('<') && line.find(">:") != std::string_view::npos;
    if (address.empty() || (is_own_address(mail, address) && !named)) continue;
    if (first.empty()) first = address;
    const std::size_t place = ascii_lower(line).find(address);
    if (place <= 1 || line.starts_with("* ") || line.starts_with("- ")) add(out, address, delivery, own);
  }
  if (out.empty()) add(out, first, delivery, own);
  return out;
}

}  // namespace usher::connectors::email
