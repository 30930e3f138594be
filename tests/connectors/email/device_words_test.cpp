// What telephones and programs put below a mail, what they put above one that is passed on, and the marks of other desks, each in the
// language of its owner. One row a wording, so that each word of ours is needed by one.
#include <catch2/catch.hpp>

#include "connectors/email/reply_text.hpp"

using namespace usher::connectors::email;

namespace {

// Of devices that nobody knows by name.
const std::vector<std::string> signatures{
    "Sent from my Fairphone", "Sent from the all new AOL app", "Sent from Mail for Mac", "Sent via Superhuman", "Sent by Spike", "Sent with Spark", "Sent using Zoho Mail", "Sent on the go", "Connected by my Nokia",
    "Von meinem Handy", "Gesendet von meinem Handy", "Gesendet mit Spark", "Diese Nachricht wurde von meinem Handy gesendet.", "Envoyé de mon téléphone", "Envoyé depuis mon téléphone",
    "Envoyé à partir de mon téléphone", "Inviato da Libero Mail", "Enviado desde mi teléfono", "Enviado do meu telemóvel", "Enviado de meu celular", "Verzonden met Spark", "Verstuurd met Spark",
    "Verzonden vanaf mijn telefoon", "Verstuurd vanaf mijn telefoon", "Sendt fra min telefon", "Skickat från min telefon", "Från min telefon", "Lähetetty puhelimestani", "Wysłane z telefonu",
    "Odesláno z telefonu", "Trimis de pe telefonul meu", "Надіслано з мого телефону", "Отправлено с телефона", "发自我的手机", "从我的手机发出", "Get Outlook for iOS"};

const std::vector<std::string> devices{
    "Sent from iPhone", "Sent from an iPad", "Sent from iPod touch", "Sent from Outlook", "Sent from Android", "Sent from BlackBerry", "Sent from Samsung tablet", "Sent from Galaxy S24", "Sent from Huawei",
    "Sent from Xiaomi", "Sent from Windows Phone", "Sent from K-9 Mail", "Sent from K9 Mail", "Sent from Proton Mail", "Sent from Yahoo Mail", "Sent from Gmail", "Sent from Thunderbird",
    "Sent from a smartphone", "Sent from T-Mobile Germany", "Sent from iCloud", "Отправлено из мобильной Почты", "Отправлено из Mail.ru", "Sent from Yandex", "Sent from GMX", "Sent from WEB.DE",
    "Sent from Verizon", "Answered in haste from mobile",
    // With so many words only where a device is named.
    "Sent with K-9 Mail on Android, so please excuse my brevity and typos."};

// Of devices with a name, by how the line begins.
const std::vector<std::string> beginnings{
    "Inviato dal mio iPhone", "Inviato con Outlook", "Inviata da iPhone", "Verzonden vanuit Outlook", "Verstuurd vanuit Gmail", "Skickat från Outlook", "Sendt fra Outlook", "Sendt med Proton Mail",
    "Отправлено из Outlook", "Отправлено через Outlook", "Poslano z iPhona", "Poslano s mog iPhonea", "Poslané z iPhonu", "Poslato sa iPhone uređaja", "Elküldve az iPhone-omról",
    "Στάλθηκε από το iPhone μου", "Trimis din Outlook", "נשלח מה-iPhone שלי", "أُرسلت من الـ iPhone", "أرسلت من الـ iPhone", "تم الإرسال من الـ iPhone", "Enviat des de l'iPhone", "Enviado con Proton Mail",
    "Enviado através do Yahoo Mail", "Envoyé avec Proton Mail", "Télécharger Outlook pour iOS", "Obtenir Outlook pour iOS", "Obtener Outlook para iOS", "Ottieni Outlook per iOS", "Scarica Outlook per iOS",
    "Obter o Outlook para iOS", "Baixe o Outlook para iOS", "Hämta Outlook för iOS", "Hent Outlook til iOS", "Pobierz Outlook dla systemu iOS", "Скачать Outlook для iOS", "Ανάκτηση του Outlook για iOS",
    "Download Outlook voor iOS", "Outlook voor iOS", "從我的 iPhone 寄出", "從 iPhone 寄出", "나의 iPhone에서", "Odoslané z iPhonu", "Odeslané z iPhonu", "Wysłano z iPhone'a", "Išsiųsta iš iPhone"};

// By how it ends.
const std::vector<std::string> endings{
    "iPhone'umdan gönderildi", "Bu ileti iPhone'umdan gönderilmiştir", "iPhoneから送信", "Androidから送信", "Outlookで送信しました", "由 Android 手機傳送", "通过 Outlook 发送", "由 Outlook 發送",
    "iPhone에서 보냄", "Outlook für iOS beziehen", "Outlook für Android herunterladen", "Gmail voor Android downloaden", "Mit GMX gesendet", "Diese Mail wurde mit GMX gesendet.",
    "Von unterwegs gesendet"};

const std::vector<std::string> forwards{
    "Begin forwarded message:", "Anfang der weitergeleiteten Nachricht:", "Début du message réexpédié :", "Début du message transféré :", "Inizio messaggio inoltrato:", "Begin doorgestuurd bericht:",
    "Inicio del mensaje reenviado:", "Início da mensagem reencaminhada:", "Inici del missatge reenviat:", "Vidarebefordrat brev:", "Videresendt besked:", "Videresendt melding:", "Välitetty viesti alkaa:",
    "Начало переадресованного сообщения:", "Переадресованное сообщение:", "Пересылаемое сообщение:", "Пересланное сообщение:", "Початок листа, що пересилається:", "Początek przekazywanej wiadomości:",
    "Začátek přeposílané zprávy:", "Začiatok preposielanej správy:", "Započeti proslijeđenu poruku:", "Továbbított levél kezdete:", "Începutul mesajului redirecționat:", "Έναρξη προωθημένου μηνύματος:",
    "İletilen ileti:", "下面是被转发的邮件:", "開始轉寄郵件:", "転送されたメッセージ:", "전달된 메시지:"};

const std::vector<std::string> marks{
    "### Please reply above this line ###", "##- Please type your reply above here -##", "=== Please write above this line ===", "[Type above this line to reply]", "* Please respond above this line *",
    "##- Bitte antworten Sie oberhalb dieser Zeile -##", "##- Bitte antworten Sie oberhalb dieser Linie -##", "##- Bitte schreiben Sie über dieser Linie -##",
    "##- Veuillez saisir votre réponse au-dessus de cette ligne -##", "##- Escriba su respuesta por encima de esta línea -##", "##- Scrivi la tua risposta sopra questa riga -##",
    "##- Typ uw antwoord boven deze regel -##", "##- Typ uw antwoord boven deze lijn -##", "##- Digite sua resposta acima desta linha -##"};

void all_end_the_text(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    INFO(line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n") == "Please cancel.");
  }
}

}  // namespace

