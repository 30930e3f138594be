// The reader on a real Dovecot: what becomes of mails that are taken, and of those that others take away.
#include <catch2/catch.hpp>

#include "tests/connectors/imap/dovecot_server.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using Subjects = std::vector<std::string>;

namespace {

bool looked(const MailboxReader& reader) { return reader.status().last_poll.has_value(); }

}  // namespace

TEST_CASE("taken mails are moved to a folder that is made for them", "[imap]") {
  DovecotServer server;
  Desk desk;
  auto account = server.account();
  account.after = AfterIngest::move;
  account.move_to = "Erledigt & gepr\xc3\xbc"
                    "ft";
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  server.deliver({"one", "two"});
  REQUIRE(desk.wait_for_mails(2));
  const bool moved = desk.wait([&] { return server.subjects("ALL").empty(); });
  INFO(reader.status().mark_trouble);
  REQUIRE(moved);
  CHECK(server.subjects("ALL", account.move_to) == Subjects{"one", "two"});
  CHECK(reader.status().mark_trouble.empty());
}

TEST_CASE("taken mails are erased and what others marked for deletion stays", "[imap]") {
  DovecotServer server;
  server.deliver({"theirs"});
  auto client = server.client();
  REQUIRE(client->select("INBOX").has_value());
  REQUIRE(client->add_flag({1}, "\\Deleted").has_value());
  Desk desk;
  auto account = server.account();
  account.after = AfterIngest::erase;
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  server.deliver({"one"});
  REQUIRE(desk.wait_for_mails(1));
  REQUIRE(desk.wait([&] { return server.subjects("ALL") == Subjects{"theirs"}; }));
}

TEST_CASE("with seen the mark is the one that people see", "[imap]") {
  DovecotServer server;
  Desk desk;
  auto account = server.account();
  account.after = AfterIngest::seen;
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  server.deliver({"one"});
  REQUIRE(desk.wait([&] { return server.subjects("SEEN") == Subjects{"one"}; }));
}

TEST_CASE("a mail is marked only once it is durable", "[imap][rule-J1]") {
  DovecotServer server;
  Desk desk;
  desk.hold();
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  server.deliver({"one"});
  REQUIRE(desk.wait_for_mails(1));
  CHECK(server.subjects("KEYWORD $UsherIngested").empty());
  CHECK(desk.place.kept()->last == 0);
  desk.release();
  REQUIRE(desk.wait([&] { return server.subjects("KEYWORD $UsherIngested") == Subjects{"one"}; }));
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 1; }));
}

TEST_CASE("a reader that ends before a mail is durable takes it again", "[imap][rule-J1]") {
  DovecotServer server;
  Desk desk;
  desk.hold();
  {
    MailboxReader reader(server.account(), desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
    server.deliver({"one"});
    REQUIRE(desk.wait_for_mails(1));
  }
  desk.release();
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait_for_mails(2));
  CHECK(desk.subjects() == Subjects{"one", "one"});
}

TEST_CASE("a mail that another program moves away before it is fetched is no trouble", "[imap]") {
  DovecotServer server;
  Desk desk;
  desk.hold();
  MailboxReader reader(server.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  Subjects subjects;
  for (int i = 1; i <= 12; ++i) subjects.push_back("m" + std::to_string(i));
  // They come in one moment, so that one search finds them all while the sink holds the first eight.
  auto client = server.client();
  server.deliver({"m0"});
  REQUIRE(desk.wait_for_mails(1));
  server.deliver(subjects);
  desk.release();
  desk.hold();
  REQUIRE(desk.wait([&] { return desk.taken().size() >= 9; }));
  REQUIRE(client->select("INBOX").has_value());
  const auto all = client->search(1);
  REQUIRE(all.has_value());
  REQUIRE(client->move({all->back()}, "Elsewhere").has_value());
  desk.release();
  REQUIRE(desk.wait([&] { return desk.taken().size() >= 12 && desk.place.kept()->last >= all->back() - 1; }));
  CHECK(desk.subjects().back() == "m11");
  CHECK(reader.status().trouble.empty());
  CHECK(reader.status().passed_over == 0);
}

TEST_CASE("a copy of what was sent is kept as a mail that was read", "[imap]") {
  DovecotServer server;
  auto account = server.account();
  account.folder = "Sent";
  REQUIRE(append_copy(account, {}, mail("reply")).has_value());
  REQUIRE(append_copy(account, {}, mail("second")).has_value());
  CHECK(server.subjects("SEEN", "Sent") == Subjects{"reply", "second"});
}
