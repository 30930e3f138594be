// Headers that mail programs repeat above what they quote, in the language of the program. Three lines make a header, so each row is
// tried three lines at a time, and each word of ours is needed by one.
#include <catch2/catch.hpp>

#include "connectors/email/reply_text.hpp"

using namespace usher::connectors::email;

namespace {

// Names of fields with their colons, as the program writes them.
struct Header {
  const char* language;
  std::string from, subject;
  std::vector<std::string> others;
};

const std::vector<Header> headers{
    {"English", "From:", "Subject:", {"Sent:", "Date:", "To:", "Cc:", "Bcc:", "Reply-To:"}},
    {"German", "Von:", "Betreff:", {"Gesendet:", "An:", "Datum:"}},
    {"French", "De :", "Objet :", {"Envoyé :", "Envoye :", "À :", "Date d'envoi :"}},
    {"Italian", "Da:", "Oggetto:", {"Inviato:", "A:", "Data:"}},
    {"Dutch", "Van:", "Onderwerp:", {"Verzonden:", "Aan:", "Datum:"}},
    {"Polish", "Od:", "Temat:", {"Wysłano:", "Do:", "Data:", "DW:"}},
    {"Swedish", "Från:", "Ämne:", {"Skickat:", "Till:", "Kopia:", "Datum:"}},
    {"Danish", "Fra:", "Emne:", {"Sendt:", "Til:", "Kopi:"}},
    {"Finnish", "Lähettäjä:", "Aihe:", {"Lähetetty:", "Vastaanottaja:"}},
    {"Spanish", "De:", "Asunto:", {"Enviado:", "Enviado el:", "Para:", "Fecha:"}},
    {"Portuguese", "De:", "Assunto:", {"Enviada em:", "Para:", "Data:"}},
    {"Catalan", "De:", "Assumpte:", {"Enviat:", "Per a:"}},
    {"Romanian", "De la:", "Subiect:", {"Trimis:", "Către:", "Data:"}},
    {"Russian", "От:", "Тема:", {"Отправлено:", "Кому:", "Дата:", "Копия:", "Послано:"}},
    {"Russian, mail.ru", "От кого:", "Тема:", {"Кому:", "Дата:"}},
    {"Ukrainian", "Від:", "Тема:", {"Надіслано:", "Кому:", "Копія:"}},
    {"Bulgarian", "От:", "Относно:", {"Изпратено:", "До:"}},
    {"Czech", "Od:", "Předmět:", {"Odesláno:", "Komu:", "Kopie:"}},
    {"Slovak", "Od:", "Predmet:", {"Odoslané:", "Komu:", "Dátum:"}},
    {"Slovenian", "Od:", "Zadeva:", {"Poslano:"}},
    {"Croatian", "Šalje:", "Predmet:", {"Poslano:", "Prima:"}},
    {"Hungarian", "Feladó:", "Tárgy:", {"Elküldve:", "Címzett:", "Dátum:", "Másolatot kap:"}},
    {"Turkish", "Kimden:", "Konu:", {"Gönderildi:", "Kime:", "Tarih:", "Bilgi:"}},
    {"Greek", "Από:", "Θέμα:", {"Στάλθηκε:", "Προς:", "Κοιν.:"}},
    {"Hebrew", "מאת:", "נושא:", {"נשלח:", "אל:", "עותק:", "תאריך:"}},
    {"Arabic", "من:", "الموضوع:", {"تاريخ الإرسال:", "إلى:", "التاريخ:"}},
    {"Lithuanian", "Nuo:", "Tema:", {"Išsiųsta:", "Kam:"}},
    {"Latvian", "No:", "Tēma:", {"Nosūtīts:", "Kam:"}},
    {"Estonian", "Saatja:", "Teema:", {"Saadetud:", "Adressaat:"}},
    {"Indonesian", "Dari:", "Subjek:", {"Dikirim:", "Kepada:"}},
    {"Vietnamese", "Từ:", "Chủ đề:", {"Đã gửi:", "Đến:"}},
    {"Thai", "จาก:", "เรื่อง:", {"ส่ง:", "ถึง:"}},
    {"Chinese", "发件人:", "主题:", {"发送时间:", "收件人:", "抄送:", "日期:"}},
    {"Chinese, wide colons", "发件人：", "主题：", {"发送时间：", "收件人："}},
    {"Chinese, traditional", "寄件者:", "主旨:", {"收件者:", "寄件日期:", "副本:"}},
    {"Japanese", "差出人:", "件名:", {"送信日時:", "宛先:", "日付:"}},
    {"Japanese, Outlook", "送信者:", "件名:", {"送信日時:", "宛先:"}},
    {"Korean", "보낸 사람:", "제목:", {"받는 사람:", "보낸 날짜:", "날짜:"}},
};

std::string cut(const std::string& header) { return new_text("Please cancel.\n\n" + header + "\n\nDear Ana\nyour order is on its way.\n"); }

}  // namespace

