// The reader against a server that the test plays: order, refusals of the sink, and what is not taken.
#include <catch2/catch.hpp>

#include "tests/connectors/imap/played_mailbox.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using namespace usher::message;
using Subjects = std::vector<std::string>;

namespace {

bool looked(const MailboxReader& reader) { return reader.status().last_poll.has_value(); }

}  // namespace

TEST_CASE("a server with nothing but IMAP4rev1 is polled", "[imap]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 LITERAL+";
  box.add(mail("before"));
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  box.add(mail("one"));
  REQUIRE(desk.wait_for_mails(1));
  CHECK(desk.subjects() == Subjects{"one"});
  REQUIRE(desk.wait([&] { return box.mails().at(2).flags == "$UsherIngested"; }));
  CHECK(box.heard("NOOP"));
  CHECK(desk.taken().front().arrived_at == *parse_rfc3339("2026-11-21T18:57:59Z"));
}

TEST_CASE("without keywords a taken mail is marked as seen", "[imap]") {
  PlayedMailbox box;
  box.permanent_flags = "\\Seen \\Deleted";
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  box.add(mail("one"));
  REQUIRE(desk.wait([&] { return box.mails().at(1).flags == "\\Seen"; }));
}

TEST_CASE("a mail that the sink refuses comes again and none is skipped", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  desk.answer({fail(Fault::unavailable, "no journal"), fail(Fault::overloaded, "full"), fail(Fault::unavailable, "no journal")});
  box.add(mail("one"));
  REQUIRE(desk.wait_for_mails(1));
  box.add(mail("two"));
  REQUIRE(desk.wait_for_mails(2));
  CHECK(desk.subjects() == Subjects{"one", "two"});
  REQUIRE(desk.wait([&] { return reader.status().trouble.empty() && desk.place.kept()->last == 2; }));
  const auto reports = desk.reports();
  CHECK(std::find(reports.begin(), reports.end(), "mails cannot be written down: no journal") != reports.end());
  CHECK(reader.status().passed_over == 0);
}

TEST_CASE("a mail that can never be taken is passed over and stays in the mailbox", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  desk.answer({fail(Fault::too_large, "the message is too large")});
  box.add(mail("one"));
  REQUIRE(desk.wait([&] { return reader.status().passed_over == 1; }));
  box.add(mail("two"));
  REQUIRE(desk.wait_for_mails(1));
  CHECK(desk.subjects() == Subjects{"two"});
  CHECK(reader.status().last_passed_over == "mail 1 is passed over and stays in the mailbox: the message is too large");
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 2 && box.mails().at(2).flags == "$UsherIngested"; }));
  CHECK(box.mails().at(1).flags.empty());
}

TEST_CASE("few mails are in flight and the place moves over no gap", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  desk.hold();
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  for (int i = 1; i <= 20; ++i) box.add(mail("m" + std::to_string(i)));
  REQUIRE(desk.wait_for_mails(1));
  REQUIRE(desk.wait_for_mails(2));
  CHECK(desk.taken().size() <= imap::limits::in_flight_max);
  CHECK(desk.place.kept()->last == 0);
  desk.release();
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 20; }));
  CHECK(desk.subjects().front() == "m1");
  CHECK(desk.subjects().back() == "m20");
}

TEST_CASE("a new mail that others marked or deleted is taken before it is removed", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  desk.place.put({17, 0, *parse_rfc3339("2026-11-20T00:00:00Z")});
  box.add(mail("one"));
  const std::string flag = GENERATE(as<std::string>(), "\\Deleted", "$UsherIngested");
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (words.find("RFC822.SIZE") == std::string::npos) return false;
    return peer.say("* 1 FETCH (UID 1 RFC822.SIZE 10 FLAGS (" + flag + "))\r\n" + tag + " OK done\r\n");
  };
  auto account = box.account();
  account.after = AfterIngest::erase;
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return box.mails().empty() && desk.place.kept()->last == 1; }));
  CHECK(desk.subjects() == Subjects{"one"});
}

TEST_CASE("a mailbox put back from a copy with the same name goes on by date", "[imap][rule-I3]") {
  PlayedMailbox box;
  box.add(mail("one"));
  Desk desk;
  desk.place.put({17, 900, *parse_rfc3339("2026-11-21T00:00:00Z")});
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait_for_mails(1));
  CHECK(box.heard("UID SEARCH UID 1:1 SINCE 19-Nov-2026"));
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 1; }));
}

TEST_CASE("an import that is cut off goes on where it was", "[imap]") {
  PlayedMailbox box;
  for (int i = 1; i <= 120; ++i) box.add(mail("m" + std::to_string(i)));
  std::atomic<int> fetches = 0;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string&, const std::string& words) {
    return words.find("BODY") != std::string::npos && ++fetches == 101 && peer.say("* BYE enough\r\n") && peer.say("garbage\r\n");
  };
  auto account = box.account();
  account.import_since = *parse_rfc3339("2026-01-01T00:00:00Z");
  Desk desk;
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.taken().size() == 120);
  CHECK(desk.place.kept()->last == 120);
}

TEST_CASE("a folder that is open for reading only is taken from and that is said", "[imap]") {
  PlayedMailbox box;
  box.mode = "READ-ONLY";
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  box.add(mail("one"));
  REQUIRE(desk.wait([&] { return reader.status().mark_trouble.find("reading only") != std::string::npos && desk.place.kept()->last == 1; }));
  CHECK(box.mails().at(1).flags.empty());
}
