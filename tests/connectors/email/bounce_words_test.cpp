// Bounces in the words of mail servers of the world, without a report that programs read: subjects, then sentences of texts. One row
// a wording, so that each word of ours is needed by one. What people write with the same words is below.
#include <catch2/catch.hpp>

#include "connectors/email/mail_kind.hpp"
#include "connectors/email/mime_reader.hpp"

using namespace usher::connectors::email;

namespace {

struct Row {
  const char* language;
  std::vector<std::string> wordings;
};

const std::vector<Row> subjects{
    {"English",
     {"Undeliverable: Order 4411", "failure notice", "Delivery Failure", "Failure delivery of Order 4411", "Mail System: delivery failed", "Failed delivery: Order 4411", "Delivery has failed: Order 4411",
      "Delivery error report", "Delivery Status: Order 4411", "DELIVERY NOTIFICATION: Order 4411", "Delivery problem", "Mail delivery: Order 4411", "Message delivery: Order 4411", "Mail failure", "Mail error",
      "Mail System Error", "Returned mail: see transcript for details", "Returned to sender", "Returning to sender: Order 4411", "Returning message: Order 4411", "Mail could not be delivered",
      "Order 4411 cannot be delivered", "We could not deliver Order 4411", "Order 4411 was not delivered", "Non-Delivery: Order 4411", "Nondelivery: Order 4411", "Delayed Mail (still being retried)",
      "Message delayed: Order 4411", "Mail delayed 24 hours", "Your mail is delayed for 4 hours", "Error sending your mail", "Your message did not reach some or all", "Not deliverable: Order 4411",
      "Could not send message", "Delivery delayed: Order 4411", "Delivery report (failure) for zoe@example.org", "Mail refused", "Message refused", "Message frozen", "Bounced mail", "Postal systems bounce"}},
    {"German",
     {"Unzustellbar: Bestellung 4411", "Zustellung fehlgeschlagen", "Mail nicht zugestellt", "Zustellfehler: Bestellung 4411", "Zustellungsfehler", "Zustellung nicht möglich", "Mail nicht zustellbar"}},
    {"French",
     {"Non remis : Commande 4411", "Échec de la remise : Commande 4411", "Message non distribué", "Remise impossible : Commande 4411", "Échec de remise", "Échec de distribution", "Message non distribuable"}},
    {"Spanish", {"No se puede entregar: Pedido 4411", "Mensaje no entregado", "Correo devuelto", "No entregable: Pedido 4411", "No se pudo entregar", "Error de entrega"}},
    {"Italian", {"Mancata consegna", "Mancato recapito: Ordine 4411", "Non recapitabile: Ordine 4411", "Impossibile recapitare", "Impossibile consegnare"}},
    {"Dutch", {"Niet leverbaar: Bestelling 4411", "Onbestelbaar: Bestelling 4411", "Niet bezorgd: Bestelling 4411", "Bericht kan niet worden bezorgd", "Niet afgeleverd: Bestelling 4411"}},
    {"Portuguese", {"Não é possível entregar: Pedido 4411", "Mensagem não entregue", "Falha na entrega", "Não entregável: Pedido 4411", "Não foi possível entregar"}},
    {"Swedish", {"Kan inte levereras: Beställning 4411", "Det gick inte att leverera", "Ej levererat: Beställning 4411"}},
    {"Danish", {"Kan ikke leveres: Ordre 4411", "Kunne ikke leveres", "Ikke leveret: Ordre 4411"}},
    {"Norwegian", {"Ikke levert: Ordre 4411"}},
    {"Finnish", {"Ei voi toimittaa: Tilaus 4411", "Viestiä ei voitu toimittaa", "Toimitusvirhe"}},
    {"Polish", {"Niedostarczone: Zamówienie 4411", "Nie dostarczono: Zamówienie 4411", "Nie można dostarczyć"}},
    {"Czech", {"Nedoručitelné: Objednávka 4411"}},
    {"Hungarian", {"Kézbesíthetetlen: Rendelés 4411", "Kézbesítési hiba"}},
    {"Turkish", {"Teslim Edilemedi: Sipariş 4411", "İletilemedi: Sipariş 4411"}},
    {"Romanian", {"Nelivrabil: Comanda 4411", "Mesaj nelivrat", "Livrare eșuată"}},
    {"Russian", {"Сообщение не доставлено", "Недоставленное сообщение", "Не удалось доставить: Заказ 4411", "Невозможно доставить: Заказ 4411"}},
    {"Ukrainian", {"Неможливо доставити: Замовлення 4411"}},
    {"Bulgarian", {"Недоставени съобщения"}},
    {"Greek", {"Δεν είναι δυνατή η παράδοση: Παραγγελία 4411", "Αποτυχία παράδοσης"}},
    {"Hebrew", {"לא ניתן למסירה: הזמנה 4411"}},
    {"Arabic", {"تعذر التسليم: الطلب 4411", "تعذر تسليم الرسالة"}},
    {"Croatian", {"Nedostavljivo: Narudžba 4411"}},
    {"Serbian", {"Neisporučena poruka"}},
    {"Slovenian", {"Ni mogoče dostaviti: Naročilo 4411"}},
    {"Lithuanian", {"Nepristatyta: Užsakymas 4411"}},
    {"Latvian", {"Nepiegādājams: Pasūtījums 4411"}},
    {"Estonian", {"Kättetoimetamatu: Tellimus 4411"}},
    {"Vietnamese", {"Không thể gửi: Đơn hàng 4411", "Thư không gửi được"}},
    {"Thai", {"ส่งไม่ได้: คำสั่งซื้อ 4411"}},
    {"Indonesian", {"Tidak terkirim: Pesanan 4411"}},
    {"Chinese", {"系统退信", "无法投递的邮件", "未送达: 订单 4411", "未传递: 订单 4411", "无法传递: 订单 4411"}},
    {"Chinese, traditional", {"無法投遞的郵件", "未送達: 訂單 4411", "無法傳遞的主旨: 訂單 4411", "無法送達: 訂單 4411", "退件通知"}},
    {"Japanese",
     {"配信できません: 注文 4411", "配信不能: 注文 4411", "送信できませんでした", "メールを配信する際のエラー", "メールを配送する際のエラー", "配信に失敗しました", "配信エラー", "配達不能", "配達されませんでした", "送信エラー", "届けられませんでした"}},
    {"Korean", {"전송 실패: 주문 4411", "배달되지 않음: 주문 4411", "배달할 수 없음: 주문 4411", "메일 반송"}},
};

const std::vector<Row> sentences{
    {"English",
     {"Your message could not be delivered.", "Your message couldn't be delivered.", "Your message cannot be delivered.", "Your message can\u2019t be delivered.", "Your message was not delivered.",
      "Your message wasn't delivered.", "Your message has not yet been delivered.", "Your message has not been delivered.", "We are unable to deliver it.", "The server wasn't able to deliver it.",
      "I was not able to deliver it.", "It was found unable to be delivered.", "An error while delivering your mail.", "An error while delivering your message.", "We tried to deliver your message.",
      "There was trouble delivering it.", "An error occurred while attempting to deliver the enclosed mail.", "Delivery to the following recipients:", "Delivery failed.", "Delivery has failed.", "Delivery failure.",
      "Undeliverable.", "Your mail is undelivered.", "The following address(es) failed:", "The following addresses failed:", "Failed addresses follow:", "----- The following addresses had permanent fatal errors -----",
      "The following addresses had delivery problems:", "Failure reasons follow.", "Unknown user.", "User unknown.", "No such user.", "There was no valid recipient.", "Invalid user address.",
      "Your message did not reach the following:", "Your message did not reach some or all of them.", "It was rejected by a remote server.", "The server returned the following error:", "Mailbox unavailable.",
      "The address is incorrectly constructed.", "An unrecoverable error has occurred.", "You are not a member of this mailing list.", "It has a duplicated Message-ID.", "It could not be sent to them.",
      "We could not send message 4411.", "Message 4411 has been frozen.", "We couldn't deliver it.", "We could not deliver it.", "It is yet to be delivered.", "The following had delivery errors:",
      "It failed permanently.", "They did not receive this message.", "They did not receive your message.", "It is still waiting to be delivered.", "It is non-deliverable.", "It is not deliverable.",
      "Failed recipient: see below.", "Recipient failed: see below.", "Recipients failed: see below.", "The remote host does not like recipient.", "Recipient address rejected.", "Recipient rejected.",
      "Rejected recipient: see below.", "Recipient not found.", "These recipients were affected.", "The group you tried to contact may not exist.", "I'm sorry to have to inform you.",
      "We are unable to accept your message.", "It was blocked by our spam filter.", "The address couldn\u2019t be found.", "Address not found.", "Message blocked.", "Your message was blocked.",
      "They are not listed in the directory.", "There is no mailbox here by that name.", "Unrouteable address.", "Host unknown."}},
    {"German",
     {"Ihre Nachricht konnte nicht an folgende Empfänger gesendet werden.", "Sie konnte nicht an den Empfänger gesendet werden.", "Ihre Nachricht wurde nicht zugestellt.", "Der Empfänger kann nicht erreicht werden.",
      "Ihre Nachricht hat den Empfänger nicht erreicht.", "Ihre Nachricht ist nicht zustellbar.", "Die Nachricht ist unzustellbar."}},
    {"French",
     {"Votre message n'a pas pu être remis.", "Votre message n\u2019a pas pu être distribué.", "Votre message n'a pas été remis.", "Vos messages n'ont pas pu être remis.", "Votre message n'a pas pu être livré.",
      "Votre message n'a pas pu être délivré.", "Il est impossible de remettre votre message."}},
    {"Spanish",
     {"No se pudo entregar el mensaje.", "No se ha podido entregar el mensaje.", "Su mensaje no pudo ser entregado.", "Su mensaje no ha sido entregado.", "Su mensaje no se entregó."}},
    {"Italian",
     {"Impossibile recapitare il messaggio.", "Il messaggio non è stato recapitato.", "Non è stato possibile recapitare il messaggio.", "Non è stato possibile consegnare il messaggio.",
      "Impossibile consegnare il messaggio.", "Il messaggio non può essere consegnato."}},
    {"Dutch", {"Uw bericht kan niet worden bezorgd.", "Uw bericht is niet bezorgd.", "Uw bericht kan niet worden afgeleverd."}},
    {"Portuguese",
     {"A mensagem não pôde ser entregue.", "Não foi possível entregar a mensagem.", "A mensagem não pode ser entregue.", "A mensagem não foi entregue."}},
    {"Polish",
     {"Nie można dostarczyć wiadomości.", "Wiadomość nie mogła zostać dostarczona.", "Wiadomość nie została dostarczona.", "Nie udało się dostarczyć wiadomości."}},
    {"Swedish", {"Det gick inte att leverera meddelandet.", "Meddelandet kan inte levereras."}},
    {"Danish", {"Meddelelsen kan ikke leveres.", "Meddelelsen blev ikke leveret."}},
    {"Norwegian", {"Meldingen ble ikke levert."}},
    {"Finnish", {"Viestiä ei voitu toimittaa.", "Viestiä ei voida toimittaa."}},
    {"Czech", {"Zprávu nebylo možné doručit.", "Zprávu nelze doručit.", "Zpráva nebyla doručena."}},
    {"Slovak", {"Správu nebolo možné doručiť.", "Správu nie je možné doručiť."}},
    {"Hungarian", {"Az üzenetet nem sikerült kézbesíteni.", "Az üzenet nem kézbesíthető.", "Az üzenetet nem lehet kézbesíteni."}},
    {"Turkish", {"İletiniz teslim edilemedi.", "Mesajınız iletilemedi."}},
    {"Romanian", {"Mesajul nu a putut fi livrat.", "Mesajul nu poate fi livrat."}},
    {"Russian",
     {"Ваше письмо не может быть доставлено.", "Ваше письмо не доставлено.", "Не удалось доставить сообщение.", "Ваш заказ писем не был доставлен.", "Сообщение не было доставлено.", "Письмо не может быть отправлено.",
      "Невозможно доставить сообщение."}},
    {"Ukrainian", {"Не вдалося доставити повідомлення.", "Повідомлення не може бути доставлене."}},
    {"Greek", {"Το μήνυμα δεν ήταν δυνατό να παραδοθεί.", "Το μήνυμα δεν παραδόθηκε."}},
    {"Hebrew", {"הודעתך לא נמסרה.", "לא ניתן היה למסור את ההודעה."}},
    {"Arabic", {"تعذر تسليم رسالتك.", "لم يتم تسليم رسالتك."}},
    {"Croatian", {"Poruku nije moguće isporučiti."}},
    {"Slovenian", {"Sporočila ni bilo mogoče dostaviti."}},
    {"Vietnamese", {"Không thể gửi thư của bạn.", "Thư của bạn không gửi được."}},
    {"Thai", {"ไม่สามารถส่งข้อความของคุณ"}},
    {"Indonesian", {"Pesan Anda tidak dapat dikirim.", "Pesan Anda tidak terkirim."}},
    {"Chinese", {"您的邮件无法投递。", "您的邮件无法送达。", "您的邮件无法传递。", "您的邮件未能送达。", "您的邮件被退回。", "这是一封退信。"}},
    {"Chinese, traditional", {"您的郵件無法傳遞。", "您的郵件無法送達。", "您的郵件無法投遞。"}},
    {"Japanese",
     {"メールの送信に失敗しました。", "メールを配信できませんでした。", "メールを配送できませんでした。", "メールを送信できませんでした。", "メールは届けられませんでした。", "メールをお届けできませんでした。", "メールを送達できませんでした。", "配信不能です。",
      "宛先が見つかりませんでした。"}},
    {"Korean", {"메시지를 배달할 수 없습니다.", "메시지를 배달하지 못했습니다.", "메시지를 전송하지 못했습니다.", "메시지를 전달하지 못했습니다.", "메시지가 반송되었습니다."}},
};

// Where it still tries; in the subject.
const std::vector<Row> delays{
    {"English",
     {"Undelivered mail is delayed", "Undelivered: has not yet been delivered", "Undelivered: has not been delivered yet", "Undelivered: will be retried", "Undelivered: still being retried",
      "Undelivered: warning message only", "Undelivered: this is a warning", "Delivery Status Notification: Warning", "Delivery Status Notification (Delay)", "Warning: message still undelivered after 4 hours",
      "Undelivered: we will keep trying", "Undelivered: servers keep trying to send it", "Undelivered: yet to be delivered", "Undelivered: still waiting to be delivered",
      "Undelivered: delivery temporarily suspended", "Undelivered: we will retry", "Undelivered: temporarily deferred"}},
    {"German", {"Nicht zugestellt: verzögert"}},
    {"French", {"Non remis : retardé"}},
    {"Spanish", {"No entregado: retrasado"}},
    {"Italian", {"Mancato recapito: ritardato"}},
    {"Dutch", {"Niet bezorgd: vertraagd"}},
    {"Russian", {"Не доставлено: задержано"}},
    {"Japanese", {"配信できません: 遅延"}},
    {"Chinese", {"未送达: 延迟", "未送達: 延遲"}},
};

// Above the mail that is returned: what stands below is not the server's.
const std::vector<std::string> returned{
    "Received: from a by b", "Return-Path: <support@example.com>", "--- Below this line is a copy of the message.", "--- Original message follows.", "----- Original message -----", "Original message headers:", "--- Enclosed is a copy of the message.",
    "--- The following is your message ---", "Original message:", "------ This is a copy of the message, including all the headers. ------", "Below is a copy of it:", "Message headers follow:",
    "--- Returned message follows ---", "------- Returned Message --------", "-------Original mail", "-----Original mail", "--- Mensaje original adjunto.", "Bounced e-mail follows:",
    "|------------------------- Message text follows: (body too large to display)", "Message details:", "X-Originating-IP: [192.0.2.1]", "DKIM-Signature: v=1;", "--- The header of the original message is following. ---",
    "Included is a copy of your message:", "Unsent message follows:", "----- Unsent message follows -----", "--- Unsent message below ---", "Original mail as follows:", "The original message follows:",
    "Original bounce:", "Returned message:", "--- 以下は送信されたメールです", "Below this line is the mail:", "------- Original mail"};

const std::vector<std::string> refusals{"no such mail drop", "unknown", "host not known", "mailbox full", "bad recipient", "rejected", "refused", "relay", "over quota", "access denied", "blocked", "domain not found",
                                        "invalid user", "user not local", "it does not exist", "it doesn't exist", "spam", "transaction failed", "service unavailable", "service not available"};

const std::string server = "From: Mail Delivery System <mailer-daemon@mx.example.net>\nTo: support@example.com\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n";

MailKind kind_of(const std::string& header, const std::string& subject, const std::string& text) { return classify_mail(read_mail(header + "Subject: " + subject + "\n\n" + text + "\n")); }

}  // namespace

