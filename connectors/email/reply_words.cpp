// Words of replies, by language.
#include "connectors/email/reply_words.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/attribution.hpp"
#include "connectors/folded_text.hpp"

namespace usher::connectors::email {

namespace {

// With the blank that must follow; scripts without blanks have none.
constexpr auto openers = std::to_array<std::string_view>({
    "on ",  "at ",   "am ",    "le ",   "el ",  "il ",  "op ",     "em ",   "a ",   "den ", "dnia ", "w dniu ", "dne ", "dňa ", "på ",  "pe ",
    "v ",   "у ",    "в ",   "на ",  "στισ ",   "pada ", "vào ", "în ",  "dana ", "在",    "于",   "ngày ",  "þann ", "kuupäev "});

// Opener and verb at once: "message of".
constexpr auto messages_of = std::to_array<std::string_view>({"wiadomość napisana przez ", "missatge de "});

// In Danish, Norwegian and Swedish, Finnish, Dutch and German, where programs put the day of the week first.
constexpr auto weekdays = std::to_array<std::string_view>({
    "mandag",     "tirsdag",    "onsdag",      "torsdag",    "fredag",       "lørdag",    "søndag",      "måndag",     "tysdag",      "laurdag",    "sundag",       "tisdag",     "lördag",
    "söndag",     "maanantai",  "tiistai",     "keskiviikko", "torstai",     "perjantai", "lauantai",    "sunnuntai",  "maanantaina", "tiistaina",  "keskiviikkona", "torstaina", "perjantaina",
    "lauantaina", "sunnuntaina", "maandag",    "dinsdag",    "woensdag",     "donderdag", "vrijdag",     "zaterdag",   "zondag",      "montag",     "dienstag",     "mittwoch",   "donnerstag",
    "freitag",    "samstag",    "sonnabend",   "sonntag",    "man",          "tir",       "tirs",        "ons",        "tor",         "tors",       "fre",          "lør",        "søn",
    "mån",        "tis",        "lör",         "sön",        "ma",           "ti",        "ke",          "to",         "pe",          "la",         "su",           "di",         "wo",
    "do",         "vr",         "za",          "zo",         "mo",           "mi",        "fr",          "sa",         "so"});
constexpr std::size_t short_weekday_bytes_max = 4;
// One of these stands in what begins with a short one that has no dot: in other languages "do", "ke", "la" and "to" are words.
constexpr auto weekday_verbs = std::to_array<std::string_view>({" skrev ", " kirjoitti", " schrieb "});

// Verbs with the name behind them, and what is no name there: nobody's program writes "I" or "you".
struct VerbAndPronouns {
  std::string_view verb;
  std::array<std::string_view, 12> pronouns;
};
constexpr auto naming_verbs = std::to_array<VerbAndPronouns>(
    {{" schrieb", {"ich", "mir", "er", "sie", "wir"}}, {" schreef", {"ik", "u", "wij", "hij"}}, {" skrev", {"jag", "ni", "vi", "du", "jeg", "i", "dere", "de", "han", "hun", "hon"}}});

// A longer one that ends behind a shorter one is there for what may follow it: "продавец написал мне:" is a sentence.
constexpr auto verbs = std::to_array<std::string_view>({
    "wrote",        "writes",      "said",          "schrieb",     "geschrieben",  "schreef",       "geschreven", "écrit",     "ecrit",      "scrive",
    "scritto",      "escribió",    "escribio",      "va escriure", "escreveu",      "skrev",      "kirjoitti", "napisał(a)", "napisał/a",
    "napisała",     "napisał",     "napsal(a)",  "napsala",      "napsal",        "napísal(a)", "napísal",   "написала",
    "писал(а)",    "писал",         "пишет",       "пише",         "написав",       "yazdı",      "写道",      "寫道",       "のメッセージ",
    "は書きました", "έγραψε",      "a scris",       "írta",        "rašė",         "kirjutas",      "napisao",    "je napisao/la", "작성",   "님이 씀",
    "đã viết",      "menulis",     "כתב",           "كتب",         "skrifaði",     "rakstīja",      "quoting",    "citando",   "zitat von",  "написа",
    "написао",      "napisao je",  "napisala",      "เขียนว่า",      "تمت كتابة",    "のメール"});

constexpr auto fields = std::to_array<std::string_view>({
    "from",     "sent",     "to",        "subject",  "date",     "cc",      "bcc",       "reply-to", "von",      "gesendet", "an",      "betreff", "datum",
    "de",       "envoyé",   "envoye",    "à",        "objet",    "date d'envoi", "da",   "inviato",  "a",        "oggetto",  "data",    "van",     "verzonden",
    "aan",      "onderwerp", "od",       "wysłano",  "do",       "temat",   "dw",        "från",     "skickat",  "till",     "ämne",    "kopia",   "fra",
    "sendt",    "til",      "emne",      "kopi",     "lähettäjä", "lähetetty", "vastaanottaja", "aihe", "enviado", "enviado el", "para", "asunto", "assunto",
    "enviada em", "fecha",  "от",        "отправлено", "кому",   "тема",    "дата",      "від",      "надіслано", "发件人",   "发送时间", "收件人", "主题",
    "寄件者",   "收件者",   "主旨",      "差出人",   "送信日時", "宛先",    "件名",      "보낸 사람", "받는 사람", "제목",     "kimden",
    "보낸 날짜", "날짜",    "寄件日期",  "日期",    "抄送",    "副本",    "日付",      "送信者",   "gönderildi", "kime",   "konu",    "tarih",   "bilgi",
    "odesláno", "komu",     "předmět",   "kopie",   "odoslané", "predmet", "dátum",    "feladó",   "elküldve", "címzett", "tárgy",   "másolatot kap",
    "de la",    "trimis",   "către",     "subiect", "από",     "στάλθηκε", "προσ",     "θέμα",     "κοιν.",    "מאת",     "נשלח",    "אל",      "נושא",
    "עותק",     "תאריך",    "من",        "تاريخ الإرسال", "إلى", "الموضوع", "التاريخ", "šalje",  "poslano",  "prima",   "zadeva",  "изпратено", "до",
    "относно",  "от кого",  "копия",     "копія",   "послано", "enviat",  "per a",     "assumpte", "nuo",      "išsiųsta", "kam",    "tema",    "nosūtīts", "no",     "tēma",
    "saatja",   "saadetud", "adressaat", "teema",   "dari",    "dikirim", "kepada",    "subjek",   "từ",       "đã gửi",  "đến",     "chủ đề",  "จาก",
    "ส่ง",       "ถึง",      "เรื่อง"});

constexpr auto subject_fields = std::to_array<std::string_view>({"subject", "betreff", "objet", "oggetto", "onderwerp", "temat", "ämne", "emne", "aihe", "asunto",
                                                                 "assunto", "тема", "主题", "主旨", "件名", "제목", "konu", "předmět", "predmet", "tárgy", "subiect", "θέμα",
                                                                 "נושא", "الموضوع", "zadeva", "относно", "assumpte", "tema", "tēma", "teema", "subjek", "chủ đề", "เรื่อง"});

// "No" of "No: it did not arrive." is "from" in Latvian, where one of its other fields stands by it.
constexpr std::string_view doubtful_field = "no";
constexpr auto latvian_fields = std::to_array<std::string_view>({"tēma", "nosūtīts", "kam"});

constexpr auto device_beginnings = std::to_array<std::string_view>({
    "sent from my ",         "sent from mail for ",     "sent from the ",
    "sent via ",             "sent by ",                "sent with ",              "sent using ",            "sent on the go",         "connected by my ",
    "verzonden met ",          "verstuurd met ",          "från min ",              "lähetetty ",             "odesláno z ",        "trimis de pe ",
    "надіслано з ",            "发自我的",                "从我的",         "get outlook for ",       "envoyé de mon ",     "envoyé depuis ",
    "envoyé à partir de ",   "von meinem ",             "gesendet von ",          "gesendet mit ",          "diese nachricht wurde von meinem ", "inviato da ",
    "enviado desde ",        "enviado do meu ",         "enviado de meu ",        "verzonden vanaf mijn ",  "verstuurd vanaf mijn ", "sendt fra min ",
    "skickat från min ",     "wysłane z ",              "отправлено с "});

constexpr auto forwards = std::to_array<std::string_view>({
    "begin forwarded message",     "anfang der weitergeleiteten", "début du message réexpédié", "début du message transféré", "inizio messaggio inoltrato",
    "begin doorgestuurd bericht",  "inicio del mensaje reenviado", "início da mensagem",        "vidarebefordrat brev",       "videresendt besked",
    "начало переадресованного",    "początek przekaz",             "下面是被转发的邮件",         "videresendt melding",        "välitetty viesti alkaa",
    "začátek přeposílané",         "переадресованное сообщение",   "пересылаемое сообщение",     "İletilen ileti",            "転送されたメッセージ",
    "開始轉寄郵件",                "전달된 메시지",                "továbbított levél",          "începutul mesajului",        "έναρξη προωθημένου",
    "пересланное сообщение",       "початок листа, що пересила",   "inici del missatge reenviat", "začiatok preposielanej",     "započeti proslijeđenu"});

// What desks of others put above the mail that they send; the answer stands above it.
constexpr auto reply_marks = std::to_array<std::string_view>(
    {"reply above this line", "type your reply above", "write above this line", "above this line to reply", "respond above this line", "oberhalb dieser zeile", "oberhalb dieser linie", "über dieser linie",
     "au-dessus de cette ligne", "encima de esta línea", "sopra questa riga", "boven deze regel", "boven deze lijn", "acima desta linha"});

// A signature of a device names it, and begins or ends with a word for sending or getting.
constexpr auto devices = std::to_array<std::string_view>({"iphon", "ipad", "ipod", "outlook", "android", "blackberry", "samsung", "galaxy", "huawei", "xiaomi", "windows", "k-9", "k9", "proton", "yahoo",
                                                          "gmail", "thunderbird", "smartphone", "mobile", "icloud", "почты", "mail.ru", "yandex", "gmx", "web.de", "verizon"});
constexpr auto device_begins = std::to_array<std::string_view>(
    {"sent from ", "sent with ", "inviato dal ", "inviato con ", "inviata da ", "verzonden ", "verstuurd ", "skickat ", "sendt fra ", "sendt med ", "отправлено из ", "отправлено через ", "poslano z ", "poslano s ",
     "poslané z ", "poslato sa ", "elküldve ", "στάλθηκε από ", "trimis ", "נשלח מ", "أُرسلت من", "أرسلت من", "تم الإرسال من", "enviat des de ", "enviado con ", "enviado através", "envoyé avec",
     "télécharger outlook", "obtenir outlook", "obtener outlook", "ottieni outlook", "scarica outlook", "obter o outlook", "baixe o outlook", "hämta outlook", "hent outlook", "pobierz outlook", "скачать outlook",
     "ανάκτηση του outlook", "download outlook", "outlook voor", "從我的", "從 ", "나의 ", "odoslané ", "odeslané ", "wysłano z ", "išsiųsta iš "});
constexpr auto device_ends = std::to_array<std::string_view>({"gönderildi", "gönderilmiştir", "から送信", "送信しました", "傳送", "发送", "發送", "에서 보냄", "beziehen", "herunterladen", "downloaden", "gesendet", "gesendet."});

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

// "tirsdag 24.", "mandag den 23.", "Dienstag, 24.", "ti. 24.", "ti 24.": the day of the week with that of the month. A short name
// needs a dot at one of them, and a verb of its languages where that is the day of the month: "to 24 people" is English.
bool begins_with_day(std::string_view line, std::string_view name) {
  if (!line.starts_with(name)) return false;
  std::string_view rest = line.substr(name.size());
  const bool whole = name.size() > short_weekday_bytes_max, dotted = rest.starts_with('.');
  if (dotted) rest.remove_prefix(1);
  if (rest.starts_with(',')) rest.remove_prefix(1);
  if (!rest.starts_with(' ')) return false;
  rest.remove_prefix(1);
  const std::size_t blank = std::min(rest.find(' '), rest.size());
  // "Fredag skrev 2 ..." is a sentence.
  if (whole && blank + 1 < rest.size() && !is_digit(rest.front()) && attribution_verb_end(rest.substr(0, blank)) == std::string_view::npos) rest.remove_prefix(blank + 1);
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto stands = [&](std::string_view verb) { return line.find(verb) != std::string_view::npos; };
  return digits > 0 && (whole || dotted || (rest.substr(digits).starts_with('.') && std::any_of(weekday_verbs.begin(), weekday_verbs.end(), stands)));
}

std::string_view without_strokes(std::string_view line) {
  while (line.starts_with('-') || line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace

bool begins_with_weekday(std::string_view line) {
  line = without_strokes(line);
  return std::any_of(weekdays.begin(), weekdays.end(), [&](std::string_view name) { return begins_with_day(line, name); });
}

bool begins_message_of(std::string_view line) {
  line = without_strokes(line);
  return std::any_of(messages_of.begin(), messages_of.end(), [&](std::string_view opener) { return line.starts_with(opener); });
}

bool begins_attribution(std::string_view line) {
  if (begins_with_weekday(line)) return true;
  line = without_strokes(line);
  return std::any_of(openers.begin(), openers.end(), [&](std::string_view opener) { return line.starts_with(opener); });
}

bool begins_with_name(std::string_view said, std::string_view after) {
  const auto verb = std::find_if(naming_verbs.begin(), naming_verbs.end(), [&](const VerbAndPronouns& one) { return said.ends_with(one.verb); });
  if (verb == naming_verbs.end()) return false;
  while (after.starts_with(' ')) after.remove_prefix(1);
  const std::string_view word = after.substr(0, after.find_first_of(" :"));
  return word.empty() || !is_one_of(word, verb->pronouns);
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

bool is_doubtful_header(std::string_view line) { return repeated_name(line) == doubtful_field; }

bool is_latvian_header(std::string_view line) { return is_one_of(repeated_name(line), latvian_fields); }

bool is_repeated_subject(std::string_view line) { return is_one_of(repeated_name(line), subject_fields); }

bool is_device_signature(std::string_view line) {
  if (line.size() > device_line_bytes_max || line.ends_with('?')) return false;
  while (!line.empty() && std::string_view("(<[*_").find(line.front()) != std::string_view::npos) line.remove_prefix(1);
  if (line.ends_with(" from mobile") || (line.starts_with("von ") && line.ends_with(" gesendet")) || line.starts_with("iphoneから送信")) return true;
  const auto begins = [&](std::string_view beginning) { return line.starts_with(beginning); };
  const auto ends = [&](std::string_view ending) { return line.ends_with(ending); };
  // A signature is short: "Sent from my office in Bonn you will get ..." is a sentence of the customer.
  const auto blanks = std::count(line.begin(), line.end(), ' ');
  if (std::any_of(device_beginnings.begin(), device_beginnings.end(), begins) && blanks < 10) return true;
  const bool device = std::any_of(devices.begin(), devices.end(), [&](std::string_view name) { return line.find(name) != std::string_view::npos; });
  return device && blanks < 14 && (std::any_of(device_begins.begin(), device_begins.end(), begins) || std::any_of(device_ends.begin(), device_ends.end(), ends));
}

bool is_reply_mark(std::string_view line) {
  if (line.empty() || line.size() > device_line_bytes_max || std::string_view("#-=_*~+[<").find(line.front()) == std::string_view::npos) return false;
  return std::any_of(reply_marks.begin(), reply_marks.end(), [&](std::string_view mark) { return line.find(mark) != std::string_view::npos; });
}

bool begins_forward(std::string_view line) {
  return std::any_of(forwards.begin(), forwards.end(), [&](std::string_view forward) { return line.starts_with(forward); });
}

}  // namespace usher::connectors::email
