// Machines that speak in words of their own: bounces in the languages of their servers, answering machines in those of
// their owners, and the mails of people and shops that use the same words.
#include <catch2/catch.hpp>

#include "connectors/email/mail_kind.hpp"
#include "connectors/email/mime_reader.hpp"

using namespace usher::connectors::email;

namespace {

MailKind kind_of(const std::string& header, const std::string& body) {
  return classify_mail(read_mail("To: support@example.com\nMIME-Version: 1.0\n" + header + "\n" + body));
}

std::vector<std::string> named(const MailKind& kind) {
  std::vector<std::string> out;
  for (const auto& one : kind.recipients) out.push_back(one.address);
  return out;
}

const std::vector<std::string> zoe{"zoe@example.org"};
const std::string server = "From: Mail Delivery System <mailer-daemon@mx.example.net>\n";
const std::string utf8 = "Content-Type: text/plain; charset=utf-8\n";
const std::string ours = "Message-ID: <ours@example.com>\nFrom: support@example.com\nTo: zoe@example.org\nSubject: Your order\n\ntext\n";

}  // namespace

TEST_CASE("a server is understood in the language it speaks", "[kind]") {
  for (const auto& [subject, text] : std::vector<std::pair<std::string, std::string>>{
           {"Kan inte levereras: order", "Det gick inte att leverera meddelandet till zoe@example.org."},
           {"Kan ikke leveres: ordre", "Meldingen til zoe@example.org kunne ikke leveres."},
           {"Ei voi toimittaa: tilaus", "Viesti\u00e4 ei voitu toimittaa: zoe@example.org"},
           {"Nedoru\u010diteln\u00e9: objedn\u00e1vka", "Zpr\u00e1vu pro zoe@example.org nebylo mo\u017en\u00e9 doru\u010dit."},
           {"Teslim Edilemedi: sipari\u015f", "zoe@example.org adresine ileti teslim edilemedi."},
           {"\u672a\u9001\u8fbe: \u8ba2\u5355", "\u60a8\u53d1\u5f80 zoe@example.org \u7684\u90ae\u4ef6\u65e0\u6cd5\u6295\u9012\u3002"},
           {"Non remise : commande", "Votre message \u00e0 zoe@example.org n\u2019a pas pu \u00eatre remis."}}) {
    INFO(subject);
    // Each by itself: the subject says it, or the text does.
    CHECK(kind_of(server + utf8 + "Subject: " + subject + "\n", "zoe@example.org\n").automated == Automated::bounce);
    const MailKind kind = kind_of(server + utf8 + "Subject: order\n", text + "\n");
    CHECK(kind.automated == Automated::bounce);
    CHECK(named(kind) == zoe);
  }
}

TEST_CASE("a server in a language nobody knows is understood by the refusal it repeats", "[kind]") {
  const MailKind kind = kind_of(server + utf8 + "Subject: Hoki\n", "Aue. <zoe@example.org>:\n550 5.1.1 kahore\n");
  CHECK(kind.automated == Automated::bounce);
  CHECK(named(kind) == zoe);
  CHECK(kind.recipients[0].status == "5.1.1");
}

TEST_CASE("who did not get a mail is read where servers name them", "[kind]") {
  const std::string failed = "Subject: Delivery failed\n";
  // Not in the id or the sender that some servers repeat first.
  CHECK(named(kind_of(server + failed, "It could not be delivered.\n  Message-id: <ours@example.com>\n  Sender: desk@example.com\n  Recipient address: zoe@example.org\n")) == zoe);
  // In the mail that is returned when no word names anybody.
  CHECK(named(kind_of(server + failed, "550 Host not known\n\n   ----- Unsent message follows -----\n" + ours)) == zoe);
  CHECK(named(kind_of(server + failed + "Content-Type: multipart/mixed; boundary=b\n", "--b\n\nIt could not be delivered.\n--b\nContent-Type: message/rfc822\n\n" + ours + "--b--\n")) == zoe);
  // That mail went to several: any of them may be meant.
  CHECK(named(kind_of(server + failed, "550 Host not known\n\n--- Original message\nFrom: support@example.com\nTo: zoe@example.org, max@example.org\n")).empty());
}

