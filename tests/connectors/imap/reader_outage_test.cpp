// The reader while a server is there and cannot do what it is for: no mail pays for it, and no connection is asked too often.
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

// Mails that are new to the desk.
void new_mails(PlayedMailbox& box, Desk& desk, const Subjects& subjects) {
  for (const auto& subject : subjects) box.add(mail(subject));
  desk.place.put({17, 0, *parse_rfc3339("2026-11-21T00:00:00Z")});
}

}  // namespace

TEST_CASE("a storage that is away behind the server passes over no mail", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  const bool single = GENERATE(true, false);
  new_mails(box, desk, single ? Subjects{"one"} : Subjects{"one", "two", "three"});
  std::atomic<int> left = 30;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    return of_body(words) && left-- > 0 && peer.say(tag + " NO the storage is away\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == (single ? Subjects{"one"} : Subjects{"one", "two", "three"}));
  CHECK(reader.status().passed_over == 0);
  CHECK(box.connections() > 1);
}

TEST_CASE("a refusal that says of itself that it passes counts against no mail", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  new_mails(box, desk, {"one", "two"});
  const std::string code = GENERATE(as<std::string>(), "UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT");
  INFO(code);
  std::atomic<int> left = 3 * imap::limits::fetch_attempts_max;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    return of_body(words) && words.starts_with("1 ") && left-- > 0 && peer.say(tag + " NO [" + code + "] later\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"one", "two"});
  CHECK(reader.status().passed_over == 0);
}

TEST_CASE("a mail that alone is refused again and again is passed over", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  new_mails(box, desk, {"one", "two"});
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    return of_body(words) && words.starts_with("1 ") && peer.say(tag + " NO cannot read it\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"two"});
  CHECK(reader.status().passed_over == 1);
  CHECK(reader.status().last_passed_over.find("cannot read it") != std::string::npos);
}

TEST_CASE("a place is saved again though the server cannot be reached", "[imap][rule-I3]") {
  PlayedMailbox box;
  box.greeting = "* BYE not today";
  Desk desk;
  desk.place.put({17, 3, *parse_rfc3339("2026-11-21T00:00:00Z")});
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return !reader.status().trouble.empty(); }));
  CHECK(desk.place.saves() == 1);
}

TEST_CASE("a mailbox without a place says that only new mail is taken", "[imap]") {
  PlayedMailbox box;
  box.add(mail("old"));
  Desk desk;
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.reports() == std::vector<std::string>{"no place is known where this mailbox was read to: only new mail is taken"});
  CHECK(desk.taken().empty());
}

TEST_CASE("a mailbox is looked through only once its first place outlives a crash", "[imap][rule-I3]") {
  PlayedMailbox box;
  box.add(mail("old"));
  Desk desk;
  desk.place.durable(false);
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return reader.status().trouble == "where this mailbox goes on cannot be written down" && box.connections() > 2; }));
  box.add(mail("new"));
  const int connections = box.connections();
  REQUIRE(desk.wait([&] { return box.connections() > connections; }));
  CHECK_FALSE(looked(reader));
  CHECK_FALSE(box.heard("UID SEARCH"));
  desk.place.durable(true);
  REQUIRE(desk.wait_for_mails(1));
  REQUIRE(desk.wait([&] { return looked(reader) && reader.status().trouble.empty(); }));
  CHECK(desk.subjects() == Subjects{"new"});
}

TEST_CASE("only more mails than there were are news", "[imap]") {
  PlayedMailbox box;
  box.add(mail("one"));
  box.add(mail("two"));
  std::string said;
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    peer.say("+ idling\r\n" + said);
    return peer.hear() == "DONE" && peer.say(tag + " OK done\r\n");
  };
  const StopSwitch stop;
  auto session = ImapSession::open(box.account().server, box.account().credentials, {}, stop);
  REQUIRE(session.has_value());
  REQUIRE((*session)->select("INBOX").has_value());
  REQUIRE((*session)->search(1).has_value());
  const auto idled = [&](const std::string& words) {
    said = words;
    return (*session)->idle(std::chrono::milliseconds(20)).value();
  };
  CHECK(idled("* 2 EXISTS\r\n") == ImapSession::Idled::quiet);
  CHECK(idled("* 1 EXPUNGE\r\n* 1 EXISTS\r\n") == ImapSession::Idled::quiet);
  CHECK(idled("* 2 EXISTS\r\n") == ImapSession::Idled::news);
}

