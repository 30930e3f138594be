// Mail that breaks the grammar in ways that programs do: who wrote it, when, and every letter of it are still read.
#include <catch2/catch.hpp>

#include "connectors/email/charset.hpp"
#include "connectors/email/loose_fields.hpp"
#include "connectors/email/mime_reader.hpp"

using namespace usher::connectors::email;

namespace {

std::vector<std::string> addresses(const std::string& value) {
  std::vector<std::string> out;
  for (const auto& one : read_mailboxes(value)) out.push_back(one.address);
  return out;
}

std::string decoded(const std::string& charset, const std::string& base64) {
  return read_mail("From: ana@example.org\nContent-Type: text/plain; charset=" + charset + "\nContent-Transfer-Encoding: base64\n\n" + base64 + "\n").text;
}

using Addresses = std::vector<std::string>;

}  // namespace

TEST_CASE("a sender who breaks the grammar is still who wrote", "[mime]") {
  CHECK(addresses("Ana <ana.@example.org>") == Addresses{"ana.@example.org"});
  CHECK(addresses("Ana <Ana..B@example.org>") == Addresses{"ana..b@example.org"});
  CHECK(addresses("[Shop] Ana <ana@example.org>") == Addresses{"ana@example.org"});
  CHECK(addresses("Ana <mailto:ana@example.org>") == Addresses{"ana@example.org"});
  CHECK(addresses("ana..b@example.org") == Addresses{"ana..b@example.org"});
  CHECK(loose_mailboxes("\"B, Ana\" <a..b@example.org>, x..y@example.org").size() == 2);
  CHECK(loose_mailboxes("\"B, Ana\" <a..b@example.org>").front().name == "B, Ana");
  for (const std::string value : {"", "Ana", "@", "<@>", "ana@", "@example.org", "<ana example.org>", "(lost)"}) {
    INFO(value);
    CHECK(addresses(value).empty());
  }
}

TEST_CASE("a list between semicolons names everybody and a group keeps its own", "[mime]") {
  CHECK(addresses("a@example.org; b@example.org;") == Addresses{"a@example.org", "b@example.org"});
  CHECK(addresses("\"A; B\" <a@example.org>; b@example.org") == Addresses{"a@example.org", "b@example.org"});
  CHECK(addresses("Friends: a@example.org, b@example.org;, c@example.org") == Addresses{"a@example.org", "b@example.org", "c@example.org"});
  CHECK(addresses("undisclosed-recipients:;").empty());
}

TEST_CASE("a date is read in the forms that programs write", "[mime]") {
  const auto wanted = read_date("Mon, 3 Feb 2025 10:00:00 +0100");
  REQUIRE(wanted);
  for (const std::string value : {"2025-02-03T10:00:00+01:00", "2025-02-03 10:00:00 +0100", "2025-02-03T09:00:00.250Z", "Mon, 3 Feb 2025 10:00:00 +01:00", "Mon, 3 Feb 2025 10:00:00 GMT+0100",
                                  "Mon, 3 Feb 2025 10.00.00 +0100", "Mon, 3 Feb 2025 10:00:00 CET", "Mon Feb 3 10:00:00 CET 2025", "Mon, 3 Feb 2025 18:00:00 JST", "Mon, 3 Feb 2025 10:00:00 +0100 (CEST)"}) {
    INFO(value);
    CHECK(read_date(value) == wanted);
  }
  for (const std::string value : {"", "garbage", "2025-13-03T10:00:00Z", "2025-", "+", "::+", "10.00.00"}) {
    INFO(value);
    CHECK_FALSE(read_date(value));
  }
}

TEST_CASE("the last letter of a text is not held back", "[mime]") {
  CHECK(decoded("windows-1255", "+ezl7Q==") == "\u05e9\u05dc\u05d5\u05dd");
  CHECK(to_utf8("xin", "windows-1258") == "xin");
}

TEST_CASE("character sets are known by the names that programs give them", "[mime]") {
  CHECK(to_utf8("\x93\xfa", "windows-31j") == "\u65e5");
  CHECK(to_utf8("\x93\xfa", "ms932") == "\u65e5");
  CHECK(to_utf8("\xc6\xfc", "x-euc-jp") == "\u65e5");
  CHECK(to_utf8("\xa4\xa4", "chinesebig5") == "\u4e2d");
  CHECK(to_utf8("\xbe", "iso8859-2") == "\u017e");
  CHECK(to_utf8("\xbe", "latin2") == "\u017e");
  CHECK(to_utf8("\xe1", "cp850") == "\u00df");
  CHECK(to_utf8("\x8f", "cp866") == "\u041f");
  CHECK(to_utf8("\x93", "x-windows-1252") == "\u201c");
  CHECK(to_utf8("\x93", "cp-1252") == "\u201c");
}

TEST_CASE("letters that nobody announced are read as the most usual set", "[mime]") {
  CHECK(read_mail("From: ana@example.org\nSubject: gr\xfc\xdf\n\nx\n").subject == "gr\u00fc\u00df");
  CHECK(read_mail("From: ana@example.org\nSubject: gr\u00fc\u00df\n\nx\n").subject == "gr\u00fc\u00df");
}

TEST_CASE("a file keeps its whole name and its last bytes", "[mime]") {
  const std::string head = "From: ana@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: application/pdf\n";
  const auto file = [&](const std::string& rest) {
    const Mail mail = read_mail(head + rest + "\n--b--\n");
    REQUIRE(mail.files.size() == 1);
    return mail.files.front();
  };
  const std::string named = "Content-Disposition: attachment;\n filename=\"=?utf-8?B?w6Q=?=\n =?utf-8?B?w7YucGRm?=\"\nContent-Transfer-Encoding: base64\n\n";
  CHECK(file(named + "UERG").name == "\u00e4\u00f6.pdf");
  CHECK(file(named + "UERG").bytes == "PDF");
  CHECK(file(named + "UERGMg").bytes == "PDF2");
  CHECK(file(named + "UERGMjM").bytes == "PDF23");
  CHECK(file(named + "UERGMg==").bytes == "PDF2");
}

TEST_CASE("a mail whose lines or parts are badly set apart is not empty", "[mime]") {
  CHECK(read_mail("\ufeffFrom: ana@example.org\n\nHello\n").from.size() == 1);
  const Mail mail = read_mail("From: ana@example.org\rSubject: x\r\rHello\r");
  CHECK(mail.from.size() == 1);
  CHECK(mail.text == "Hello\n");
  CHECK(read_mail("From: ana@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\nHello there\n--b--\n").text == "Hello there");
}