TEST_CASE("the servers of Exchange are known by their own address", "[kind]") {
  const std::string id(32, 'a');
  const std::string words = "Delivery has failed to these recipients:\n\nzoe@example.org\n";
  CHECK(kind_of("From: Outlook <MicrosoftExchange" + id + "@example.org>\nSubject: Undeliverable: order\n", words).automated == Automated::bounce);
  CHECK_FALSE(kind_of("From: Fan <microsoftexchange.fan@example.org>\nSubject: Undeliverable: order\n", words).automated);
}

TEST_CASE("a receipt names the mail that was shown", "[kind]") {
  const MailKind kind = kind_of("From: zoe@example.org\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n",
                                "--b\n\nRead.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;zoe@example.org\n"
                                "Original-Message-ID: <ours@example.com>\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--\n");
  CHECK(kind.original_ids == std::vector<std::string>{"ours@example.com"});
}

TEST_CASE("a person at the address of a postmaster may write about deliveries", "[kind]") {
  const std::string karl = "From: Karl <postmaster@small.example>\n";
  CHECK_FALSE(kind_of(karl + "Subject: Delivery problem with order 4411\n", "We saw an error 500 on your page. Can you call?\n").automated);
  CHECK_FALSE(kind_of(karl + "Subject: Order 4411\n", "The parcel was not delivered.\n").automated);
  CHECK_FALSE(kind_of(karl + "Subject: Re: Undeliverable: order\nIn-Reply-To: <ours@example.com>\n",
                      "It was not delivered. Use karl@other.example.\n\nOn 3 Feb 2025, Support <support@example.com> wrote:\n> From: x\n> To: y\n")
                  .automated);
  CHECK(kind_of("From: postmaster@small.example\nSubject: Undeliverable Mail\n", "Unknown user: zoe@example.org\n\nOriginal message follows.\n\n" + ours).automated == Automated::bounce);
  CHECK(kind_of("From: postmaster@small.example\nSubject: Re: order\nIn-Reply-To: <ours@example.com>\n", "Invalid user address\n\n550 - no such user here\n").automated ==
        Automated::bounce);
}

TEST_CASE("what shops and web forms say of parcels is no bounce", "[kind]") {
  CHECK_FALSE(kind_of("From: Shop <noreply@shop.example>\nSubject: Your parcel could not be delivered\n",
                      "Your parcel could not be delivered.\n\n-----Original order-----\nOrder 5511\n")
                  .automated);
  CHECK_FALSE(kind_of("From: noreply@shop.example\nSubject: Undelivered order\n", "It was not delivered.\n\n-----Original Message-----\nFrom: ana@example.org\nTo: shop@shop.example\n\nHi\n")
                  .automated);
  CHECK_FALSE(kind_of("From: Mail Delivery Shop <info@boxes.example>\nSubject: Undelivered order\n", "The box was not delivered to me.\n").automated);
  CHECK(kind_of("From: Parcels <news@parcels.example>\nReturn-Path: <>\nSubject: Delivery failed\n", "Your parcel could not be delivered. Ask help@parcels.example.\n").automated ==
        Automated::auto_reply);
  CHECK(kind_of("From: postmaster@example.org\nReturn-Path: <>\nSubject: Your mailbox\n", "Your mailbox is over quota.\n").automated == Automated::auto_reply);
  // A robot that returns what we sent.
  CHECK(kind_of("From: no-reply@phones.example\nSubject: Mail System Error - Returned Mail\n", "It could not be delivered to\n  zoe@example.org\n\n--- Original message\n" + ours).automated ==
        Automated::bounce);
}

TEST_CASE("answering machines say so in front of the subject in any language", "[kind]") {
  for (const std::string subject :
       {"Auto-Response: order", "[Auto-Reply] order", "Automated reply: order", "Out of Office AutoReply: order", "Abwesenheitsnotiz: Bestellung", "R\u00e9ponse d'absence : commande",
        "Risposta automatica: ordine", "Automaattinen poissaoloviesti: tilaus", "Automatikus v\u00e1lasz: rendel\u00e9s", "R\u0103spuns automat: comanda",
        "\u0410\u0432\u0442\u043e\u043c\u0430\u0442\u0438\u0447\u043d\u0430 \u0432\u0456\u0434\u043f\u043e\u0432\u0456\u0434\u044c: x", "\u0391\u03c5\u03c4\u03cc\u03bc\u03b1\u03c4\u03b7 \u03b1\u03c0\u03ac\u03bd\u03c4\u03b7\u03c3\u03b7: x",
        "\u81ea\u52a8\u56de\u590d\uff1ax", "\uc790\ub3d9 \ud68c\uc2e0: x"}) {
    INFO(subject);
    CHECK(kind_of("From: ana@example.org\nSubject: " + subject + "\n", "Hello.\n").automated == Automated::auto_reply);
  }
  for (const std::string subject : {"Auto reply to my order?", "Automated door is broken", "Vacation: may I return it?", "Abwesend am Montag", "Re: Automatic reply: order", "OOO is my size",
                                    "Out of office - who signs for the parcel?"}) {
    INFO(subject);
    CHECK_FALSE(kind_of("From: ana@example.org\nSubject: " + subject + "\n", "Hello.\n").automated);
  }
}

