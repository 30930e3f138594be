// The reader on a real Dovecot: what is taken when.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>

#include "tests/connectors/imap/dovecot_server.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using Subjects = std::vector<std::string>;

namespace {

bool looked(const MailboxReader& reader) { return reader.status().last_poll.has_value(); }

}  // namespace

TEST_CASE("only mail that comes after the first connection is taken and IDLE tells of it", "[imap]") {
  DovecotServer server;
  server.deliver({"before"});
  Desk desk;
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.taken().empty());
  server.deliver({"one", "two"});
  REQUIRE(desk.wait_for_mails(2));
  CHECK(desk.subjects() == Subjects{"one", "two"});
  CHECK(reader.status().connected);
  CHECK(reader.status().trouble.empty());
  REQUIRE(desk.wait([&] { return server.subjects("KEYWORD $UsherIngested") == Subjects{"one", "two"}; }));
  CHECK(server.subjects("SEEN").empty());
}

TEST_CASE("a reader goes on where the one before it ended", "[imap][rule-I3]") {
  DovecotServer server;
  Desk desk;
  {
    MailboxReader reader(server.account(), desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
    server.deliver({"one"});
    REQUIRE(desk.wait([&] { return desk.place.kept()->last == 1; }));
  }
  server.deliver({"two", "three"});
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait_for_mails(3));
  CHECK(desk.subjects() == Subjects{"one", "two", "three"});
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 3; }));
}

TEST_CASE("STARTTLS is as good as TLS from the first byte", "[imap]") {
  DovecotServer server;
  Desk desk;
  MailboxReader reader(server.account(Protection::starttls), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  const auto said = check_imap(server.account(Protection::starttls), {});
  REQUIRE(said.has_value());
  CHECK(said->find("(TLSv1.3), logged in as support; INBOX has 0 mails, new ones are announced") != std::string::npos);
  CHECK(said->find("marked with $UsherIngested") != std::string::npos);
}

TEST_CASE("a new numbering goes on by date and loses nothing", "[imap][rule-I3]") {
  DovecotServer server;
  server.put_files(20, *usher::message::parse_rfc3339("2026-01-05T12:00:00Z"));
  Desk desk;
  {
    MailboxReader reader(server.account(), desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
    server.deliver({"one", "two"});
    REQUIRE(desk.wait([&] { return desk.place.kept()->last == 22; }));
  }
  server.stop();
  server.renumber();
  server.start();
  server.deliver({"three"});
  MailboxReader reader(server.account(), desk.ports(), quick());
  // The newest two come again, and their ids make them repeats; the old ones do not.
  REQUIRE(desk.wait([&] { return desk.subjects().size() >= 5 && looked(reader); }));
  auto subjects = desk.subjects();
  CHECK(Subjects(subjects.begin(), subjects.begin() + 2) == Subjects{"one", "two"});
  std::sort(subjects.begin() + 2, subjects.end());
  CHECK(Subjects(subjects.begin() + 2, subjects.end()) == Subjects{"one", "three", "two"});
}

TEST_CASE("a new numbering brings nothing that was there before the first connection", "[imap][rule-I3]") {
  DovecotServer server;
  server.put_files(20, std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) - std::chrono::minutes(30));
  server.deliver({"old"});
  Desk desk;
  {
    auto account = server.account();
    MailboxReader reader(account, desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
    // By the server's own clock, and behind the second of the last mail.
    REQUIRE(desk.wait([&] { return desk.place.kept()->begun != usher::message::Instant{}; }));
  }
  server.stop();
  server.renumber();
  server.start();
  // In a later second than the last old one, as mail that comes while a server is moved does.
  const auto begun = desk.place.kept()->begun;
  REQUIRE(desk.wait([&] { return std::chrono::system_clock::now() > begun + std::chrono::seconds(1); }));
  server.deliver({"new"});
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return !desk.taken().empty() && looked(reader); }));
  CHECK(desk.subjects() == Subjects{"new"});
}

TEST_CASE("a server that restarts is found again", "[imap]") {
  DovecotServer server;
  Desk desk;
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  server.stop();
  REQUIRE(desk.wait([&] { return !reader.status().connected && !reader.status().trouble.empty(); }));
  server.start();
  server.deliver({"after"});
  REQUIRE(desk.wait_for_mails(1));
  REQUIRE(desk.wait([&] { return reader.status().trouble.empty(); }));
  CHECK(desk.reports().back() == "the mailbox is read again");
}

TEST_CASE("fifty thousand old mails are not read", "[imap]") {
  DovecotServer server;
  server.put_files(50'000, *usher::message::parse_rfc3339("2025-01-05T12:00:00Z"));
  Desk desk;
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.place.kept()->last == 50'000);
  server.deliver({"new"});
  REQUIRE(desk.wait_for_mails(1));
  CHECK(desk.subjects() == Subjects{"new"});
}

TEST_CASE("a server tells the numbers of the mails at some places", "[imap]") {
  DovecotServer server;
  server.put_files(30, *usher::message::parse_rfc3339("2026-01-05T12:00:00Z"));
  const auto session = server.client();
  REQUIRE(session->select("INBOX").has_value());
  REQUIRE(session->erase({1, 2, 3, 4, 5}).has_value());
  CHECK(session->exists() == 25);
  const auto numbers = session->numbers_at({10, 20});
  REQUIRE(numbers.has_value());
  CHECK(*numbers == std::vector<Uid>{15, 25});
}

TEST_CASE("an import begins at its moment and goes on with what is new", "[imap]") {
  DovecotServer server;
  server.put_files(120, *usher::message::parse_rfc3339("2026-02-01T12:00:00Z"));
  server.deliver({"recent"});
  Desk desk;
  auto account = server.account();
  SECTION("before them all") {
    account.import_since = usher::message::parse_rfc3339("2026-02-01T12:00:00Z");
    MailboxReader reader(account, desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
    CHECK(desk.taken().size() == 121);
    CHECK(desk.taken().front().arrived_at == *account.import_since);
    server.deliver({"new"});
    REQUIRE(desk.wait_for_mails(122));
    CHECK(desk.subjects().back() == "new");
  }
  SECTION("one second after the old ones") {
    account.import_since = usher::message::parse_rfc3339("2026-02-01T12:00:01Z");
    MailboxReader reader(account, desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
    CHECK(desk.subjects() == Subjects{"recent"});
  }
}

TEST_CASE("a wrong password is said in words and tried again", "[imap]") {
  DovecotServer server("auth_failure_delay = 0\n");
  Desk desk;
  auto account = server.account();
  account.credentials.password = "wr\"ong\\\r\nx LOGOUT";
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return reader.status().trouble.find("the server refused the user name or the password") == 0; }));
  CHECK(reader.status().trouble.find(account.credentials.password) == std::string::npos);
  CHECK_FALSE(check_imap(account, {}).has_value());
}

// Of two servers of two tests that chose the same ports at random, the second one once gave out the address of the first.
TEST_CASE("a server of a test whose ports are another one's does not say that it runs", "[imap]") {
  const DovecotServer server;
  const usher::testing::TemporaryFolder other;
  std::ofstream(other.path() / "ports") << server.account(Protection::starttls).server.port << ' ' << server.account().server.port << '\n';
  const std::string start = std::string(USHER_SOURCE_DIR) + "/deploy/mail/dovecot start --folder " + other.path().string();
  CHECK(std::system((start + " >/dev/null 2>&1").c_str()) != 0);
}
