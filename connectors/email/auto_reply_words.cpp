// Subjects of answering machines: a phrase, then the sign that it is a title.
#include "connectors/email/auto_reply_words.hpp"

#include <algorithm>
#include <array>

namespace usher::connectors::email {

namespace {

// All folded. What only a program calls its mail, in each language.
constexpr auto titles = std::to_array<std::string_view>(
    {"automatic reply", "automatic response", "automated reply", "automated response", "autoreply", "auto reply", "auto-reply", "auto response",
     "auto-response", "autoresponse", "autoresponder", "auto-responder", "out of office autoreply", "out of office auto-reply", "out of office reply",
     "out of office notification", "vacation reply", "vacation response", "away from my mail", "automatische antwort", "automatische abwesenheitsnotiz",
     "abwesenheitsnotiz", "réponse automatique", "réponse d'absence", "respuesta automática", "respuesta automatica", "respuesta de ausencia",
     "risposta automatica", "resposta automática", "resposta automàtica", "automatisch antwoord", "automatisch bericht", "automatiskt svar", "autosvar",
     "automatisk svar", "automaattinen vastaus", "automaattinen poissaoloviesti", "odpowiedź automatyczna", "automatyczna odpowiedź", "automatická odpověď",
     "automatická odpoveď", "automatikus válasz", "răspuns automat", "автоматический ответ", "автоответ", "автоматична відповідь", "автоматичен отговор",
     "аутоматски одговор", "automatski odgovor", "samodejni odgovor", "automatinis atsakymas", "automātiskā atbilde", "automātiska atbilde",
     "automaatvastus", "otomatik yanıt", "otomatik yanit", "αυτόματη απάντηση", "תשובה אוטומטית", "מענה אוטומטי", "رد تلقائي", "trả lời tự động",
     "ตอบกลับอัตโนมัติ", "balasan otomatis", "自动回复", "自动答复", "自動回覆", "自動答覆", "自動回复", "自動応答", "自動返信", "자동 회신", "자동 응답", "자동응답"});

// What people are, too: a parent reports that a child is away, and "Out of office: chairs" is an order.
constexpr auto absences = std::to_array<std::string_view>(
    {"out of office", "out-of-office", "out of the office", "i am out of office", "i am out of the office", "vacation message", "absence notice",
     "abwesenheitsnachricht", "abwesenheitsmeldung", "abwesenheit", "abwesend", "message d'absence", "absence du bureau", "absent du bureau",
     "fuera de la oficina", "fuera de oficina", "fuori sede", "fuori ufficio", "fora do escritório", "ausência temporária", "afwezigheidsbericht",
     "afwezigheidsmelding", "afwezig", "frånvaro", "frånvaromeddelande", "fraværende", "fravær", "ikke til stede", "poissaoloviesti", "poza biurem",
     "nieobecność", "mimo kancelář", "mimo kancelárie", "házon kívül", "ofis dışında", "εκτόσ γραφείου", "不在通知", "不在応答", "부재중 알림", "부재중"});

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

template <class Phrases>
bool is_titled(std::string_view subject, const Phrases& phrases) {
  for (const std::string_view open : {"[", "(", "【", "*", "\u200f"})
    if (subject.starts_with(open)) {
      subject.remove_prefix(open.size());
      break;
    }
  return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) { return subject.starts_with(phrase) && ends_title(subject.substr(phrase.size())); });
}

}  // namespace

bool is_auto_reply_subject(std::string_view subject) { return is_titled(subject, titles); }

bool is_absence_subject(std::string_view subject) { return is_titled(subject, absences); }

}  // namespace usher::connectors::email