TEST_CASE("who says to be away is a machine only where something shows that it answers", "[kind]") {
  for (const std::string subject : {"Out of office: chairs", "Out of Office Re: order", "I am out of the office", "Abwesenheit", "Abwesenheitsnachricht: Ola 3b", "Absence du bureau : commande",
                                    "Fuera de la oficina: pedido", "Fuori sede: ordine", "Fora do escrit\u00f3rio: pedido", "Afwezig: Ola 3b", "Fr\u00e5nvaro", "Frav\u00e6r: Ola 3b",
                                    "Nieobecno\u015b\u0107", "\u4e0d\u5728\u901a\u77e5", "\ubd80\uc7ac\uc911: x"}) {
    INFO(subject);
    const std::string mail = "From: ana@example.org\nSubject: " + subject + "\n";
    CHECK_FALSE(kind_of(mail, "Hello.\n").automated);
    CHECK_FALSE(kind_of(mail + "Auto-Submitted: no\n", "Hello.\n").automated);
    for (const std::string sign : {"In-Reply-To: <ours@example.com>\n", "References: <ours@example.com>\n", "Return-Path: <>\n", "X-Auto-Response-Suppress: All\n", "Auto-Submitted: auto-generated\n"}) {
      INFO(sign);
      CHECK(kind_of(mail + sign, "Hello.\n").automated == Automated::auto_reply);
    }
  }
}

TEST_CASE("a number is a refusal only where a server repeats one", "[kind]") {
  const std::string karl = "From: Karl <postmaster@small.example>\nReturn-Path: <postmaster@small.example>\nSubject: Order 4411\n";
  const std::string form = "From: www@shop.example\nReturn-Path: <>\nSubject: Order 4411\n";
  for (const std::string words : {"Tel: 415 555 0100", "Tel:415 555 0100", "415 555 0100", "415-555-0100", "Phone: 555 1234", "- 450 units of it: zoe@ex.org", "450 units for zoe@ex.org",
                                  "Your agent said: 500 euros back", "He said:\n500 euros back", "zoe@ex.org said: 500 euros back", "Karl J. said: 500 euros", "[1]: 450 units", "Units: 450 - zoe@ex.org", ">>> 450 units", "Paid 450 on 5.10.2025 zoe@ex.org"}) {
    INFO(words);
    CHECK_FALSE(kind_of(karl, "Order 4411 was not delivered.\n" + words + "\n").automated);
    CHECK(kind_of(form, "Order 4411 was not delivered.\n" + words + "\n").automated != Automated::bounce);
  }
  for (const std::string words : {"zoe@example.org: 550 5.1.1 kahore", "zoe@example.org\n550-5.1.1 kahore", "<<< 550 kahore", "host mx.example.net[192.0.2.1] said: 550 kahore",
                                  "Remote host said: 550 kahore", "mx.example.net replied: 550 kahore", "host mx.example.net [192.0.2.1]: 550 kahore", "mx.example.net said:\n    550 kahore",
                                  "    (reason: 550 kahore)", "<zoe@example.org>: 550 No such user", "550 - no such mailbox"}) {
    INFO(words);
    CHECK(kind_of(karl, "It was not delivered.\n" + words + "\n").automated == Automated::bounce);
  }
}

