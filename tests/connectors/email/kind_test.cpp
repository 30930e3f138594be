// People, machines and what machines report.
#include <catch2/catch.hpp>

#include <ctime>

#include "connectors/email/delivery_report.hpp"
#include "connectors/email/mail_kind.hpp"
#include "connectors/email/mime_reader.hpp"

using namespace usher::connectors::email;

namespace {

MailKind kind_of(const std::string& header, const std::string& body = "Hello.\n") {
  return classify_mail(read_mail("To: support@example.com\n" + header + "\n" + body));
}

const std::string report =
    "--b\n\nYour message could not be delivered.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
    "Original-Recipient: rfc822;Zoe@example.org\nFinal-Recipient: rfc822; zoe@example.org\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user\n\nFinal-Recipient: rfc822; max@example.org\nAction: delayed\nStatus: 4.4.1\n"
    "--b\nContent-Type: message/rfc822\n\nMessage-ID: <ours@example.com>\nFrom: support@example.com\nTo: zoe@example.org\nSubject: Your order\n\ntext\n--b--\n";

}  // namespace

TEST_CASE("a person's mail is nobody's automatic mail", "[kind]") {
  CHECK_FALSE(kind_of("From: ana@example.org\nSubject: Out of office chairs: where is my order?\n").automated);
  CHECK_FALSE(kind_of("From: ana@example.org\nAuto-Submitted: no\n").automated);
  CHECK_FALSE(kind_of("From: ana@example.org\nX-Auto-Response-Suppress: All\n").automated);
  CHECK_FALSE(kind_of("From: ana@example.org\nReturn-Path: <ana@example.org>\nSubject: Re: Undelivered parcel\n", "It could not be delivered. 550 reasons.\n").automated);
}

TEST_CASE("a customer who forwards a bounce is a customer", "[kind]") {
  CHECK_FALSE(kind_of("From: ana@example.org\nSubject: Fwd: Undelivered Mail Returned to Sender\n",
                      "What does this mean?\n\n> From: MAILER-DAEMON\n> <x@example.org>: 550 5.1.1 unknown user\n> Final-Recipient: rfc822; x@example.org\n> Action: failed\n")
                  .automated);
}

TEST_CASE("answering machines are told by what they admit", "[kind]") {
  for (const std::string header : {"Auto-Submitted: auto-replied (vacation)", "X-Autoreply: yes", "X-Autorespond: gone", "Precedence: auto_reply", "Return-Path: <>",
                                   "Subject: Automatic reply: your order", "Subject: =?utf-8?Q?R=C3=A9ponse_automatique_:_commande?="}) {
    INFO(header);
    CHECK(kind_of("From: ana@example.org\n" + header + "\n").automated == Automated::auto_reply);
  }
}

TEST_CASE("lists and mass mail are bulk", "[kind]") {
  for (const std::string header : {"Precedence: bulk", "Precedence: list", "List-Id: <l.example.org>", "List-Unsubscribe: <mailto:u@example.org>", "X-Loop: l@example.org",
                                   "List-Subscribe: <mailto:s@example.org>", "List-Owner: <mailto:o@example.org>", "List-Archive: <https://example.org/l>",
                                   "List-Post: NO", "List-Help: <mailto:h@example.org>",
                                   "Auto-Submitted: auto-generated"}) {
    INFO(header);
    CHECK(kind_of("From: news@example.org\n" + header + "\n").automated == Automated::bulk);
  }
}

TEST_CASE("a delivery report names each recipient and our mail", "[kind]") {
  const MailKind kind = kind_of("From: MAILER-DAEMON@example.org\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n", report);
  CHECK(kind.automated == Automated::bounce);
  REQUIRE(kind.recipients.size() == 2);
  CHECK(kind.recipients[0].address == "zoe@example.org");
  CHECK(kind.recipients[0].status == "5.1.1");
  CHECK(kind.recipients[0].diagnostic == "550 5.1.1 no such user");
  CHECK(kind.recipients[0].permanent());
  CHECK(kind.recipients[1].address == "max@example.org");
  CHECK(kind.recipients[1].delivery == Delivery::delayed);
  CHECK_FALSE(kind.recipients[1].permanent());
  REQUIRE_FALSE(kind.original_ids.empty());
  CHECK(kind.original_ids.front() == "ours@example.com");
}

