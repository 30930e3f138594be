// Kinds of mail, the surest sign first: what a report says of itself, then what its sender is, then what headers admit.
#include "connectors/email/mail_kind.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/bounce_forms.hpp"
#include "connectors/email/delivery_report.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

// What servers and programs write in front of the subject they answer to. Folded.
constexpr auto auto_subjects = std::to_array<std::string_view>(
    {"automatic reply:", "autoreply:", "auto reply:", "auto-reply:", "out of office:", "out of office autoreply:", "out-of-office:",
     "automatische antwort:", "abwesenheitsnotiz:", "abwesend:", "réponse automatique", "réponse automatique:", "respuesta automática:",
     "risposta automatica:", "resposta automática:", "automatisch antwoord:", "automatiskt svar:", "autosvar:", "automatisk svar:",
     "automaattinen vastaus:", "odpowiedź automatyczna:", "automatická odpověď:", "автоматический ответ:", "автоответ:", "otomatik yanıt:",
     "自动回复:", "自動回覆:", "自動応答:", "자동 회신:"});

std::string first_word(std::string_view value) {
  const std::size_t end = value.find_first_of(" \t;(");
  return ascii_lower(value.substr(0, end));
}

bool is_feedback(const Mail& mail) {
  for (const auto& part : mail.report)
    if (part.type == "message/feedback-report") return true;
  if (contains_nocase(mail.headers.value("content-type"), "report-type=feedback-report") ||
      contains_nocase(mail.headers.value("content-type"), "report-type=\"feedback-report\""))
    return true;
  // The complaint form of Microsoft's programme, and Apple Mail's button to unsubscribe.
  for (const auto& file : mail.files)
    if (file.type == "message/rfc822" && read_header_block(file.bytes).headers.has("x-hmxmroriginalrecipient")) return true;
  return first_word(mail.headers.value("x-apple-unsubscribe")) == "true";
}

bool is_receipt(const Mail& mail) {
  return std::any_of(mail.report.begin(), mail.report.end(), [](const ReportPart& part) {
    return part.type == "message/disposition-notification" || part.type == "message/global-disposition-notification";
  });
}

// RFC 2369 and 2919: whatever a list says of itself, it is a list.
constexpr auto bulk_fields = std::to_array<std::string_view>({"list-id", "list-post", "list-help", "list-subscribe", "list-unsubscribe", "list-owner", "list-archive",
                                                              "mailing-list", "x-mlserver", "x-loop", "feedback-id"});

bool is_bulk(const HeaderList& headers, const std::string& submitted) {
  const std::string precedence = first_word(headers.value("precedence"));
  if (precedence == "bulk" || precedence == "junk" || precedence == "list") return true;
  if (std::any_of(bulk_fields.begin(), bulk_fields.end(), [&](std::string_view name) { return headers.has(name); })) return true;
  return submitted == "auto-generated" || submitted == "auto-notified";
}

// What says of itself, or in its subject, that a program answered.
bool admits_auto_reply(const Mail& mail, const std::string& submitted) {
  const HeaderList& headers = mail.headers;
  if (!submitted.empty() && submitted != "no" && submitted != "auto-generated" && submitted != "auto-notified") return true;
  for (const std::string_view name : {"x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply", "x-auto-reply-from"})
    if (headers.has(name) && first_word(headers.value(name)) != "no") return true;
  if (const std::string precedence = first_word(headers.value("precedence")); precedence == "auto_reply" || precedence == "auto-reply") return true;
  if (first_word(headers.value("x-apple-action")) == "vacation") return true;
  const std::string subject = fold(mail.subject);
  // Old Exchange servers write "Auto:" and say in the header what they are; people write it about their cars.
  if (subject.starts_with("auto:") && (is_bulk(headers, submitted) || headers.has("x-auto-response-suppress"))) return true;
  return std::any_of(auto_subjects.begin(), auto_subjects.end(), [&](std::string_view words) { return subject.starts_with(words); });
}

// A report on deliveries that all went well is news; anything else is a failure or the fear of one.
Automated outcome_of(const std::vector<ReportedRecipient>& recipients) {
  const bool good = !recipients.empty() && std::all_of(recipients.begin(), recipients.end(), [](const ReportedRecipient& one) {
    return one.delivery == Delivery::delivered;
  });
  return good ? Automated::delivery_report : Automated::bounce;
}

}  // namespace

MailKind classify_mail(const Mail& mail) {
  MailKind kind;
  const std::string submitted = first_word(mail.headers.value("auto-submitted"));
  const bool answers = admits_auto_reply(mail, submitted);
  if (is_feedback(mail)) {
    kind.automated = Automated::feedback_report;
    kind.recipients = complained_recipients(mail);
  } else if (has_delivery_report(mail)) {
    kind.recipients = reported_recipients(mail);
    // A report may name a file or a program instead of an address.
    const bool addressed = std::any_of(kind.recipients.begin(), kind.recipients.end(), [](const auto& one) { return one.address.find('@') != std::string::npos; });
    if (!addressed)
      if (auto worded = recipients_in_words(mail); !worded.empty()) kind.recipients = std::move(worded);
    kind.automated = outcome_of(kind.recipients);
  } else if (is_receipt(mail)) {
    kind.automated = Automated::delivery_report;
  } else if (answers && has_null_path(mail) && !is_from_server(mail)) {
    // A holiday note to a bounce's subject, or to a mail about deliveries.
    kind.automated = Automated::auto_reply;
  } else if (is_bounce_in_words(mail)) {
    kind.automated = Automated::bounce;
    kind.recipients = recipients_in_words(mail);
  } else if (answers || has_null_path(mail)) {
    kind.automated = Automated::auto_reply;
  } else if (is_bulk(mail.headers, submitted) || mail.type == "multipart/report") {
    kind.automated = Automated::bulk;
  }
  const bool reports = kind.automated && *kind.automated != Automated::auto_reply && *kind.automated != Automated::bulk;
  if (reports) kind.original_ids = original_ids(mail);
  return kind;
}

}  // namespace usher::connectors::email
