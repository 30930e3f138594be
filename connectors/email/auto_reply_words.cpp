// Subjects of answering machines: a phrase, then the sign that it is a title.
#include "connectors/email/auto_reply_words.hpp"

#include <algorithm>
#include <array>

namespace usher::connectors::email {

namespace {

// Folded. What the mail programs of each language write; a phrase that people use as well is not here.
constexpr auto phrases = std::to_array<std::string_view>(
    {"automatic reply", "automatic response", "automated reply", "automated response", "autoreply", "auto reply", "auto-reply", "auto response", "auto-response",
     "autoresponse", "autoresponder", "auto-responder", "out of office", "out-of-office", "out of the office", "out of office autoreply", "out of office auto-reply",
     "out of office reply", "out of office notification", "i am out of office", "i am out of the office", "vacation reply", "vacation response", "vacation message",
     "away from my mail", "absence notice", "automatische antwort", "automatische abwesenheitsnotiz", "abwesenheitsnotiz", "abwesenheitsnachricht",
     "abwesenheitsmeldung", "abwesenheit", "abwesend", "réponse automatique", "réponse d'absence", "message d'absence", "absence du bureau", "absent du bureau",
     "respuesta automática", "respuesta automatica", "respuesta de ausencia", "fuera de la oficina", "fuera de oficina", "risposta automatica", "fuori sede", "fuori ufficio",
     "resposta automática", "resposta automàtica", "fora do escritório", "ausência temporária", "automatisch antwoord", "automatisch bericht", "afwezigheidsbericht", "afwezigheidsmelding",
     "afwezig", "automatiskt svar", "frånvaro", "frånvaromeddelande", "autosvar", "automatisk svar", "fraværende", "fravær", "ikke til stede", "automaattinen vastaus",
     "automaattinen poissaoloviesti", "poissaoloviesti", "odpowiedź automatyczna", "automatyczna odpowiedź", "poza biurem", "nieobecność", "automatická odpověď", "automatická odpoveď",
     "mimo kancelář", "mimo kancelárie", "automatikus válasz", "házon kívül", "răspuns automat", "автоматический ответ", "автоответ", "автоматична відповідь", "автоматичен отговор",
     "аутоматски одговор", "automatski odgovor", "samodejni odgovor", "automatinis atsakymas", "automātiskā atbilde", "automātiska atbilde", "automaatvastus", "otomatik yanıt", "otomatik yanit",
     "ofis dışında", "αυτόματη απάντηση", "εκτόσ γραφείου", "תשובה אוטומטית", "מענה אוטומטי", "رد تلقائي", "trả lời tự động", "ตอบกลับอัตโนมัติ", "balasan otomatis",
     "自动回复", "自动答复", "自動回覆", "自動答覆", "自動回复", "自動応答", "自動返信", "不在通知", "不在応答", "자동 회신", "자동 응답", "자동응답", "부재중 알림", "부재중"});

// After the phrase: nothing, or what sets a title apart from the subject behind it.
bool ends_title(std::string_view rest) {
  if (rest.empty()) return true;
  for (const std::string_view sign : {":", "：", "]", ")", "】"})
    if (rest.starts_with(sign)) return true;
  if (!rest.starts_with(' ')) return false;
  rest.remove_prefix(1);
  for (const std::string_view sign : {":", "：", "]", "- re:", "re:", "re ", "aw:", "\""})
    if (rest.starts_with(sign)) return true;
  return false;
}

}  // namespace

bool is_auto_reply_subject(std::string_view subject) {
  for (const std::string_view open : {"[", "(", "【", "*", "\u200f"})
    if (subject.starts_with(open)) {
      subject.remove_prefix(open.size());
      break;
    }
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) { return subject.starts_with(phrase) && ends_title(subject.substr(phrase.size())); });
}

}  // namespace usher::connectors::email
