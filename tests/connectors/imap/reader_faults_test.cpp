// The reader against servers that break: nothing is lost, and one bad mail or bad command stops nothing for ever.
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

bool of_body(const std::string& words) { return words.find("BODY.PEEK") != std::string::npos; }

// A mailbox with two mails that are new to the desk.
void two_new_mails(PlayedMailbox& box, Desk& desk) {
  box.add(mail("one"));
  box.add(mail("two"));
  desk.place.put({17, 0, *parse_rfc3339("2026-11-21T00:00:00Z")});
}

bool reported(const Desk& desk, const std::string& words) {
  for (const auto& report : desk.reports())
    if (report.find(words) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("an end in the middle of a mail loses nothing and repeats nothing durable", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  std::atomic<bool> once = true;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string&, const std::string& words) {
    if (!of_body(words) || !words.starts_with("2 ") || !once.exchange(false)) return false;
    peer.say("* 2 FETCH (UID 2 BODY[] {500}\r\nhalf of it");
    peer.hang_up();
    return true;
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"one", "two"});
  CHECK(desk.place.kept()->last == 2);
  CHECK(box.mails().at(1).flags == "$UsherIngested");
  CHECK(reported(desk, "the server closed the connection"));
}

TEST_CASE("a goodbye is told with its reason", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  std::atomic<bool> once = true;
  box.answers["IDLE"] = [&](Peer& peer, const std::string&, const std::string&) {
    if (!once.exchange(false)) return false;
    peer.say("+ idling\r\n* BYE Server shutting down for maintenance\r\n");
    peer.hang_up();
    return true;
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return box.connections() == 2 && looked(reader) && reader.status().connected; }));
  CHECK(reported(desk, "the server said goodbye: Server shutting down for maintenance"));
  box.add(mail("after"));
  REQUIRE(desk.wait_for_mails(1));
}

TEST_CASE("an IDLE that is dropped in silence is followed by a new connection", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  std::atomic<bool> once = true;
  box.answers["IDLE"] = [&](Peer& peer, const std::string&, const std::string&) {
    if (!once.exchange(false)) return false;
    peer.hang_up();
    return true;
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return box.connections() == 2; }));
  box.add(mail("after"));
  REQUIRE(desk.wait_for_mails(1));
}

TEST_CASE("IDLE is ended and begun again before anybody forgets it", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  std::atomic<int> idles = 0;
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    ++idles;
    peer.say("+ \r\n* OK Still here\r\n");
    if (peer.hear() != "DONE") return false;
    return peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.idle = std::chrono::milliseconds(10);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return idles >= 3; }));
  CHECK(box.connections() == 1);
}

TEST_CASE("a folder that was renamed and made anew under the connection is opened anew", "[imap][rule-I3]") {
  PlayedMailbox box;
  const bool idles = GENERATE(true, false);
  if (!idles) box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS";
  // Nothing is announced, since nothing comes to the folder that is open.
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    peer.say("+ idling\r\n");
    return peer.hear() == "DONE" && peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.idle = pace.idle_after_mail = std::chrono::milliseconds(10);
  Desk desk;
  desk.set_clock(*parse_rfc3339("2026-11-21T20:00:00Z"));
  desk.place.put({17, 0, *parse_rfc3339("2026-11-21T00:00:00Z")});
  box.add(mail("one"));
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(box.connections() == 1);
  box.uid_validity = 18;
  // What was copied into the new one comes again, as what it was.
  REQUIRE(desk.wait([&] { return box.heard("UID SEARCH UID 1:1 SINCE 19-Nov-2026"); }));
  box.add(mail("two"));
  REQUIRE(desk.wait_for_mails(3));
  CHECK(desk.subjects() == Subjects{"one", "one", "two"});
  CHECK(reported(desk, "another folder is called INBOX now: that one is opened"));
  REQUIRE(desk.wait([&] { return desk.place.kept()->uid_validity == 18 && desk.place.kept()->last == 2; }));
  CHECK(box.connections() == 2);
}

TEST_CASE("a folder that is gone under the connection is said", "[imap]") {
  PlayedMailbox box;
  std::atomic<int> selects = 0;
  box.answers["SELECT"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    return ++selects > 1 && peer.say(tag + " NO [NONEXISTENT] there is no such folder\r\n");
  };
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    peer.say("+ idling\r\n");
    return peer.hear() == "DONE" && peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.idle = std::chrono::milliseconds(10);
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return reader.status().trouble == "the server refused to open the folder INBOX: there is no such folder"; }));
  CHECK(looked(reader));
}

TEST_CASE("a mail that comes just as IDLE begins and is never announced is found soon", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  std::atomic<int> idles = 0;
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    if (++idles <= 2) box.add(mail("number " + std::to_string(idles)));
    peer.say("+ idling\r\n");
    if (peer.hear() != "DONE") return false;
    return peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.idle_after_mail = std::chrono::milliseconds(10);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait_for_mails(2));
  // The third brings nothing, so what follows is a long one.
  REQUIRE(desk.wait([&] { return idles == 4; }));
  CHECK(desk.subjects() == Subjects{"number 1", "number 2"});
}

TEST_CASE("news without a mail behind it leave the wait a short one", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  std::atomic<int> idles = 0;
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    peer.say(++idles == 1 ? "+ idling\r\n* 1 EXISTS\r\n" : "+ idling\r\n");
    if (idles == 2) box.add(mail("one"));
    if (peer.hear() != "DONE") return false;
    return peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.idle_after_mail = std::chrono::milliseconds(10);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait_for_mails(1));
  CHECK(box.connections() == 1);
}

