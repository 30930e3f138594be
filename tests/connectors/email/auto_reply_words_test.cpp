// Subjects of answering machines as the programs of each language write them. One row a wording, so that each phrase of ours is
// needed by one.
#include <catch2/catch.hpp>

#include "connectors/email/mail_kind.hpp"
#include "connectors/email/mime_reader.hpp"

using namespace usher::connectors::email;

namespace {

struct Row {
  const char* language;
  std::vector<std::string> subjects;
};

const std::vector<Row> titles{
    {"English",
     {"Automatic reply: Order 4411", "Automatic response: Order 4411", "Automated reply: Order 4411", "Automated response: Order 4411", "Autoreply: Order 4411", "[Auto Reply] Order 4411",
      "Auto-Reply: Order 4411", "Auto Response: Order 4411", "Auto-Response - Re: Order 4411", "AutoResponse: Order 4411", "Autoresponder: Order 4411", "Auto-responder: Order 4411",
      "Out of Office AutoReply: Order 4411", "Out of Office Auto-Reply: Order 4411", "Out of Office Reply: Order 4411", "Out of office notification", "Vacation reply: Order 4411",
      "Vacation response: Order 4411", "Away from my mail re: Order 4411"}},
    {"German", {"Automatische Antwort: Bestellung 4411", "Automatische Abwesenheitsnotiz", "Abwesenheitsnotiz: Bestellung 4411"}},
    {"French", {"Réponse automatique : Commande 4411", "Réponse d'absence : Commande 4411"}},
    {"Spanish", {"Respuesta automática: Pedido 4411", "Respuesta automatica: Pedido 4411", "Respuesta de ausencia: Pedido 4411"}},
    {"Italian", {"Risposta automatica: Ordine 4411"}},
    {"Portuguese", {"Resposta automática: Pedido 4411"}},
    {"Catalan", {"Resposta automàtica: Comanda 4411"}},
    {"Dutch", {"Automatisch antwoord: Bestelling 4411", "Automatisch bericht: Bestelling 4411"}},
    {"Swedish", {"Automatiskt svar: Beställning 4411"}},
    {"Danish", {"Autosvar: Ordre 4411"}},
    {"Norwegian", {"Automatisk svar: Ordre 4411"}},
    {"Finnish", {"Automaattinen vastaus: Tilaus 4411", "Automaattinen poissaoloviesti: Tilaus 4411"}},
    {"Polish", {"Odpowiedź automatyczna: Zamówienie 4411", "Automatyczna odpowiedź: Zamówienie 4411"}},
    {"Czech", {"Automatická odpověď: Objednávka 4411"}},
    {"Slovak", {"Automatická odpoveď: Objednávka 4411"}},
    {"Hungarian", {"Automatikus válasz: Rendelés 4411"}},
    {"Romanian", {"Răspuns automat: Comanda 4411"}},
    {"Russian", {"Автоматический ответ: Заказ 4411", "Автоответ: Заказ 4411"}},
    {"Ukrainian", {"Автоматична відповідь: Замовлення 4411"}},
    {"Bulgarian", {"Автоматичен отговор: Поръчка 4411"}},
    {"Serbian", {"Аутоматски одговор: Поруџбина 4411"}},
    {"Croatian", {"Automatski odgovor: Narudžba 4411"}},
    {"Slovenian", {"Samodejni odgovor: Naročilo 4411"}},
    {"Lithuanian", {"Automatinis atsakymas: Užsakymas 4411"}},
    {"Latvian", {"Automātiskā atbilde: Pasūtījums 4411", "Automātiska atbilde: Pasūtījums 4411"}},
    {"Estonian", {"Automaatvastus: Tellimus 4411"}},
    {"Turkish", {"Otomatik Yanıt: Sipariş 4411", "Otomatik Yanit: Siparis 4411"}},
    {"Greek", {"Αυτόματη απάντηση: Παραγγελία 4411"}},
    {"Hebrew", {"תשובה אוטומטית: הזמנה 4411", "מענה אוטומטי: הזמנה 4411"}},
    {"Arabic", {"رد تلقائي: الطلب 4411"}},
    {"Vietnamese", {"Trả lời tự động: Đơn hàng 4411"}},
    {"Thai", {"ตอบกลับอัตโนมัติ: คำสั่งซื้อ 4411"}},
    {"Indonesian", {"Balasan otomatis: Pesanan 4411"}},
    {"Chinese", {"自动回复: 订单 4411", "自动答复: 订单 4411"}},
    {"Chinese, traditional", {"自動回覆: 訂單 4411", "自動答覆: 訂單 4411", "自動回复：訂單 4411"}},
    {"Japanese", {"自動応答: 注文 4411", "【自動返信】注文 4411"}},
    {"Korean", {"자동 회신: 주문 4411", "자동 응답: 주문 4411", "자동응답: 주문 4411"}},
};

const std::vector<Row> absences{
    {"English",
     {"Out of Office: Order 4411", "Out-of-Office: Order 4411", "Out of the office Re: Order 4411", "I am out of office", "I am out of the office", "Vacation message", "Absence notice: Order 4411"}},
    {"German", {"Abwesenheitsnachricht: Bestellung 4411", "Abwesenheitsmeldung", "Abwesenheit: Bestellung 4411", "Abwesend: Bestellung 4411"}},
    {"French", {"Message d'absence : Commande 4411", "Absence du bureau : Commande 4411", "Absent du bureau : Commande 4411"}},
    {"Spanish", {"Fuera de la oficina: Pedido 4411", "Fuera de oficina: Pedido 4411"}},
    {"Italian", {"Fuori sede: Ordine 4411", "Fuori ufficio: Ordine 4411"}},
    {"Portuguese", {"Fora do escritório: Pedido 4411", "Ausência temporária: Pedido 4411"}},
    {"Dutch", {"Afwezigheidsbericht: Bestelling 4411", "Afwezigheidsmelding", "Afwezig: Bestelling 4411"}},
    {"Swedish", {"Frånvaro: Beställning 4411", "Frånvaromeddelande: Beställning 4411"}},
    {"Danish", {"Fraværende: Ordre 4411", "Ikke til stede: Ordre 4411"}},
    {"Norwegian", {"Fravær: Ordre 4411"}},
    {"Finnish", {"Poissaoloviesti: Tilaus 4411"}},
    {"Polish", {"Poza biurem: Zamówienie 4411", "Nieobecność: Zamówienie 4411"}},
    {"Czech", {"Mimo kancelář: Objednávka 4411"}},
    {"Slovak", {"Mimo kancelárie: Objednávka 4411"}},
    {"Hungarian", {"Házon kívül: Rendelés 4411"}},
    {"Turkish", {"Ofis Dışında: Sipariş 4411"}},
    {"Greek", {"Εκτός γραφείου: Παραγγελία 4411"}},
    {"Japanese", {"不在通知", "不在応答: 注文 4411"}},
    {"Korean", {"부재중 알림: 주문 4411", "부재중: 주문 4411"}},
};

std::optional<Automated> kind_of(const std::string& subject, const std::string& sign = "") {
  return classify_mail(read_mail("From: ana@example.org\nTo: support@example.com\n" + sign + "Subject: " + subject + "\n\nHello.\n")).automated;
}

}  // namespace

