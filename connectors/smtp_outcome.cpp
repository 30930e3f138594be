// Verdicts on mails, and the answers they rest on (RFC 5321 4.2, RFC 3463).
#include "connectors/smtp_outcome.hpp"

#include <algorithm>

#include "connectors/email/charset.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Verdict deferred(std::string detail, std::string_view kind) { return {DeliveryState::deferred, std::move(detail), {}, kind}; }

// 552 is also said of a full mailbox (5.2.2), so the sentence needs the status or the words.
bool is_too_large(const SmtpOutcome& outcome) {
  if (outcome.code != 552 && outcome.code != 523) return false;
  return outcome.text.find("5.3.4") != std::string::npos || outcome.text.find("5.2.3") != std::string::npos || outcome.stage == SmtpStage::sender;
}

Verdict judge_answer(const SmtpOutcome& outcome) {
  if (is_login_refused(outcome)) return deferred("the mail server refused the login: " + outcome.text, "auth");
  if (outcome.code / 100 == 4) return deferred(outcome.text, "smtp_4xx");
  if (outcome.code / 100 != 5) return deferred("the mail server said what fits nothing: " + outcome.text, "no_answer");
  if (outcome.stage < SmtpStage::sender) return deferred("the mail server takes nothing from here: " + outcome.text, "smtp_5xx");
  const std::string detail = is_too_large(outcome) ? "the mail is larger than the mail server takes: " + outcome.text : outcome.text;
  return {DeliveryState::failed, detail, {}, "smtp_5xx"};
}

}  // namespace

bool is_login_refused(const SmtpOutcome& outcome) {
  constexpr int wants_login[] = {530, 534, 535, 538};
  return (outcome.stage == SmtpStage::login && (outcome.code / 100 == 5 || outcome.trouble == SmtpTrouble::login)) ||
         std::find(std::begin(wants_login), std::end(wants_login), outcome.code) != std::end(wants_login);
}

bool is_taken(const SmtpOutcome& outcome) { return outcome.stage == SmtpStage::dot && outcome.code / 100 == 2; }

Verdict judge(const SmtpOutcome& outcome) {
  if (is_taken(outcome)) return {DeliveryState::sent, outcome.text, {}, {}};
  switch (outcome.trouble) {
    case SmtpTrouble::none: break;
    case SmtpTrouble::tls: return deferred(outcome.words, "tls");
    case SmtpTrouble::login: return deferred(outcome.words, "auth");
    case SmtpTrouble::smtputf8: return {DeliveryState::failed, outcome.words, {}, "smtputf8"};
    case SmtpTrouble::size: return {DeliveryState::failed, outcome.words, {}, "too_large"};
    case SmtpTrouble::unfit: return {DeliveryState::failed, outcome.words, {}, "unrenderable"};
    case SmtpTrouble::stranger:
    case SmtpTrouble::cut:
    case SmtpTrouble::slow:
    case SmtpTrouble::stopped:
      // Rule E5: nobody can know; the same Message-ID tells a repeat.
      if (outcome.stage == SmtpStage::dot)
        return deferred("the mail server did not say whether it took the mail, so it is sent once more: " + outcome.words, "unknown");
      return deferred(outcome.words, "no_answer");
  }
  return judge_answer(outcome);
}

std::string status_of(std::string_view answer) {
  const std::string_view code = answer.substr(0, std::min<std::size_t>(3, answer.size()));
  const std::string_view rest = answer.substr(std::min<std::size_t>(4, answer.size()));
  const std::string_view status = rest.substr(0, std::min(rest.find(' '), rest.size()));
  // RFC 3463: a digit, and two numbers of three digits at most.
  const bool numbers = std::all_of(status.begin(), status.end(), [](char c) { return is_digit(c) || c == '.'; });
  const bool enhanced = numbers && status.size() >= 5 && status.size() <= 9 && std::count(status.begin(), status.end(), '.') == 2 && status[1] == '.';
  return std::string(code) + (enhanced ? " " + std::string(status) : "");
}

bool SmtpAnswer::add(std::string_view line) {
  if (complete_) clear();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  const bool coded = line.size() >= 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]);
  const bool last = coded && (line.size() == 3 || line[3] == ' ');
  // The code once, then what each line says.
  if (coded && text_.empty()) text_ = line.substr(0, 3);
  const std::string_view words = coded ? line.substr(std::min<std::size_t>(4, line.size())) : line;
  if (!words.empty() && !text_.empty()) text_ += ' ';
  text_ += words.substr(0, limits::mail_answer_bytes_max - std::min(text_.size(), limits::mail_answer_bytes_max));
  if (!last) return false;
  complete_ = true;
  code_ = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  // It is shown to agents and written to logs.
  text_ = email::cut_utf8(email::to_utf8(text_, "utf-8"), limits::mail_answer_bytes_max);
  for (char& c : text_)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return true;
}

void SmtpAnswer::clear() { *this = {}; }

}  // namespace usher::connectors