TEST_CASE("a search for one mail hides no news", "[imap]") {
  PlayedMailbox box;
  box.add(mail("one"));
  box.answers["NOOP"] = [](Peer& peer, const std::string& tag, const std::string&) { return peer.say("* 2 EXISTS\r\n" + tag + " OK done\r\n"); };
  const StopSwitch stop;
  auto session = ImapSession::open(box.account().server, box.account().credentials, {}, stop);
  REQUIRE(session.has_value());
  REQUIRE((*session)->select("INBOX").has_value());
  REQUIRE((*session)->search(1).has_value());
  REQUIRE((*session)->noop().has_value());
  REQUIRE((*session)->search(1, 1).has_value());
  CHECK((*session)->idle(std::chrono::milliseconds(1)).value() == ImapSession::Idled::news);
}

TEST_CASE("a mailbox is looked through a while apart whatever is announced", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  std::atomic<int> count = 0;
  box.answers["IDLE"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    peer.say("+ idling\r\n* " + std::to_string(++count) + " EXISTS\r\n");
    return peer.hear() == "DONE" && peer.say(tag + " OK done\r\n");
  };
  auto pace = quick();
  pace.walks_apart = std::chrono::milliseconds(100);
  const auto begun = std::chrono::steady_clock::now();
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return count >= 5; }));
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(400));
}

TEST_CASE("after an IDLE that ends the connection the next one polls", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  box.answers["IDLE"] = [&](Peer& peer, const std::string&, const std::string&) {
    peer.hang_up();
    return true;
  };
  auto pace = quick();
  pace.lasts_from = std::chrono::hours(1);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return box.heard("NOOP"); }));
  box.add(mail("one"));
  REQUIRE(desk.wait_for_mails(1));
  CHECK(box.connections() == 2);
}

TEST_CASE("a line that went dead without a word is noticed within IDLE", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  box.answers["IDLE"] = [](Peer& peer, const std::string&, const std::string&) {
    if (peer.number() > 1) return false;
    peer.say("+ idling\r\n");
    peer.vanish();
    peer.hear_out();
    return true;
  };
  auto pace = quick();
  pace.silence.on_the_line = std::chrono::seconds(2);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return box.heard("IDLE"); }));
  box.add(mail("one"));
  REQUIRE(desk.wait_for_mails(1));
  CHECK(box.connections() == 2);
}

TEST_CASE("a server that swallows the end of IDLE is left soon", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  box.answers["IDLE"] = [](Peer& peer, const std::string&, const std::string&) {
    if (peer.number() > 1) return false;
    peer.say("+ idling\r\n");
    peer.hear_out();
    return true;
  };
  auto pace = quick();
  pace.idle = pace.idle_after_mail = std::chrono::milliseconds(50);
  pace.silence.behind_idle = std::chrono::milliseconds(50);
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return box.heard("IDLE"); }));
  box.add(mail("one"));
  REQUIRE(desk.wait_for_mails(1));
  const auto reports = desk.reports();
  CHECK(std::find(reports.begin(), reports.end(), "the server did not answer in time: IDLE") != reports.end());
}

TEST_CASE("pauses grow while connections end soon though each has looked through the mailbox", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  for (const char* name : {"IDLE", "NOOP"})
    box.answers[name] = [&](Peer& peer, const std::string&, const std::string&) {
      peer.hang_up();
      return true;
    };
  auto pace = quick();
  pace.lasts_from = std::chrono::hours(1);
  pace.retry_first = std::chrono::milliseconds(20);
  pace.retry_longest = std::chrono::hours(1);
  const auto begun = std::chrono::steady_clock::now();
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return box.connections() >= 6; }));
  // At least half of 20, 40, 80, 160 and 320 ms.
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(310));
}

TEST_CASE("a mail over the limit is handed over as cut and never moved or erased", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  new_mails(box, desk, {"large", "small"});
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (of_body(words)) return false;
    return peer.say("* 1 FETCH (UID 1 RFC822.SIZE " + std::to_string(imap::limits::mail_bytes_max + 1) +
                    ")\r\n* 2 FETCH (UID 2 RFC822.SIZE 20)\r\n" + tag + " OK done\r\n");
  };
  auto account = box.account();
  account.after = GENERATE(AfterIngest::move, AfterIngest::erase);
  account.move_to = "Done";
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  REQUIRE(desk.subjects() == Subjects{"large", "small"});
  CHECK(desk.taken()[0].cut);
  CHECK_FALSE(desk.taken()[1].cut);
  CHECK(box.mails().contains(1));
  CHECK_FALSE(box.mails().contains(2));
  CHECK(desk.reports() == std::vector<std::string>{"mail 1 is over the limit: its beginning is taken, and it stays in the mailbox"});
}

TEST_CASE("a mail that is handed out as if it were empty is asked for again", "[imap][rule-J1]") {
  PlayedMailbox box;
  Desk desk;
  new_mails(box, desk, {"one"});
  std::atomic<int> left = 2;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    return of_body(words) && left-- > 0 && peer.say("* 1 FETCH (UID 1 BODY[] {0}\r\n)\r\n" + tag + " OK done\r\n");
  };
  MailboxReader reader(box.account(), desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"one"});
}