TEST_CASE("an answering machine is known by its title in the language of its owner", "[kind][words]") {
  for (const auto& [language, subjects] : titles)
    for (const std::string& subject : subjects) {
      INFO(language << ": " << subject);
      CHECK(kind_of(subject) == Automated::auto_reply);
    }
}

TEST_CASE("a holiday note that answers is known in the language of its owner and a customer's subject is not", "[kind][words]") {
  for (const auto& [language, subjects] : absences)
    for (const std::string& subject : subjects) {
      INFO(language << ": " << subject);
      CHECK(kind_of(subject, "In-Reply-To: <ours@example.com>\n") == Automated::auto_reply);
      CHECK_FALSE(kind_of(subject));
    }
}

TEST_CASE("subjects of customers with such words are those of people", "[kind][words]") {
  for (const std::string subject :
       {"Automatic reply to my order never came", "Automated response is wrong", "Auto reply?", "Autoresponder broken", "Out of office chairs", "Vacation reply needed by Monday", "Automatische Antwort erhalten, und nun?",
        "Automatische Türen: Ersatzteile", "Abwesenheitsnotiz einstellen", "Réponse automatique reçue, et maintenant ?", "Respuesta automática recibida", "Risposta automatica ricevuta", "Resposta automática recebida",
        "Automatisch antwoord gekregen, en nu?", "Automatiskt svar fick jag redan", "Odpowiedź automatyczna to za mało", "Automatická odpověď nestačí", "Автоматический ответ не помог", "Автоматические ворота: запчасти",
        "Otomatik yanıt geldi", "Αυτόματη απάντηση πήρα ήδη", "自动回复没有用", "自動返信が来ません", "자동 회신만 왔습니다", "Re: Automatic reply: Order 4411", "Aw: Automatische Antwort: Bestellung"}) {
    INFO(subject);
    CHECK_FALSE(kind_of(subject));
    CHECK_FALSE(kind_of(subject, "In-Reply-To: <ours@example.com>\n"));
  }
}
