// Lists of words. A word that holds another of its list is left out, since the other finds it.
#include "connectors/email/bounce_words.hpp"

#include <algorithm>
#include <array>

#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

// All folded. In subjects.
constexpr auto subject_words = std::to_array<std::string_view>(
    {"undeliver", "failure notice", "delivery failure", "failure delivery", "delivery failed", "failed delivery", "delivery has failed", "delivery error",
     "delivery status", "delivery notification", "delivery problem", "mail delivery", "message delivery", "mail failure", "mail error", "mail system error",
     "returned mail", "returned to sender", "returning to sender", "returning message", "could not be delivered", "cannot be delivered", "could not deliver",
     "not delivered", "non-delivery", "nondelivery", "delayed mail", "message delayed", "delayed 2", "delayed for", "error sending your mail",
     "unzustellbar", "zustellung fehlgeschlagen", "nicht zugestellt", "non remis", "échec de la remise", "non distribué", "no se puede entregar",
     "no entregado", "devuelto", "mancata consegna", "mancato recapito", "non recapitabile", "niet leverbaar", "não é possível entregar", "did not reach",
     "onbestelbaar", "niet bezorgd", "não entregue", "falha na entrega", "niedostarcz", "не доставлен", "недоставлен", "配信できません", "配信不能", "送信できません",
     "メールを配信", "メールを配送", "退信", "无法投递", "無法投遞", "전송 실패", "not deliverable", "could not send message", "delivery delayed", "delivery report (failure)",
     "mail refused", "message refused", "message frozen", "bounced mail", "systems bounce", "zustellfehler", "zustellungsfehler",
     "zustellung nicht möglich", "nicht zustellbar", "remise impossible", "échec de remise", "échec de distribution", "message non distribuable",
     "no entregable", "no se pudo entregar", "error de entrega", "impossibile recapitare", "impossibile consegnare", "kan niet worden bezorgd",
     "niet afgeleverd", "não entregável", "não foi possível entregar", "kan inte levereras", "gick inte att leverera", "ej levererat", "kan ikke leveres",
     "kunne ikke leveres", "ikke leveret", "ikke levert", "ei voi toimittaa", "ei voitu toimittaa", "toimitusvirhe", "nedoruč", "nie dostarczono",
     "nie można dostarczyć", "kézbesíthetetlen", "kézbesítési", "teslim edilemedi", "letilemedi", "nelivrabil", "nelivrat", "livrare eșuată",
     "не удалось доставить", "невозможно доставить", "неможливо доставити", "недоставени", "δεν είναι δυνατή η παράδοση", "αποτυχία παράδοσησ",
     "לא ניתן למסירה", "تعذر التسليم", "تعذر تسليم", "nedostavljivo", "neisporučen", "ni mogoče dostaviti", "nepristatyt", "nepiegād", "kättetoimetamatu",
     "không thể gửi", "không gửi được", "ส่งไม่ได้", "tidak terkirim", "未送达", "未传递", "未送達", "無法傳遞", "无法传递", "無法送達", "退件", "配信に失敗", "配信エラー", "配達不能",
     "配達されませんでした", "送信エラー", "届けられませんでした", "배달되지 않음", "배달할 수 없", "반송"});

