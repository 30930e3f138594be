// Replies as the mail programs of other languages write them, and what customers write that looks like them.
#include <catch2/catch.hpp>

#include "connectors/email/reply_text.hpp"

using namespace usher::connectors::email;

TEST_CASE("an attribution that names the sender and the minute is one in any language", "[reply]") {
  for (const std::string line :
       {"\u043f\u043d, 3 \u0444\u0435\u0432\u0440. 2025 \u0433. \u0432 10:00, Desk <desk@example.com>:", "03.02.2025, 10:00, \"Desk\" <desk@example.com>:",
        "Missatge de Desk <desk@example.com> del dia dl., 3 de febr. 2025 a les 10:00:", "* Desk <desk@example.com> [2025-02-03 10:00]:",
        "2025/02/03 10:00\u3001Desk <desk@example.com>\u306e\u30e1\u30fc\u30eb:", "\u200fFoo, 3 bar 2025 baz 10:00 qux \u202aDesk\u202c <\u202adesk@example.com\u202c>:\u202c"}) {
    INFO(line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n\n> Dear Ana\n") == "Please cancel.");
    CHECK(new_text("Please cancel.\n\n" + line + "\n\nDear Ana\nyour order is on its way.\n") == "Please cancel.");
  }
}

TEST_CASE("an attribution whose name follows its word goes", "[reply]") {
  for (const std::string line : {"Am 03.02.25 um 10:00 schrieb Support Team:", "Am 2025-02-03 10:00, schrieb Support Team:", "Op 03-02-2025 om 10:00 schreef Support Team:"}) {
    INFO(line);
    CHECK(new_text("Danke.\n\n" + line + "\n> Hallo\n") == "Danke.");
    CHECK(new_text("Danke.\n\n" + line + "\n\nHallo\n") == "Danke.");
  }
  for (const std::string text : {"Am 3.2.2025 um 10:00 schrieb Ihr Kollege, es sei gratis:\nStimmt das?", "Von der Lieferung am 3.2.2025 fehlt etwas. Ihr Kollege schrieb:\nalles da."}) {
    INFO(text);
    CHECK(new_text(text) == text);
  }
}

TEST_CASE("addresses and dates that a customer lists are no attribution", "[reply]") {
  for (const std::string text : {"I am Ana <ana@example.org>\nOrdered 2025-01-02\nItems:\n- socks", "I ordered on 3 Feb 2025 at 10:00 and nothing came:\n- socks", "2 people wrote to us at 10:00:\nno answer."}) {
    INFO(text);
    CHECK(new_text(text) == text);
  }
}

TEST_CASE("a header repeated in another language begins the old mail", "[reply]") {
  for (const std::string header :
       {"Od: Desk <desk@example.com>\nOdesl\u00e1no: pond\u011bl\u00ed\nKomu: Ana\nP\u0159edm\u011bt: Objedn\u00e1vka", "Felad\u00f3: Desk <desk@example.com>\nElk\u00fcldve: 2025\nC\u00edmzett: Ana\nT\u00e1rgy: x",
        "Kimden: Desk <desk@example.com>\nG\u00f6nderildi: 3 \u015eubat\nKime: Ana\nKonu: x", "De la: Desk <desk@example.com>\nTrimis: luni\nC\u0103tre: Ana\nSubiect: x",
        "\u0391\u03c0\u03cc: Desk <desk@example.com>\n\u03a3\u03c4\u03ac\u03bb\u03b8\u03b7\u03ba\u03b5: x\n\u03a0\u03c1\u03bf\u03c2: Ana\n\u0398\u03ad\u03bc\u03b1: x",
        "\u05de\u05d0\u05ea: Desk <desk@example.com>\n\u05e0\u05e9\u05dc\u05d7: x\n\u05d0\u05dc: Ana\n\u05e0\u05d5\u05e9\u05d0: x"}) {
    INFO(header);
    CHECK(new_text("Please cancel.\n\n" + header + "\n\nDear Ana\n") == "Please cancel.");
  }
}

TEST_CASE("titles between dashes of any length end the text", "[reply]") {
  for (const std::string title : {"\u2010\u2010\u2010\u2010\u2010 Original Message \u2010\u2010\u2010\u2010\u2010", "\u2014\u2014\u2014\u2014\u2014\u2014", "-----\u5143\u306e\u30e1\u30c3\u30bb\u30fc\u30b8-----",
                                  "##- Please type your reply above this line -##", "Videresendt melding:", "\u8ee2\u9001\u3055\u308c\u305f\u30e1\u30c3\u30bb\u30fc\u30b8:"}) {
    INFO(title);
    CHECK(new_text("Please cancel.\n\n" + title + "\n\n> Dear Ana\n") == "Please cancel.");
  }
  const std::string asked = "First part.\n\n----\n\nDoes it come today?";
  CHECK(new_text(asked) == asked);
}

TEST_CASE("a device signs in the language of its owner", "[reply]") {
  for (const std::string line : {"Inviato dal mio iPhone", "Verzonden vanuit Outlook", "iPhone'umdan g\u00f6nderildi", "\u5f9e\u6211\u7684 iPhone \u50b3\u9001", "\ub098\uc758 iPhone\uc5d0\uc11c \ubcf4\ub0c4",
                                 "Elk\u00fcldve az iPhone-omr\u00f3l", "Outlook f\u00fcr Android herunterladen", "T\u00e9l\u00e9charger Outlook pour iOS", "Poslano z iPhonu", "Sent from ProtonMail mobile",
                                 "Sent from my Android device with K-9 Mail. Please excuse my brevity."}) {
    INFO(line);
    CHECK(new_text("Please cancel.\n\n" + line + "\n") == "Please cancel.");
  }
  for (const std::string line : {"iPhone sent back yesterday", "Sent from Outlook, did it arrive?", "The iPhone was sent from Bonn."}) {
    INFO(line);
    CHECK(new_text("Hello.\n" + line) == "Hello.\n" + line);
  }
}