TEST_CASE("a repeated header is known by the names of its fields in the language of the program", "[reply][words]") {
  for (const auto& [language, from, subject, others] : headers)
    for (const auto& other : others) {
      INFO(language << ": " << from << ' ' << other << ' ' << subject);
      CHECK(cut(from + " Support <support@example.com>\n" + other + " 4411\n" + subject + " 4411") == "Please cancel.");
      // Bold, as they stand in HTML.
      CHECK(cut("*" + from + "* Support <support@example.com>\n*" + other + "* 4411\n*" + subject + "* 4411") == "Please cancel.");
    }
}

TEST_CASE("a repeated header without an address is known by its subject in the language of the program", "[reply][words]") {
  for (const auto& [language, from, subject, others] : headers) {
    INFO(language << ": " << subject);
    CHECK(cut(from + " Support\n" + others.front() + " 4411\n" + subject + " 4411") == "Please cancel.");
    // Two are no header.
    const std::string two = "Please cancel.\n\n" + from + " Berlin\n" + others.front() + " Paris\n\nDear Ana\nyour order is on its way.";
    CHECK(new_text(two + "\n") == two);
  }
}

TEST_CASE("lists of customers with names like those of fields stay", "[reply][words]") {
  for (const std::string list : {"From: Berlin\nTo: Paris\nDate: 3 May", "Von: Berlin\nAn: Paris\nDatum: 3. Mai", "De : Paris\nÀ : Lyon\nDate d'envoi : lundi", "Da: Roma\nA: Milano\nData: 3 maggio",
                                 "Van: Utrecht\nAan: Gent\nDatum: 3 mei", "De: Madrid\nPara: Sevilla\nFecha: 3 de mayo", "Od: Praha\nKomu: Brno\nDatum: 3. května", "От: Москва\nДо: Казань\nДата: 3 мая",
                                 "No: 4411\nTo: Ana\nDate: 3 May", "No: 4411\nDate: 3 May 2026\nTo: Ana Berg, ana@ex.org", "发件人: 北京\n收件人: 上海\n日期: 5月3日"}) {
    const std::string text = "I want to change this:\n\n" + list + "\n\nIs that possible?";
    INFO(list);
    CHECK(new_text(text + "\n") == text);
  }
}

TEST_CASE("an answer that begins like a field of a header stays", "[reply][words]") {
  const std::string gmail = "El mar, 3 mar 2026 a las 10:00, Support (<support@example.com>) escribió:\n> ¿ha llegado?\n";
  for (const std::string answer : {"No: it did not arrive.", "No: todavía no ha llegado.", "To: the other address please.", "A: the blue one.", "Data: 3 maggio.", "No: 4411\nTo: Ana", "Date: 3 May\n\nTo: Ana"}) {
    INFO(answer);
    CHECK(new_text("-----\n" + answer + "\n\nOn 3 Mar 2026 at 10:00, Support wrote:\n> did it arrive?\n") == "-----\n" + answer);
    CHECK(new_text(answer + "\n\nOn 3 Mar 2026 at 10:00, Support wrote:\n> did it arrive?\n") == answer);
    CHECK(new_text(answer + "\n\n" + gmail) == answer);
    CHECK(new_text(answer + "\n\n> did it arrive?\n") == answer);
    CHECK(new_text(answer + "\n-- \nAna\n") == answer);
    CHECK(new_text(answer + "\n\nFrom: Support <support@example.com>\nTo: ana@ex.org\nSubject: 4411\n\ndid it arrive?\n") == answer);
    CHECK(new_text("On 3 Mar 2026 at 10:00, Support wrote:\n> did it arrive?\n\n" + answer + "\n") == answer);
  }
}
