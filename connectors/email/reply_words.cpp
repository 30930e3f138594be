// Words of replies, by language.
#include "connectors/email/reply_words.hpp"

#include <algorithm>
#include <array>

#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

// With the blank that must follow; scripts without blanks have none.
constexpr auto openers = std::to_array<std::string_view>({
    "on ",  "at ",   "am ",    "le ",   "el ",  "il ",  "op ",     "em ",   "a ",   "den ", "dnia ", "w dniu ", "dne ", "på ",  "em ",  "în data",  "pe ",
    "ti. ", "tirsdag", "v ",   "у ",    "в ",   "на ",  "στις ",   "tarihinde", "pada ", "vào ", "în ", "el dia", "dana ", "在",    "于",   "2",      "ngày "});

constexpr auto verbs = std::to_array<std::string_view>({
    "wrote",        "writes",      "said",          "schrieb",     "geschrieben",  "schreef",       "geschreven", "a écrit",   "écrit",      "ecrit",
    "ha scritto",   "scrive",      "scritto",       "escribió",    "escribio",     "va escriure",   "escreveu",   "skrev",     "kirjoitti",  "napisał(a)",
    "napisał/a",    "napisała",    "napisał",       "napsal(a)",   "napsala",      "napsal",        "napísal(a)", "napísal",   "написал(а)", "написала",
    "написал",      "писал(а)",    "писал",         "пишет",       "пише",         "написав",       "написала",   "yazdı",     "şunu yazdı", "写道",
    "寫道",         "のメッセージ", "は書きました", "έγραψε",      "a scris",      "írta",          "rašė",       "kirjutas",  "napisao",    "je napisao/la",
    "작성",         "님이 씀",     "đã viết",       "menulis",     "כתב",          "كتب",           "skrifaði",   "rakstīja",    "quoting",    "citando",
    "zitat von"});

constexpr auto fields = std::to_array<std::string_view>({
    "from",     "sent",     "to",        "subject",  "date",     "cc",      "bcc",       "reply-to", "von",      "gesendet", "an",      "betreff", "datum",
    "de",       "envoyé",   "envoye",    "à",        "objet",    "date d'envoi", "da",   "inviato",  "a",        "oggetto",  "data",    "van",     "verzonden",
    "aan",      "onderwerp", "od",       "wysłano",  "do",       "temat",   "dw",        "från",     "skickat",  "till",     "ämne",    "kopia",   "fra",
    "sendt",    "til",      "emne",      "kopi",     "lähettäjä", "lähetetty", "vastaanottaja", "aihe", "enviado", "enviado el", "para", "asunto", "assunto",
    "enviada em", "fecha",  "от",        "отправлено", "кому",   "тема",    "дата",      "від",      "надіслано", "发件人",   "发送时间", "收件人", "主题",
    "寄件者",   "收件者",   "主旨",      "差出人",   "送信日時", "宛先",    "件名",      "보낸 사람", "받는 사람", "제목",     "kimden"});

constexpr auto subject_fields = std::to_array<std::string_view>({"subject", "betreff", "objet", "oggetto", "onderwerp", "temat", "ämne", "emne", "aihe", "asunto",
                                                                 "assunto", "тема", "主题", "主旨", "件名", "제목"});

constexpr auto device_beginnings = std::to_array<std::string_view>({
    "sent from my ",         "sent from outlook",       "sent from mail for",     "sent from yahoo mail",   "sent from samsung",  "sent from the ",
    "sent via ",             "sent by ",                "sent with ",              "sent using ",            "sent on the go",         "connected by my ",
    "verzonden met ",          "verstuurd met ",          "från min ",              "lähetetty ",             "odesláno z ",        "trimis de pe ",
    "надіслано з ",            "发自我的",                "从我的",         "get outlook for ",       "envoyé de mon ",     "envoyé depuis ",
    "envoyé à partir de ",   "von meinem ",             "gesendet von ",          "gesendet mit ",          "diese nachricht wurde von meinem ", "inviato da ",
    "enviado desde ",        "enviado do meu ",         "enviado de meu ",        "verzonden vanaf mijn ",  "verstuurd vanaf mijn ", "sendt fra min ",
    "skickat från min ",     "wysłane z ",              "отправлено с "});

constexpr auto forwards = std::to_array<std::string_view>({
    "begin forwarded message",     "anfang der weitergeleiteten", "début du message réexpédié", "début du message transféré", "inizio messaggio inoltrato",
    "begin doorgestuurd bericht",  "inicio del mensaje reenviado", "início da mensagem",        "vidarebefordrat brev",       "videresendt besked",
    "начало переадресованного",    "początek przekazanej",         "下面是被转发的邮件"});

constexpr std::size_t device_line_bytes_max = 120;

bool is_letter_byte(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

// The name of a field, without the stars of bold text; "" when the line is none.
std::string_view repeated_name(std::string_view line) {
  while (!line.empty() && (line.front() == '*' || line.front() == ' ')) line.remove_prefix(1);
  const std::size_t colon = std::min(line.find(':'), line.find("："));
  if (colon == std::string_view::npos || colon > 40) return {};
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && (name.back() == '*' || name.back() == ' ')) name.remove_suffix(1);
  return name;
}

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool begins_attribution(std::string_view line) {
  while (line.starts_with('-') || line.starts_with(' ')) line.remove_prefix(1);
  return std::any_of(openers.begin(), openers.end(), [&](std::string_view opener) { return line.starts_with(opener); });
}

std::size_t attribution_verb_end(std::string_view line) {
  std::size_t best = std::string_view::npos;
  for (const std::string_view verb : verbs) {
    const std::size_t at = line.rfind(verb);
    if (at == std::string_view::npos) continue;
    const bool ascii = static_cast<unsigned char>(verb.front()) < 0x80;
    if (ascii && at > 0 && is_letter_byte(line[at - 1])) continue;
    const std::size_t end = at + verb.size();
    if (ascii && end < line.size() && is_letter_byte(line[end])) continue;
    if (best == std::string_view::npos || end > best) best = end;
  }
  return best;
}

bool is_repeated_header(std::string_view line) { return is_one_of(repeated_name(line), fields); }

bool is_repeated_subject(std::string_view line) { return is_one_of(repeated_name(line), subject_fields); }

bool is_device_signature(std::string_view line) {
  if (line.size() > device_line_bytes_max) return false;
  while (!line.empty() && std::string_view("(<[*_").find(line.front()) != std::string_view::npos) line.remove_prefix(1);
  if (line.ends_with(" from mobile") || (line.starts_with("von ") && line.ends_with(" gesendet")) || line.starts_with("iphoneから送信")) return true;
  const auto begins = [&](std::string_view beginning) { return line.starts_with(beginning); };
  if (!std::any_of(device_beginnings.begin(), device_beginnings.end(), begins)) return false;
  // A signature is short: "Sent from my office in Bonn you will get ..." is a sentence of the customer.
  return std::count(line.begin(), line.end(), ' ') < 10;
}

bool begins_forward(std::string_view line) {
  return std::any_of(forwards.begin(), forwards.end(), [&](std::string_view forward) { return line.starts_with(forward); });
}

}  // namespace usher::connectors::email