TEST_CASE("a signature of a device nobody knows is known by how it begins", "[reply][words]") { all_end_the_text(signatures); }

TEST_CASE("a signature that names its device or program is known by that", "[reply][words]") {
  all_end_the_text(devices);
  all_end_the_text(beginnings);
  all_end_the_text(endings);
}

TEST_CASE("what is passed on begins below the title that the program gives it", "[reply][words]") {
  for (const std::string& line : forwards) {
    INFO(line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n\nDear Ana\nyour order is on its way.\nSupport\n") == "Please cancel.");
  }
}

TEST_CASE("the mark of another desk ends the answer in any of its languages", "[reply][words]") {
  for (const std::string& line : marks) {
    INFO(line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n\nDear Ana\nyour order is on its way.\nSupport\n") == "Please cancel.");
  }
}

TEST_CASE("sentences of customers with such words stay", "[reply][words]") {
  for (const std::string line :
       {"My iPhone was sent back to you on Monday.", "Has the iPad been sent?", "Outlook voor u?", "Die Ware wurde gesendet.", "Mein Paket wurde gestern gesendet", "Kann ich Outlook herunterladen?",
        "Il pacco inviato lunedì non è arrivato.", "Le colis envoyé lundi n'est pas arrivé.", "El paquete enviado el lunes no llegó.", "Het pakket is verzonden maar niet aangekomen.", "Paczka wysłana wczoraj nie dotarła.",
        "Посылка отправлена вчера и не пришла.", "我的 iPhone 坏了", "包裹已经发送", "The forwarded message did not open.", "Please write above this line on the form.", "A reply above this line is what you asked for.",
        "Sent with love from my mother, the vase came broken and in many pieces, sadly."}) {
    const std::string text = "Hello.\n" + line;
    INFO(line);
    CHECK(new_text(text + "\n") == text);
  }
}