TEST_CASE("a server that refuses IDLE is polled", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) { return peer.say(tag + " BAD unknown command\r\n"); };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  box.add(mail("one"));
  REQUIRE(desk.wait_for_mails(1));
  CHECK(box.connections() == 1);
}

TEST_CASE("a mail that breaks every connection is passed over after some", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string&, const std::string& words) {
    return of_body(words) && words.starts_with("1 ") && peer.say("* 1 FETCH (UID 1 BODY[] \"open\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"two"});
  CHECK(reader.status().passed_over == 1);
  CHECK(box.connections() == imap::limits::fetch_attempts_max + 1);
  CHECK(box.mails().at(1).flags.empty());
}

TEST_CASE("of a mail that is larger than was said the beginning is taken", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  const std::string part = "(UID BODY.PEEK[]<0." + std::to_string(imap::limits::mail_bytes_max) + ">)";
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (!of_body(words) || !words.starts_with("1 ")) return false;
    if (words != "1 " + part) return peer.say("* 1 FETCH (UID 1 BODY[] {" + std::to_string(imap::limits::literal_bytes_max + 1) + "}\r\n");
    const std::string begins = mail("begins");
    return peer.say("* 1 FETCH (UID 1 BODY[]<0> {" + std::to_string(begins.size()) + "}\r\n" + begins + ")\r\n" + tag + " OK done\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"begins", "two"});
  CHECK(reader.status().passed_over == 0);
}

TEST_CASE("a mail that is refused and still there is tried again and one that is gone is skipped", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  std::atomic<int> refusals = 0;
  const bool gone = GENERATE(true, false);
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (!of_body(words) || !words.starts_with("1 ") || ++refusals > 2) return false;
    return peer.say(tag + " NO [SERVERBUG] cannot read it\r\n");
  };
  if (gone)
    box.answers["UID SEARCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
      return words == "UID 1:1" && peer.say("* SEARCH 2\r\n" + tag + " OK done\r\n");
    };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == (gone ? Subjects{"two"} : Subjects{"one", "two"}));
  CHECK(reader.status().passed_over == 0);
}

TEST_CASE("a mark that is refused stops nothing and is tried at the next connection", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  std::atomic<bool> refuse = true;
  box.answers["UID STORE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    return refuse && peer.say(tag + " NO [OVERQUOTA] no room for flags\r\n");
  };
  std::atomic<bool> cut = false;
  box.answers["UID SEARCH"] = [&](Peer& peer, const std::string&, const std::string&) {
    if (!cut.exchange(false)) return false;
    peer.hang_up();
    return true;
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.place.kept()->last == 2);
  CHECK(reader.status().mark_trouble.find("no room for flags") != std::string::npos);
  CHECK(reader.status().mark_trouble.find("mails 1:2 are taken") == 0);
  refuse = false;
  cut = true;
  box.add(mail("three"));
  REQUIRE(desk.wait([&] { return box.mails().at(1).flags == "$UsherIngested" && box.mails().at(3).flags == "$UsherIngested"; }));
  CHECK(desk.subjects() == Subjects{"one", "two", "three"});
  REQUIRE(desk.wait([&] { return reader.status().mark_trouble.empty(); }));
}

TEST_CASE("a mark that was refused is tried again on the same connection once nothing has come for a while", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  std::atomic<bool> refuse = true;
  box.answers["UID STORE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    return refuse && peer.say(tag + " NO [INUSE] locked\r\n");
  };
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    peer.say("+ idling\r\n");
    return peer.hear() == "DONE" && peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.idle = std::chrono::milliseconds(50);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return reader.status().mark_trouble.find("locked") != std::string::npos; }));
  refuse = false;
  REQUIRE(desk.wait([&] { return reader.status().mark_trouble.empty(); }));
  CHECK(box.mails().at(1).flags == "$UsherIngested");
  CHECK(box.mails().at(2).flags == "$UsherIngested");
  CHECK(box.connections() == 1);
}

TEST_CASE("a mark that ends connections is given up and the mail is not taken twice", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  box.answers["UID STORE"] = [&](Peer& peer, const std::string&, const std::string&) {
    peer.hang_up();
    return true;
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"one", "two"});
  CHECK(box.connections() == imap::limits::mark_attempts_max + 1);
  CHECK_FALSE(reader.status().mark_trouble.empty());
}

TEST_CASE("a mail that a server tells nothing of for a while is not lost", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  two_new_mails(box, desk);
  const std::string how = GENERATE(as<std::string>(), "NO", "BAD", "part and NO", "left out");
  INFO(how);
  std::atomic<int> left = 3;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (left <= 0) return false;
    --left;
    if (how == "left out") return peer.say(tag + " OK done\r\n");
    const std::string first = "* 1 FETCH (UID 1 RFC822.SIZE 10 FLAGS ())\r\n";
    return peer.say((how.starts_with("part") && !of_body(words) ? first : "") + tag + (how == "BAD" ? " BAD" : " NO") + " not now\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"one", "two"});
  CHECK(reader.status().passed_over == 0);
}

TEST_CASE("a single new mail that the server refuses to describe is not lost", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  box.add(mail("one"));
  desk.place.put({17, 0, *parse_rfc3339("2026-11-21T00:00:00Z")});
  std::atomic<bool> once = true;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    return once.exchange(false) && peer.say(tag + " NO try later\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"one"});
}