TEST_CASE("a mail of nobody is a server's only on the null path and without an address to answer", "[kind]") {
  const std::string words = "My parcel was not delivered.\nzoe@ex.org\n";
  for (const std::string from : {"", "From:\n", "From: <>\n"})
    for (const std::string subject : {"Subject: Contact\n", "Subject: Delivery status of order 4411\n"}) {
      INFO(from + subject);
      CHECK_FALSE(kind_of(from + subject, words).automated);
      CHECK_FALSE(kind_of(from + subject + "Reply-To: zoe@ex.org\n", words).automated);
      CHECK(kind_of(from + subject + "Reply-To: zoe@ex.org\nReturn-Path: <>\n", words).automated == Automated::auto_reply);
      CHECK(kind_of(from + subject + "Return-Path: <>\n", words).automated == Automated::bounce);
      CHECK(kind_of(from + subject + "X-Failed-Recipients: zoe@ex.org\n", words).automated == Automated::bounce);
    }
  CHECK(kind_of("From: www@shop.example\nReply-To: zoe@ex.org\nReturn-Path: <>\nSubject: Delivery status of order 4411\n", words).automated == Automated::auto_reply);
  CHECK(kind_of("From: mailer-daemon\nSubject: order\n", words).automated == Automated::bounce);
  // What could not be read says nothing of its sender, and shows its own header.
  const std::string raw = "Subject: Delivery failed\n\nReceived: x\nFrom: a@ex.org\nTo: b@ex.org\n\n" + words;
  CHECK(classify_mail(read_mail(raw, {.sender = "", .recipients = {}, .deadly = true})).automated != Automated::bounce);
  CHECK_FALSE(classify_mail(read_mail("From: Karl <postmaster@small.example>\n" + raw, {.sender = {}, .recipients = {}, .deadly = true})).automated);
}

TEST_CASE("a courier with a name like that of a server is no server", "[kind]") {
  const std::string words = "Your parcel was not delivered. Ask help@mds.example.\n";
  const std::string titled = "Subject: Delivery status of parcel 7\n";
  for (const std::string name : {"Mail Delivery Services GmbH", "Mail Delivery System Shop", "Mail Delivery Service"}) {
    INFO(name);
    CHECK_FALSE(kind_of("From: \"" + name + "\" <info@mds.example>\n" + titled, "It is on its way.\n").automated);
    CHECK_FALSE(kind_of("From: \"" + name + "\" <info@mds.example>\n" + titled, words).automated);
  }
  for (const std::string name : {"Mail Delivery Subsystem", "Mail Delivery System (mx7)"}) {
    INFO(name);
    CHECK(kind_of("From: \"" + name + "\" <info@mx.example>\nReturn-Path: <>\n" + titled, "zoe@example.org\n").automated == Automated::bounce);
    CHECK(kind_of("From: \"" + name + "\" <info@mx.example>\n" + titled, "It was not delivered.\n\n--- Original message\n" + ours).automated == Automated::bounce);
  }
  // What a shop sends may come back to its postmaster.
  CHECK_FALSE(kind_of("From: Karl <karl@small.example>\nReturn-Path: <postmaster@small.example>\n" + titled, words).automated);
}

TEST_CASE("answering machines of other programs admit it in their own fields", "[kind]") {
  for (const std::string field : {"X-Auto-Reply: yes", "X-Auto-Response: on", "X-Vacation: yes", "Precedence: autoreply", "X-Precedence: auto_reply", "Preference: auto_reply",
                                  "X-Autogenerated: Reply", "X-FC-MachineGenerated: true", "X-POST-MessageClass: 9; Autoresponder", "Delivered-To: Autoresponder", "X-Sieve-Action: vacation"}) {
    INFO(field);
    CHECK(kind_of("From: ana@example.org\nSubject: order\n" + field + "\n", "Hello.\n").automated == Automated::auto_reply);
  }
  CHECK_FALSE(kind_of("From: ana@example.org\nSubject: order\nX-Auto-Reply: no\n", "Hello.\n").automated);
  CHECK(kind_of("From: root@example.org\nSubject: job\nX-Cron-Env: <PATH=/bin>\n", "done\n").automated == Automated::bulk);
}

TEST_CASE("a warning is told from a failure whatever the server calls it", "[kind]") {
  for (const std::string text : {"Warning: message still undelivered after 4 hours", "Your message has not been delivered yet.", "Your message is still waiting to be delivered."}) {
    INFO(text);
    const MailKind kind = kind_of(server + "Subject: Warning\n", text + "\n<zoe@example.org>\n");
    CHECK(kind.automated == Automated::bounce);
    REQUIRE(kind.recipients.size() == 1);
    CHECK(kind.recipients[0].delivery == Delivery::delayed);
  }
}
