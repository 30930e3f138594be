// What is said to servers: nothing that a person wrote becomes a command.
#include <catch2/catch.hpp>

#include "connectors/email/imap/imap_words.hpp"

using namespace usher::connectors::email::imap;

TEST_CASE("strings are quoted or become literals and never more", "[imap]") {
  CHECK(Command("LOGIN ").add_string("ana").pieces() == std::vector<std::string>{"LOGIN \"ana\""});
  CHECK(Command("").add_string("a\"b\\c").pieces().front() == "\"a\\\"b\\\\c\"");
  CHECK(Command("").add_string("").pieces().front() == "\"\"");
  const auto injected = Command("LOGIN ").add_string("ana\r\nx DELETE INBOX").add(" ").add_string("p");
  CHECK(injected.pieces() == std::vector<std::string>{"LOGIN {19}\r\n", "ana\r\nx DELETE INBOX \"p\""});
  CHECK(Command("").add_string("gr\xc3\xbc\xc3\x9f").pieces().size() == 2);
  CHECK(Command("").add_string(std::string(usher::connectors::email::imap::limits::quoted_bytes_max + 1, 'a')).pieces().size() == 2);
  CHECK_FALSE(Command("").add_string(std::string("a\0b", 3)).sendable());
}

TEST_CASE("folder names are modified UTF-7", "[imap]") {
  CHECK(folder_name("INBOX") == "INBOX");
  CHECK(folder_name("Tom & Ana") == "Tom &- Ana");
  CHECK(folder_name("Entw\xc3\xbcrfe") == "Entw&APw-rfe");
  // RFC 3501 5.1.3, its own example.
  CHECK(folder_name("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
  CHECK(folder_name("\xf0\x9f\x93\xa5") == "&2D3c5Q-");
  CHECK(folder_name("a\nb") == "a&AAo-b");
  CHECK(folder_name("\xff") == "&,,0-");
}

TEST_CASE("sets of numbers are ranges", "[imap]") {
  CHECK(number_set({7}) == "7");
  CHECK(number_set({1, 2, 3, 7, 9, 10}) == "1:3,7,9:10");
  CHECK(number_set({4294967294, 4294967295}) == "4294967294:4294967295");
}

TEST_CASE("a date is a day of the month", "[imap]") {
  CHECK(search_date(*usher::message::parse_rfc3339("2026-02-01T23:59:59Z")) == "1-Feb-2026");
}

TEST_CASE("words of servers are shown on one line and cut", "[imap]") {
  CHECK(shown("a\r\nb\x1b[31m  ") == "a  b [31m");
  CHECK(shown(std::string(5000, 'x')).size() < usher::connectors::email::imap::limits::words_shown_max + 10);
}
