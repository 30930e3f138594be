// What is new in a reply.
#include <catch2/catch.hpp>

#include "connectors/email/reply_text.hpp"

using namespace usher::connectors::email;

TEST_CASE("a reply above a quote is kept without it", "[reply]") {
  for (const std::string line :
       {"On Mon, 21 Nov 2026 at 18:57, Support <support@example.com> wrote:", "Am 21.11.2026 um 18:57 schrieb Support <support@example.com>:",
        "Le 21 nov. 2026 \u00e0 18:57, Support <support@example.com> a \u00e9crit :", "Il giorno 21 nov 2026, Support <support@example.com> ha scritto:",
        "El 21 nov 2026, Support <support@example.com> escribi\u00f3:", "Op 21 nov. 2026 om 18:57 schreef Support <support@example.com>:",
        "Em 21 de nov de 2026, Support <support@example.com> escreveu:", "Den 21 nov. 2026 skrev Support <support@example.com>:",
        "W dniu 21.11.2026 o 18:57, Support pisze <support@example.com> napisa\u0142:", "2026-11-21 18:57 GMT+01:00 Support <support@example.com>:",
        "\u5728 2026\u5e7411\u670821\u65e5\uff0c\u4e0b\u53486:57\uff0cSupport <support@example.com> \u5199\u9053\uff1a", "-----Original Message-----",
        "-----Urspr\u00fcngliche Nachricht-----", "________________________________"}) {
    INFO(line);
    CHECK(new_text("Where is it?\n\n" + line + "\n\n> Thank you for your order.\n> It is on its way.\n") == "Where is it?");
  }
}

TEST_CASE("an attribution that runs over lines goes as a whole", "[reply]") {
  CHECK(new_text("Yes.\n\nOn Mon, 21 Nov 2026 at 18:57, A Very Long Name of Support <\nsupport@example.com> wrote:\n\n> Is it?\n") == "Yes.");
  CHECK(new_text("Yes.\n\nAm Mo., 21. Nov. 2026 um 18:57 schrieb Support\n<support@example.com>:\n\n> Is it?\n") == "Yes.");
}

TEST_CASE("a header that is repeated in the text begins the old mail", "[reply]") {
  CHECK(new_text("Please cancel.\n\nFrom: Support <support@example.com>\nSent: Monday, 21 November 2026 18:57\nTo: Ana <ana@example.org>\nSubject: RE: Order 4411\n\nDear Ana\n") ==
        "Please cancel.");
  CHECK(new_text("Bitte stornieren.\n\nVon: Support <support@example.com>\nGesendet: Montag, 21. November 2026\nAn: Ana\nBetreff: AW: Bestellung\n\nHallo\n") ==
        "Bitte stornieren.");
}

TEST_CASE("a reply below a quote is kept without it", "[reply]") {
  CHECK(new_text("On 21 Nov 2026, Support <support@example.com> wrote:\n> Is it blue?\n> Or red?\n\nIt is red.\n") == "It is red.");
}

TEST_CASE("answers between quotes keep the questions", "[reply]") {
  const std::string text = "Hi, see below.\n\nOn 21 Nov 2026, Support <support@example.com> wrote:\n\n> Which colour?\n\nRed.\n\n> Which size?\n\nLarge.\n";
  CHECK(new_text(text) == "Hi, see below.\n\n\n> Which colour?\n\nRed.\n\n> Which size?\n\nLarge.");
}

TEST_CASE("signatures go and sentences about signatures stay", "[reply]") {
  CHECK(new_text("Thanks.\n\n-- \nAna M\u00fcller\n+49 30 1234\n") == "Thanks.");
  CHECK(new_text("Thanks.\n\nSent from my iPhone\n") == "Thanks.");
  CHECK(new_text("Thanks.\n\n<Sent with Example Mail>\n") == "Thanks.");
  CHECK(new_text("Danke.\n\nVon meinem iPhone gesendet\n") == "Danke.");
  CHECK(new_text("Sent from my office in Bonn you will get a parcel with all the papers.\n") == "Sent from my office in Bonn you will get a parcel with all the papers.");
}

TEST_CASE("what looks like a quote or a stroke within a text stays", "[reply]") {
  for (const std::string text : {"The price was 5 > 3.", "> only a quote", "a - b - c", "This is not a ---------- delimiter.", "On Monday 3 people wrote to us about this problem:\n- one\n- two",
                                 "From: Berlin\nit takes three days", "```\n# comment\n----\ncode\n```"}) {
    INFO(text);
    CHECK(new_text(text) == text);
  }
}

TEST_CASE("a text is never emptied by its own strokes", "[reply]") {
  CHECK(new_text("-----\nHello\n") == "-----\nHello");
  CHECK(new_text("Sent from my iPhone\n") == "Sent from my iPhone");
}

TEST_CASE("nothing but a quoted mail says nothing", "[reply]") {
  CHECK(new_text("On 21 Nov 2026, Support <support@example.com> wrote:\n> Is it?\n").empty());
  CHECK(new_text("").empty());
}

TEST_CASE("what a customer tells of somebody is no attribution", "[reply]") {
  for (const std::string line : {"Your colleague called on 3 March and said:", "On 3 March your colleague said:"}) {
    INFO(line);
    CHECK(new_text("Hello.\n" + line + "\nit will be free of charge.\nIs that so?\n") == "Hello.\n" + line + "\nit will be free of charge.\nIs that so?");
    CHECK(new_text("Hello.\n\n" + line + "\n> It is free.\n") == "Hello.");
  }
}

TEST_CASE("a list of fields that the customer wrote is no header", "[reply]") {
  const std::string trip = "I want to change my trip:\n\nFrom: Berlin\nTo: Paris\nDate: 3 May\n\nIs that possible?";
  CHECK(new_text(trip + "\n") == trip);
  CHECK(new_text("Please.\n\nFrom: Support\nDate: 3 May\nTo: Ana\nSubject: Order\n\nDear Ana\n") == "Please.");
}

TEST_CASE("strokes within a text divide it and those below it end it", "[reply]") {
  const std::string rest(120, 'x');
  for (const std::string stroke : {"-----", "________________________________", "====="}) {
    INFO(stroke);
    CHECK(new_text("First part.\n" + stroke + "\nSecond part: " + rest + "\n") == "First part.\n" + stroke + "\nSecond part: " + rest);
    std::string many;
    for (int i = 0; i < 9; ++i) many += "\nline";
    CHECK(new_text("First part.\n" + stroke + many + "\n") == "First part.\n" + stroke + many);
    CHECK(new_text("Thanks.\n" + stroke + "\nAna M\u00fcller\n+49 30 1234\n") == "Thanks.");
    CHECK(new_text("Thanks.\n" + stroke + "\nFrom: Support <support@example.com>\nSubject: x\n\n" + rest + "\n") == "Thanks.");
  }
}

TEST_CASE("a sentence that begins like a signature stays within a text", "[reply]") {
  const std::string text = "Hello.\nSent by courier on 3 March, nothing arrived.\nWhere is it?";
  CHECK(new_text(text + "\n") == text);
}
