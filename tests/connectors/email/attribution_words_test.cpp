// Lines of attribution as the mail programs of each language write them, by name and date alone: where they also have an address and
// the minute, no word is needed. One row a wording, so that each word of ours is needed by one.
#include <catch2/catch.hpp>

#include "connectors/email/reply_text.hpp"

using namespace usher::connectors::email;

namespace {

struct Row {
  const char* language;
  std::string line;
};

// By how it begins it is known without any quote behind it.
const std::vector<Row> openings{
    {"English", "On 21 Nov 2026, at 18:57, Support wrote:"},
    {"English", "At 18:57 21/11/2026, you wrote:"},
    {"German", "Am 21.11.2026 um 18:57 schrieb Support:"},
    {"French", "Le 21 nov. 2026 à 18:57, Support a écrit :"},
    {"Italian", "Il giorno 21 nov 2026, alle ore 18:57, Support ha scritto:"},
    {"Spanish", "El 21 nov 2026, a las 18:57, Support escribió:"},
    {"Catalan", "El dia 21 de nov. 2026, a les 18:57, Support va escriure:"},
    {"Catalan", "Missatge de Support del dia ds., 21 de nov. 2026 a les 18:57:"},
    {"Catalan", "Missatge de Support <support@example.com>:"},
    {"Catalan", "Missatge de Support\ndel dia ds., 21 de nov. 2026 a les 18:57:"},
    {"Portuguese", "Em 21 de nov. de 2026, à(s) 18:57, Support escreveu:"},
    {"Portuguese", "A 21/11/2026, às 18:57, Support escreveu:"},
    {"Dutch", "Op 21 nov. 2026 om 18:57 schreef Support:"},
    {"Swedish", "Den 21 nov. 2026 kl. 18:57 skrev Support:"},
    {"Norwegian", "På lørdag 21. november 2026 kl. 18:57 skrev Support:"},
    {"Danish", "tirsdag 24. november 2026 kl. 18:57 skrev Support:"},
    {"Danish", "Den 24. nov. 2026 kl. 18.57 skrev Support:"},
    {"Finnish", "ti. 24. marrask. 2026 klo 18:57 Support kirjoitti:"},
    {"Icelandic", "Þann 21.11.2026 18:57, Support skrifaði:"},
    {"Polish", "Dnia 21 listopada 2026 18:57 Support napisał:"},
    {"Polish", "W dniu 21.11.2026 o 18:57, Support napisał(a):"},
    {"Polish", "Wiadomość napisana przez Support w dniu 21 lis 2026, o godz. 18:57:"},
    {"Polish", "Wiadomość napisana przez Support <support@example.com>:"},
    {"Czech", "Dne 21. listopadu 2026 18:57 Support napsal(a):"},
    {"Slovak", "Dňa 21. 11. 2026 o 18:57 Support napísal(a):"},
    {"Slovenian", "V V sob., 21. nov. 2026 ob 18:57 je oseba Support napisala:"},
    {"Croatian", "Dana 21. stu 2026. u 18:57 Support je napisao/la:"},
    {"Romanian", "În data de sâm., 21 nov. 2026 la 18:57, Support a scris:"},
    {"Romanian", "Pe 21 nov. 2026, la 18:57, Support a scris:"},
    {"Ukrainian", "У сб, 21 лист. 2026 р. о 18:57 Support пише:"},
    {"Russian", "В сб, 21 нояб. 2026 г. в 18:57, Support написал(а):"},
    {"Bulgarian", "На сб, 21.11.2026 г. в 18:57 Support написа:"},
    {"Greek", "Στις Σάβ 21 Νοε 2026 στις 18:57, ο χρήστης Support έγραψε:"},
    {"Estonian", "Kuupäev 21. november 2026 18:57, Support kirjutas:"},
    {"Indonesian", "Pada Sab, 21 Nov 2026 pukul 18:57 Support menulis:"},
    {"Vietnamese", "Vào Th 7, 21 thg 11, 2026 vào lúc 18:57 Support đã viết:"},
    {"Vietnamese", "Ngày 21 thg 11, 2026, lúc 18:57, Support đã viết:"},
    {"Chinese", "在 2026年11月21日,18:57,Support 写道:"},
    {"Chinese", "于2026年11月21日 18:57,Support写道:"},
};

// By the day of the week, with the day of the month in the manners of the language.
struct Week {
  const char* language;
  std::vector<std::string> days;
  std::string rest;
};

const std::vector<Week> weeks{
    {"Danish", {"Mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"}, " den 24. november 2026 kl. 18.57 skrev Support:"},
    {"Danish", {"man.", "tirs.", "ons.", "tors.", "fre.", "lør.", "søn."}, " 24. nov. 2026 kl. 18.57 skrev Support:"},
    {"Norwegian", {"mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"}, " 24. november 2026 kl. 18:57 skrev Support:"},
    {"Norwegian", {"man.", "tir.", "ons.", "tor.", "fre.", "lør.", "søn."}, " 24. nov. 2026 kl. 18:57 skrev Support:"},
    {"Norwegian", {"man", "tir", "ons", "tor", "fre", "lør", "søn"}, " 24. nov. 2026 kl. 18:57 skrev Support:"},
    {"Norwegian, Nynorsk", {"måndag", "tysdag", "onsdag", "torsdag", "fredag", "laurdag", "sundag"}, " 24. november 2026 kl. 18:57 skrev Support:"},
    {"Swedish", {"Måndag", "Tisdag", "Onsdag", "Torsdag", "Fredag", "Lördag", "Söndag"}, " 24 november 2026 18:57 skrev Support:"},
    {"Swedish", {"mån", "tis", "ons", "tors", "fre", "lör", "sön"}, ". 24 nov 2026 kl. 18:57 skrev Support:"},
    {"Finnish", {"ma", "ti", "ke", "to", "pe", "la", "su"}, " 24. marrask. 2026 klo 18.57 Support kirjoitti:"},
    {"Finnish", {"ma", "ti", "ke", "to", "pe", "la", "su"}, ". 24. marrask. 2026 klo 18.57 Support kirjoitti:"},
    {"Finnish", {"maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai"}, " 24. marraskuuta 2026 Support kirjoitti:"},
    {"Finnish", {"Maanantaina", "tiistaina", "keskiviikkona", "torstaina", "perjantaina", "lauantaina", "sunnuntaina"}, " 24. marraskuuta 2026 Support kirjoitti:"},
    {"Dutch", {"maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"}, " 24 november 2026 om 18:57 schreef Support:"},
    {"Dutch", {"ma", "di", "wo", "do", "vr", "za", "zo"}, ". 24 nov. 2026 om 18:57 schreef Support:"},
    {"German", {"Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag", "Sonnabend"}, ", 24. November 2026, 18:57 schrieb Support:"},
    {"German", {"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"}, "., 24.11.2026 18:57 schrieb Support:"},
    {"German", {"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"}, ", 24.11.2026 18:57 schrieb Support:"},
    {"Dutch", {"maandag", "dinsdag"}, " 24 november 2026 om 18:57 schreef De Vries:"},
};

// With the quote behind it.
const std::vector<Row> verbs{
    {"English", "Support writes (21 Nov 2026):"},
    {"English", "21 Nov 2026, Support said:"},
    {"English, Horde", "Quoting Support <support@example.com>:"},
    {"German", "Support hat am 21.11.2026 18:57 geschrieben:"},
    {"German, Horde", "Zitat von Support <support@example.com>:"},
    {"Dutch", "Support heeft op 21-11-2026 om 18:57 het volgende geschreven:"},
    {"French", "Support (21/11/2026) a ecrit :"},
    {"Italian", "Il 21/11/2026 18:57, Support scrive:"},
    {"Spanish", "Support el 21/11/2026 escribio:"},
    {"Spanish, Horde", "Citando Support <support@example.com>:"},
    {"Polish", "21 lis 2026 18:57 Support napisał/a:"},
    {"Polish", "W dniu 21.11.2026 o 18:57, Anna napisała:"},
    {"Czech", "21. 11. 2026 v 18:57, Support napsal:"},
    {"Czech", "21. 11. 2026 v 18:57, Jana napsala:"},
    {"Slovak", "so 21. 11. 2026 o 18:57 Support napísal:"},
    {"Croatian", "sub, 21. stu 2026. u 18:57 Support je napisao:"},
    {"Serbian", "Support 21.11.2026. u 18:57 napisao je:"},
    {"Serbian", "сре, 21. нов 2026. у 18:57 Support је написао:"},
    {"Russian", "21.11.2026 18:57, Support пишет:"},
    {"Russian", "Support писал(а) 21 ноября 2026 г.:"},
    {"Russian", "21.11.2026 18:57, Support писал:"},
    {"Ukrainian", "21 лист. 2026 р. Support написав:"},
    {"Turkish", "Support, 21 Kas 2026 Cmt, 18:57 tarihinde şunu yazdı:"},
    {"Hungarian", "Support ezt írta (időpont: 2026. nov. 21., Szo, 18:57):"},
    {"Lithuanian", "2026-11-21, št, 18:57 Support rašė:"},
    {"Latvian", "sestd., 2026. g. 21. nov., plkst. 18:57 lietotājs Support rakstīja:"},
    {"Hebrew", "בתאריך 21/11/2026 18:57, Support כתב:"},
    {"Arabic", "في 21/11/2026، كتب Support <support@example.com>:"},
    {"Arabic", "في السبت، 21 نوفمبر 2026 تمت كتابة ما يلي بواسطة Support <support@example.com>:"},
    {"Thai", "ในวันที่ ส. 21 พ.ย. 2026 เวลา 18:57 Support เขียนว่า:"},
    {"Chinese, traditional", "Support 於 2026年11月21日 週六 下午6:57寫道:"},
    {"Japanese", "2026年11月21日(土) 18:57 Support のメッセージ:"},
    {"Japanese", "2026/11/21 18:57、Supportは書きました:"},
    {"Japanese", "2026年11月21日(土) 18:57、Supportのメール:"},
    {"Korean", "2026년 11월 21일 (토) 오후 6:57, Support 작성:"},
    {"Korean", "2026. 11. 21. 오후 6:57, Support 님이 씀:"},
};

}  // namespace