TEST_CASE("a bounce is known by its subject in the language of the server", "[kind][words]") {
  for (const auto& [language, wordings] : subjects)
    for (const std::string& subject : wordings) {
      INFO(language << ": " << subject);
      CHECK(kind_of(server, subject, "<zoe@example.org>").automated == Automated::bounce);
    }
}

TEST_CASE("a bounce is known by a sentence of its text in the language of the server", "[kind][words]") {
  for (const auto& [language, wordings] : sentences)
    for (const std::string& text : wordings) {
      INFO(language << ": " << text);
      const MailKind kind = kind_of(server, "Order 4411", text + "\n\n<zoe@example.org>");
      CHECK(kind.automated == Automated::bounce);
      REQUIRE(kind.recipients.size() == 1);
      CHECK(kind.recipients[0].address == "zoe@example.org");
    }
}

TEST_CASE("a server that goes on trying says so in its own language", "[kind][words]") {
  for (const auto& [language, wordings] : delays)
    for (const std::string& subject : wordings) {
      INFO(language << ": " << subject);
      const MailKind kind = kind_of(server, subject, "<zoe@example.org>");
      CHECK(kind.automated == Automated::bounce);
      REQUIRE(kind.recipients.size() == 1);
      CHECK(kind.recipients[0].delivery == Delivery::delayed);
      // Until it gives up.
      CHECK(kind_of(server, subject, "This is a permanent error.\n<zoe@example.org>").recipients.at(0).delivery == Delivery::failed);
    }
}