// In texts. What became of a mail, not why: "mailbox full" is also what a warning says about one's own,
// and "rejected" what a moderator does.
constexpr auto text_words = std::to_array<std::string_view>(
    {"could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "was not delivered", "wasn't delivered",
     "has not yet been delivered", "not been delivered", "unable to deliver", "wasn't able to deliver", "was not able to deliver", "unable to be delivered",
     "delivering your mail", "delivering your message", "deliver your message", "trouble delivering", "attempting to deliver", "delivery to the following",
     "delivery failed", "delivery has failed", "delivery failure", "undeliverable", "undelivered", "address(es) failed", "addresses failed",
     "failed addresses", "fatal errors", "delivery problems", "failure reasons", "unknown user", "user unknown", "no such user", "no valid recipient",
     "invalid user address", "did not reach the following", "did not reach some or all", "rejected by a remote", "returned the following error",
     "mailbox unavailable", "incorrectly constructed", "unrecoverable error", "not a member of this mailing list", "duplicated message-id",
     "n'a pas pu être remis", "n'a pas pu être distribué", "no se pudo entregar", "impossibile recapitare", "не может быть доставлен", "не доставлен",
     "送信に失敗", "could not be sent to", "could not send message", "has been frozen", "couldn't deliver", "could not deliver", "yet to be delivered", "had delivery errors", "failed permanently",
     "did not receive this message", "did not receive your message", "is still waiting to be delivered", "non-deliverable", "not deliverable",
     "failed recipient", "recipient failed", "recipients failed", "does not like recipient", "recipient address rejected", "recipient rejected",
     "rejected recipient", "recipient not found", "recipients were affected", "group you tried to contact", "sorry to have to inform you",
     "unable to accept your message", "blocked by our spam", "address couldn't be found", "address not found", "message blocked", 
     "your message was blocked", "not listed in",
     "no mailbox here", "unrouteable address", "host unknown", "konnte nicht an folgende", "konnte nicht an den", "nicht zugestellt", "nicht erreicht werden",
     "empfänger nicht erreicht", "nicht zustellbar", "unzustellbar", "n'a pas été remis", "n'ont pas pu être remis", "n'a pas pu être livré",
     "n'a pas pu être délivré", "impossible de remettre", "no se ha podido entregar", "no pudo ser entregado", "no ha sido entregado", "no se entregó",
     "non è stato recapitato", "non è stato possibile recapitare", "non è stato possibile consegnare", "impossibile consegnare", "non può essere consegnato",
     "niet worden bezorgd", "niet bezorgd", "niet worden afgeleverd", "não pôde ser entregue", "não foi possível entregar", "não pode ser entregue",
     "não foi entregue", "nie można dostarczyć", "nie mogła zostać dostarczona", "nie została dostarczona", "nie udało się dostarczyć", "inte att leverera",
     "inte levereras", "ikke leveres", "blev ikke leveret", "ble ikke levert", "ei voitu toimittaa", "ei voida toimittaa", "nebylo možné doručit",
     "nelze doručit", "nebyla doručena", "nebolo možné doručiť", "nie je možné doručiť", "nem sikerült kézbesíteni", "nem kézbesíthető",
     "nem lehet kézbesíteni", "teslim edilemedi", "letilemedi", "nu a putut fi livrat", "nu poate fi livrat", "не удалось доставить", "не был доставлен",
     "не было доставлено", "не может быть отправлено", "невозможно доставить", "не вдалося доставити", "не може бути доставлен",
     "δεν ήταν δυνατό να παραδοθεί", "δεν παραδόθηκε", "לא נמסרה", "לא ניתן היה למסור", "تعذر تسليم", "لم يتم تسليم", "nije moguće isporučiti",
     "ni bilo mogoče dostaviti", "không thể gửi", "không gửi được", "ไม่สามารถส่ง", "tidak dapat dikirim", "tidak terkirim", "无法投递", "无法送达", "无法传递", "未能送达",
     "被退回", "退信", "無法傳遞", "無法送達", "無法投遞", "配信できません", "配送できません", "送信できません", "届けられません", "お届けできません", "送達できません", "配信不能", "宛先が見つかりません", "배달할 수 없", "배달하지 못",
     "전송하지 못", "전달하지 못", "반송되었"});

// In either, while the server keeps trying.
constexpr auto delay_words = std::to_array<std::string_view>(
    {"delayed", "has not yet been delivered", "has not been delivered yet", "will be retried", "still being retried", "warning message only",
     "this is a warning", "status notification: warning", "status notification (delay)", "still undelivered", "will keep trying", "keep trying to",
     "yet to be delivered", "still waiting to be delivered", "delivery temporarily", "will retry", "temporarily deferred", "verzögert", "retardé",
     "retrasad", "ritardat", "vertraagd", "задерж", "遅延", "延迟", "延遲"});

// At the beginning of a line.
constexpr auto returned_words = std::to_array<std::string_view>(
    {"received:", "return-path:", "--- below this line", "--- original message", "--- enclosed", "--- the following", "----- original message",
     "original message", "------ this is a copy", "below is a copy", "message headers follow", "--- returned message", "------- returned message",
     "-------original", "-----original", "--- mensaje original", "bounced e-mail", "|------------------------- message text", "message details",
     "x-originating-ip:", "dkim-signature:", "--- the header of the original", "included is a copy", "unsent message",
     "----- unsent message", "--- unsent message", "original mail as follows", "the original message follows", "original bounce",
     "returned message", "--- 以下", "below this line", "------- original"});

// Behind a code that begins a line.
constexpr auto refusal_words = std::to_array<std::string_view>(
    {"no such", "unknown", "not known", "mailbox", "recipient", "rejected", "refused", "relay", "quota", "denied", "blocked", "not found", "invalid user",
     "user not", "does not exist", "doesn't exist", "spam", "transaction failed", "service unavailable", "service not available"});

template <class Words>
bool holds_any(std::string_view text, const Words& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace

std::string bounce_folded(std::string_view text) {
  constexpr std::string_view curly = "\u2019";
  std::string out = fold(text);
  for (std::size_t at = out.find(curly); at != std::string::npos; at = out.find(curly, at + 1)) out.replace(at, curly.size(), "'");
  return out;
}

bool is_bounce_subject(std::string_view subject) { return holds_any(subject, subject_words); }

bool says_not_delivered(std::string_view text) { return holds_any(text, text_words); }

bool says_delayed(std::string_view text) { return holds_any(text, delay_words); }

bool says_refused(std::string_view answer) { return holds_any(answer, refusal_words); }

bool begins_returned_mail(std::string_view line) {
  return std::any_of(returned_words.begin(), returned_words.end(), [&](std::string_view words) { return line.starts_with(words); });
}

}  // namespace usher::connectors::email