TEST_CASE("an attribution is known by its first word and its verb in the language of the program", "[reply][words]") {
  for (const auto& [language, line] : openings) {
    INFO(language << ": " << line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n\nDear Ana\nyour order is on its way.\n") == "Please cancel.");
  }
}

TEST_CASE("an attribution is known by the day of the week that it begins with", "[reply][words]") {
  for (const auto& [language, days, rest] : weeks)
    for (const auto& day : days) {
      INFO(language << ": " << day << rest);
      CHECK(new_text("Please cancel.\n\n" + day + rest + "\n\nDear Ana\nyour order is on its way.\n") == "Please cancel.");
    }
}

TEST_CASE("an attribution above a quote is known by its verb in the language of the program", "[reply][words]") {
  for (const auto& [language, line] : verbs) {
    INFO(language << ": " << line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n\n> Dear Ana\n> your order is on its way.\n") == "Please cancel.");
  }
}

TEST_CASE("what customers tell of writing and saying stays", "[reply][words]") {
  for (const std::string line :
       {"On Monday your colleague wrote:", "At the shop they said:", "Am Montag schrieb mir Ihr Kollege:", "Le vendeur m'a écrit :", "Il corriere mi ha scritto:", "El cartero me escribió:",
        "Op maandag schreef uw collega:", "Em maio o vosso colega escreveu:", "Den tredje skrev ni:", "W dniu zakupu sprzedawca napisał:", "Dne 3. května mi kolega napsal:", "Pe site scris era:",
        "В мае мне продавец написал:", "На сайта пише:", "Στις τρεις ο οδηγός έγραψε:", "Pada bulan Mei dia menulis:", "在网站上写道:", "서류를 작성:", "Missatge de la botiga:", "Wiadomość napisana przez kuriera:",
        "Fredag skrev jeres kollega:", "Mandag skrev 2 kolleger 18:57:", "Tirsdag den 24.11.2026 skrev jeres kollega:", "Tirsdag d. 24. kl. 18.57 skrev jeres kollega:", "Måndag skrev ni:", "Perjantaina kollegasi kirjoitti:", "vrijdag schreef uw collega:",
        "Dienstag schrieb mir Ihr Kollege:", "To 24 of my mails of 2026 nobody wrote:", "La 2 de 2026 me escribió:",
        "At 18:57 he wrote to me:", "Am 21.11.2026 um 18:57 schrieb mir Ihr Kollege, alles sei gut:", "W dniu 21.11.2026 sprzedawca napisał(a) do mnie tak:", "W dniu 21.11.2026 pani napisała do mnie tak:",
        "Dne 21.11.2026 mi napsal(a) do zprávy toto:", "Dňa 21.11.2026 mi napísal(a) do správy toto:", "В 18:57 продавец написал мне так:", "В 18:57 она написала мне так:", "В 18:57 кто-то написал(а) мне так:",
        "В 18:57 кто-то писал(а) мне так:", "В 18:57 продавец пишет мне так:", "У 18:57 продавець написав мені так:", "У 18:57 продавац је написао мени тако:", "Quoting your page:", "Support writes on the page (see below):"}) {
    const std::string text = "Hello.\n" + line + "\nit is free of charge.\nIs that so?";
    INFO(line);
    CHECK(new_text(text + "\n") == text);
  }
}

// Greeting above, what was told below: all of it is the customer's own.
void check_stays(const std::vector<std::string>& sentences) {
  for (const auto& sentence : sentences) {
    const std::string text = "Hello.\n" + sentence + "\nit is free of charge.\nIs that so?";
    INFO(sentence);
    CHECK(new_text(text + "\n") == text);
  }
}

TEST_CASE("what customers tell of a day stays", "[reply][words]") {
  check_stays({"Dienstag, 24.11.2026 kam das Paket nicht.\nIch war zu Hause. Der Fahrer hat auf die Karte geschrieben:", "Maandag 23 november 2026 is er niets gekomen.\nU heeft mij toen geschreven:",
               "Maanantaina 23.11.2026 tilasin teiltä kaapin.\nKuljettaja kirjoitti:", "Maanantaina 23. marraskuuta 2026 kuljettaja kirjoitti:", "Donnerstag, 26.11.2026 habe ich Ihnen geschrieben:",
               "Zaterdag 28 november 2026 heeft uw chauffeur geschreven:", "Dienstag, 24.11.2026 war ich da.\nEs war 10:15.\nDer Fahrer hat geschrieben:"});
}

TEST_CASE("short words of other languages are no days of the week", "[reply][words]") {
  check_stays({"Do 15.12.2026 měla přijít zásilka 4411.\nNepřišla. Kurýr mi napsal:", "Ke 3. 12. 2026 mi vaše kolegyně napsala:", "Do 3. decembra 2026 malo všetko prísť. Kuriér mi napísal:",
               "Do 15. grudnia 2026 miała przyjść paczka, a kurier napisał:", "Za 3. kwartał 2026 księgowa napisała:", "Za 3. kvartál 2026 mi účetní napsala:",
               "La 2.ª vez, en octubre de 2026, su compañera me escribió:", "Mi 2.º pedido de 2026 llegó roto y el chófer escribió:", "Ma 24.11.2026 a futár írta:", "To 24. March 2026 I said:",
               "Do 15.12.2026 10:15 mi kurýr napsal:", "Ma 24.11.2026 10:15 a futár írta:", "To 24. March 2026, 10:15 I said:"});
}

TEST_CASE("messages that customers tell of stay", "[reply][words]") {
  check_stays({"Missatge de text rebut el 23 de novembre de 2026:", "Missatge de veu del 23/11 a les 10:15:", "Missatge de la botiga, comanda 4411:", "El missatge de 23/11/2026 deia:",
               "A 3 de març, el missatge de les 10:15 deia:", "Wiadomość napisana przez państwa pracownika dnia 23 listopada o 10:15:", "Missatge de la botiga:\nvindrem el 23/11/2026\ni a les 10:15:"});
}

TEST_CASE("what customers wrote themselves stays", "[reply][words]") {
  check_stays({"Den 24 november 2026 kl. 10.15 skrev jag till er:", "Den 24 november 2026 kl. 10.15 skrev ni:", "Den 24 november 2026 kl. 10.15 skrev jeg til jer:",
               "Dinsdag 24 november 2026 om 10:15 schreef ik u:", "Dienstag, 24.11.2026, 10:15 schrieb ich Ihnen:", "Mandag 23. november 2026 kl. 9.30 skrev dere:"});
  for (const std::string pronoun : {"schrieb ich", "schrieb mir", "schrieb er", "schrieb sie", "schrieb wir", "schreef ik", "schreef u", "schreef wij", "schreef hij", "skrev jag", "skrev ni", "skrev vi", "skrev du",
                                    "skrev jeg", "skrev i", "skrev dere", "skrev de", "skrev han", "skrev hun", "skrev hon"})
    check_stays({"Den 24.11.2026 10:15 " + pronoun + " so:"});
}