TEST_CASE("what a server returns is not what it says", "[kind][words]") {
  for (const std::string& line : returned) {
    INFO(line);
    const MailKind kind = kind_of(server, "Delivery failed", "<zoe@example.org>\n\n" + line + "\n\n<max@example.org>: is who else to ask");
    REQUIRE(kind.recipients.size() == 1);
    CHECK(kind.recipients[0].address == "zoe@example.org");
  }
}

TEST_CASE("a refusal that a server repeats is known by its words", "[kind][words]") {
  for (const std::string& words : refusals) {
    INFO(words);
    CHECK(kind_of(server, "Hoki", "Aue. <zoe@example.org>\n550 " + words).automated == Automated::bounce);
  }
  CHECK(kind_of(server, "Hoki", "Aue. <zoe@example.org>\n550 kahore").automated != Automated::bounce);
}

TEST_CASE("the words of every server in a customer's mail make it no machine's", "[kind][words]") {
  const std::string ana = "From: Ana <ana@example.org>\nReturn-Path: <ana@example.org>\nTo: support@example.com\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n";
  for (const auto* table : {&subjects, &sentences, &delays})
    for (const auto& [language, wordings] : *table)
      for (const std::string& words : wordings) {
        INFO(language << ": " << words);
        CHECK_FALSE(kind_of(ana, "Order 4411", "My parcel:\n" + words + "\nWhat now?").automated);
        CHECK_FALSE(kind_of(ana, words, "My parcel did not come. What now?").automated);
      }
}