TEST_CASE("a report on a delivery that went well is no bounce", "[kind]") {
  const MailKind kind = kind_of("From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n",
                                "--b\n\nDelivered.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; zoe@example.org\n"
                                "Action: delivered\nStatus: 2.0.0\n--b--\n");
  CHECK(kind.automated == Automated::delivery_report);
}

TEST_CASE("a receipt for a mail that was shown is a report", "[kind]") {
  CHECK(kind_of("From: ana@example.org\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n",
                "--b\n\nRead.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;ana@example.org\nOriginal-Message-ID: <ours@example.com>\n"
                "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n")
            .automated == Automated::delivery_report);
}

TEST_CASE("a complaint names who complained and about what", "[kind]") {
  const MailKind kind = kind_of("From: fbl@example.org\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n",
                                "--b\n\nAn abuse report.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n"
                                "Original-Rcpt-To: <zoe@example.org>\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <ours@example.com>\nTo: zoe@example.org\n\nx\n--b--\n");
  CHECK(kind.automated == Automated::feedback_report);
  REQUIRE(kind.recipients.size() == 1);
  CHECK(kind.recipients[0].address == "zoe@example.org");
  CHECK(kind.original_ids.front() == "ours@example.com");
}

TEST_CASE("a bounce in words alone is a bounce", "[kind]") {
  const MailKind kind = kind_of("From: Mail Server <mailer-daemon@mx.example.org>\nReturn-Path: <>\nSubject: Delivery failed\n",
                                "Sorry. The following address could not be reached:\n\n<zoe@example.org>:\n550 5.2.2 mailbox full\n\n--- Original message follows.\n\n"
                                "Message-ID: <ours@example.com>\nTo: other@example.org\n\ntext\n");
  CHECK(kind.automated == Automated::bounce);
  REQUIRE(kind.recipients.size() == 1);
  CHECK(kind.recipients[0].address == "zoe@example.org");
  CHECK(kind.recipients[0].status == "5.2.2");
  CHECK(kind.original_ids == std::vector<std::string>{"ours@example.com"});
}

TEST_CASE("a warning that delivery takes longer is not a failure", "[kind]") {
  const MailKind kind = kind_of("From: postmaster@example.org\nReturn-Path: <>\nSubject: Warning: message delayed 24 hours\n",
                                "A message that you sent has not yet been delivered to:\n\n  zoe@example.org\n");
  CHECK(kind.automated == Automated::bounce);
  REQUIRE(kind.recipients.size() == 1);
  CHECK(kind.recipients[0].delivery == Delivery::delayed);
}

TEST_CASE("what a report names is text whatever its bytes", "[kind]") {
  const MailKind kind = kind_of("From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; boundary=b\n",
                                "--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; z\xff@example.org\nAction: failed\nMessage-ID: <\xff@x>\n\n--b--\n");
  REQUIRE(kind.recipients.size() == 1);
  CHECK(kind.recipients[0].address == "z\ufffd@example.org");
  CHECK(kind.original_ids == std::vector<std::string>{"\ufffd@x"});
}

TEST_CASE("a report that ends where an id should stand names none", "[kind]") {
  for (const std::string end : {"Message-ID:", "Message-ID: ", "Message-ID:\n", "Message-ID:\n <a@b>"}) {
    const MailKind kind = kind_of("From: MAILER-DAEMON@example.org\nReturn-Path: <>\nSubject: Delivery failed\n", "Not delivered.\n" + end);
    CHECK(kind.original_ids.size() == (end.ends_with('>') ? 1 : 0));
  }
}

TEST_CASE("status codes are found and version numbers are not", "[kind]") {
  CHECK(first_status("550 5.1.1 unknown") == "5.1.1");
  CHECK(first_status("(#4.4.7)") == "4.4.7");
  CHECK(first_status("10.4.1.1 refused") == "");
  CHECK(first_status("none") == "");
  CHECK(first_address("to <Zoe@Example.org>: failed") == "zoe@example.org");
  CHECK(first_address("nothing @ all") == "");
}

TEST_CASE("a report of nothing but line ends or signs costs no more than its length", "[kind]") {
  const std::string header = "From: MAILER-DAEMON@example.org\nReturn-Path: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n";
  const std::string before = "--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\n";
  const std::clock_t begin = std::clock();
  for (int i = 0; i < 3; ++i) {
    CHECK(kind_of(header, before + std::string(250'000, '\n') + "Final-Recipient: rfc822; zoe@example.org\n--b--\n").recipients.size() == 1);
    CHECK(kind_of(header, before + "Final-Recipient: rfc822;" + std::string(64'000, '@') + "\n--b--\n").automated);
  }
  CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 3.0);
}

TEST_CASE("an address may have letters of any language", "[kind]") {
  CHECK(first_address("<J\u00fcrgen@b\u00fccher.example>: no") == "j\u00fcrgen@b\u00fccher.example");
  CHECK(first_address("a@b@c") == "a@b");
}

TEST_CASE("a report that a person sends along is a file", "[kind]") {
  for (const std::string type : {"delivery-status", "feedback-report", "disposition-notification"}) {
    INFO(type);
    const std::string body = "--b\n\nWhat does this mean?\n--b\nContent-Type: message/" + type + "; name=a.txt\nContent-Disposition: attachment\n\n"
                             "Final-Recipient: rfc822; zoe@example.org\nAction: failed\n--b--\n";
    const std::string whole = "Content-Type: multipart/mixed; boundary=b\n";
    const Mail mail = read_mail("From: ana@example.org\n" + whole + "\n" + body);
    CHECK_FALSE(classify_mail(mail).automated);
    REQUIRE(mail.files.size() == 1);
    CHECK(mail.files[0].name == "a.txt");
    // From a server it is a report, whatever the whole is called.
    CHECK(kind_of("From: ana@example.org\nReturn-Path: <>\n" + whole, body).automated != Automated::auto_reply);
    CHECK(kind_of("From: MAILER-DAEMON@example.org\n" + whole, body).automated);
  }
}

TEST_CASE("people at an address of a role are people", "[kind]") {
  const std::string words = "The parcel could not be delivered. Was it returned?\n\n--- Original message ---\nFrom: support@example.com\n";
  for (const std::string name : {"it-admin", "shop.owner", "request", "office-request"})
    CHECK_FALSE(kind_of("From: " + name + "@example.org\nSubject: Undelivered parcel\n", words).automated);
  CHECK_FALSE(kind_of("From: postmaster@example.org\nSubject: Re: Delivery problem with order 4411\n", "Could you call me?\n").automated);
  // What returns the mail itself is a list's own program.
  CHECK(kind_of("From: list-owner@example.org\nSubject: Delivery failed\nContent-Type: multipart/mixed; boundary=b\n",
                "--b\n\nIt could not be delivered.\n--b\nContent-Type: message/rfc822\n\nSubject: old\n\nx\n--b--\n")
            .automated == Automated::bounce);
  CHECK(kind_of("From: mailer-daemon@example.org\nSubject: Delivery failed\n", "zoe@example.org\n").automated == Automated::bounce);
}

TEST_CASE("a holiday note to a mail about deliveries is no bounce", "[kind]") {
  CHECK(kind_of("From: ana@example.org\nReturn-Path: <>\nSubject: Re: Delivery problem\n", "I am away until Monday.\n").automated == Automated::auto_reply);
  CHECK(kind_of("From: ana@example.org\nReturn-Path: <>\nAuto-Submitted: auto-replied\nSubject: Delivery failed\n", "Your mail could not be delivered to me.\n").automated ==
        Automated::auto_reply);
  CHECK(kind_of("From: ana@example.org\nReturn-Path: <>\nSubject: Automatic reply: Delivery failed\n", "Your mail could not be delivered to me.\n").automated ==
        Automated::auto_reply);
}

TEST_CASE("a return path that is not understood is not the null path", "[kind]") {
  for (const std::string path : {"<>", "", "< >", "<MAILER-DAEMON>", "<> (added by the server)"}) {
    INFO(path);
    CHECK(kind_of("From: ana@example.org\nReturn-Path: " + path + "\nSubject: Away\n", "I am away.\n").automated == Automated::auto_reply);
  }
  for (const std::string path : {"<@>", "<,>", "(lost)", ";;"}) {
    INFO(path);
    CHECK_FALSE(kind_of("From: ana@example.org\nReturn-Path: " + path + "\nSubject: Hello\n", "Is it there?\n").automated);
  }
}

TEST_CASE("a subject about a car is not an answering machine", "[kind]") {
  CHECK_FALSE(kind_of("From: ana@example.org\nSubject: Auto: wann ist er fertig?\n", "Danke.\n").automated);
  CHECK(kind_of("From: ana@example.org\nSubject: Auto: away\nX-Auto-Response-Suppress: All\n", "I am away.\n").automated == Automated::auto_reply);
  CHECK(kind_of("From: ana@example.org\nSubject: Auto: away\nPrecedence: bulk\n", "I am away.\n").automated == Automated::auto_reply);
}
