// The reader while the server numbers its mails anew: what was there before the first connection stays old, what was dealt with
// is not work once more, and nothing else is lost.
#include <catch2/catch.hpp>

#include "connectors/email/imap/imap_limits.hpp"
#include "tests/connectors/imap/played_mailbox.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using namespace usher::message;
using namespace std::chrono_literals;
using Subjects = std::vector<std::string>;

namespace {

bool looked(const MailboxReader& reader) { return reader.status().last_poll.has_value(); }

Instant at(const char* time) { return *parse_rfc3339(time); }

// Looks through the mailbox once, for as long as `done` says that there is more to come.
void visit(const PlayedMailbox& box, Desk& desk, const std::function<bool()>& done = [] { return true; }, const Pace& pace = quick()) {
  MailboxReader reader(box.account(), desk.ports(), pace);
  REQUIRE(desk.wait([&] { return looked(reader) && done(); }));
}

}  // namespace

TEST_CASE("a new numbering brings no mail from before the first connection whatever the server's clock says", "[imap][rule-I3]") {
  const auto ahead = GENERATE(0min, 5min, -5min, 5h, -5h);
  INFO(ahead.count());
  PlayedMailbox box;
  Desk desk;
  const Instant first = at("2026-11-21T20:00:00Z");
  desk.set_clock(first);
  for (int i = 40; i > 0; --i) box.add(mail("old-" + std::to_string(i)), first + ahead - i * 40min);
  visit(box, desk);
  box.renumber();
  box.add(mail("new"), first + ahead + 30min);
  desk.set_clock(first + 1h);
  visit(box, desk);
  CHECK(desk.subjects() == Subjects{"new"});
}

TEST_CASE("a mail in the second of the last old one is taken in doubt", "[imap][rule-I3]") {
  PlayedMailbox box;
  Desk desk;
  const Instant first = at("2026-11-21T20:00:00Z");
  desk.set_clock(first);
  box.add(mail("older"), first - 1s);
  box.add(mail("old"), first);
  auto pace = quick();
  SECTION("while the second may not be over") {
    pace.calm_from = std::chrono::hours(1);
    visit(box, desk, [] { return true; }, pace);
    box.renumber();
    box.add(mail("new"), first);
    visit(box, desk);
    CHECK(desk.subjects() == Subjects{"old", "new"});
  }
  SECTION("and not once it is over") {
    visit(box, desk);
    box.renumber();
    box.add(mail("new"), first + 1s);
    visit(box, desk);
    CHECK(desk.subjects() == Subjects{"new"});
  }
}

TEST_CASE("an old mail with a made up date in the future hides no new one", "[imap][rule-I3]") {
  PlayedMailbox box;
  Desk desk;
  const Instant first = at("2026-11-21T20:00:00Z");
  desk.set_clock(first);
  const auto ahead = GENERATE(10min, 5h, 24h * 900);
  box.add(mail("copied"), first + ahead);
  box.add(mail("old"), first - 1min);
  visit(box, desk);
  box.renumber();
  box.add(mail("new"), first + 1min);
  desk.set_clock(first + 1h);
  visit(box, desk);
  CHECK(desk.subjects() == Subjects{"copied", "new"});
}

TEST_CASE("an import keeps its beginning over a new numbering", "[imap][rule-I3]") {
  PlayedMailbox box;
  Desk desk;
  const Instant first = at("2026-11-21T20:00:00Z");
  desk.set_clock(first);
  box.add(mail("too old"), first - 2h);
  box.add(mail("wanted"), first - 1h);
  auto account = box.account();
  account.import_since = first - 90min;
  {
    MailboxReader reader(account, desk.ports(), quick());
    REQUIRE(desk.wait([&] { return looked(reader); }));
  }
  box.renumber();
  MailboxReader reader(account, desk.ports(), quick());
  REQUIRE(desk.wait([&] { return looked(reader); }));
  CHECK(desk.subjects() == Subjects{"wanted", "wanted"});  // The second is a repeat by its id.
}

TEST_CASE("in a mailbox that was quiet for longer than repeats are known a new numbering brings nothing again", "[imap][rule-I3]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR";  // Polled, so it is looked through again behind the mail.
  Desk desk;
  const Instant first = at("2026-10-01T20:00:00Z");
  desk.set_clock(first);
  visit(box, desk);
  box.add(mail("one"), first + 1h);
  box.add(mail("two"), first + 2h);
  desk.set_clock(first + 2h);
  visit(box, desk, [&] { return desk.place.kept()->settled == first + 2h + 1s; });
  REQUIRE(desk.subjects() == Subjects{"one", "two"});
  box.renumber();
  SECTION("40 days later") {
    desk.set_clock(first + 24h * 40);
    box.add(mail("three"), first + 24h * 39);
    visit(box, desk);
    CHECK(desk.subjects() == Subjects{"one", "two", "three"});
  }
  SECTION("within the time in which the engine knows the repeats") {
    desk.set_clock(first + 24h * 20);
    visit(box, desk);
    CHECK(desk.subjects() == Subjects{"one", "two", "one", "two"});
  }
}

TEST_CASE("mails that were not dealt with before a long absence are taken over a new numbering", "[imap][rule-I3]") {
  PlayedMailbox box;
  Desk desk;
  const Instant newest = at("2026-10-01T20:00:00Z");
  // Saved behind a batch, in the midst of a burst: the end of the mailbox was not reached.
  desk.place.put({16, 50, newest, newest - 24h * 100, newest - 24h * 10});
  box.add(mail("late"), newest - 1min);
  box.add(mail("same second"), newest);
  desk.set_clock(newest + 24h * 40);
  visit(box, desk);
  CHECK(desk.subjects() == Subjects{"late", "same second"});
}

TEST_CASE("a mailbox put back from a copy while it is read goes on by date and loses no new mail", "[imap][rule-I3]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS";
  const bool dropped = GENERATE(true, false);
  INFO(dropped);
  std::atomic<bool> drop = false, refused = true;
  box.answers["NOOP"] = [&](Peer& peer, const std::string&, const std::string&) {
    if (!drop.exchange(false)) return false;
    peer.hang_up();
    return true;
  };
  // Owed to numbers that other mails will have.
  box.answers["UID STORE"] = [&](Peer& peer, const std::string& tag, const std::string&) { return refused && peer.say(tag + " NO not now\r\n"); };
  auto account = box.account();
  account.after = AfterIngest::erase;
  auto pace = quick();
  if (!dropped) pace.idle = std::chrono::milliseconds(10);
  Desk desk;
  desk.place.put({17, 1, at("2026-11-21T00:00:00Z")});
  box.add(mail("one"), at("2026-11-20T00:00:00Z"));
  for (const char* subject : {"two", "three"}) box.add(mail(subject));
  MailboxReader reader(account, desk.ports(), pace);
  REQUIRE(desk.wait([&] { return looked(reader) && desk.place.kept()->last == 3; }));
  // The new mail is not to be had at first: what is owed to its number must not remove it meanwhile.
  desk.answer({fail(Fault::unavailable, "no journal"), fail(Fault::unavailable, "no journal")});
  refused = false;
  box.put_back(2);
  box.add(mail("after"));
  drop = dropped;
  REQUIRE(desk.wait_for_mails(3));
  CHECK(desk.subjects() == Subjects{"two", "three", "after"});
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 2 && box.mails().size() == 1; }));
}

TEST_CASE("numbers that change while a new numbering is looked through pass over no mail of the days before", "[imap][rule-I3]") {
  PlayedMailbox box;
  const bool put_back = GENERATE(true, false);
  INFO(put_back);
  Desk desk;
  const Instant newest = at("2026-10-01T20:00:00Z"), now = newest + 24h * 10;
  desk.set_clock(now);
  desk.place.put({16, 50, newest, newest - 24h * 100, newest - 24h * 10});
  for (std::size_t i = 0; i < imap::limits::batch_mails; ++i) box.add(mail("today-" + std::to_string(i)), now - 1h);
  const std::string late = std::to_string(box.add(mail("late"), newest + 24h));
  std::atomic<bool> changed = false;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string&, const std::string& words) {
    if (!words.starts_with(late + " ") || changed.exchange(true)) return false;
    if (put_back) {
      box.put_back(40);
      box.add(mail("late"), newest + 24h);
    } else {
      box.renumber();
    }
    peer.hang_up();
    return true;
  };
  visit(box, desk);
  CHECK(changed);
  CHECK(desk.subjects().back() == "late");
  CHECK(desk.place.kept()->last == box.mails().rbegin()->first);
}

TEST_CASE("numbers that are far apart cost few searches", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  const Instant newest = at("2026-11-21T20:00:00Z");
  desk.set_clock(newest + 1h);
  for (int i = 50; i > 0; --i) box.add(mail("m" + std::to_string(i)), newest - i * 24h);
  box.add(mail("new"), newest);
  box.renumber(33'000'000);  // Up to 1.7 billion, as of a server that numbers by the time.
  desk.place.put({17, 51, newest - 1s, newest - 1s, {}});
  visit(box, desk);
  CHECK(desk.subjects() == Subjects{"new"});
  CHECK(box.times_heard("UID SEARCH") <= 2);
  box.add(mail("newer"), newest + 1min);
  visit(box, desk);
  CHECK(desk.subjects() == Subjects{"new", "newer"});
  CHECK(box.times_heard("UID SEARCH") <= 4);
}

TEST_CASE("one search finds no more mails than there is room for in its answer", "[imap]") {
  PlayedMailbox box;
  Desk desk;
  const Instant newest = at("2026-11-21T20:00:00Z");
  desk.set_clock(newest + 1h);
  constexpr Uid old = 2 * imap::limits::search_window + 2;
  for (Uid i = 1; i <= old; ++i) box.add("", newest - 24h * 90);
  box.add(mail("new"), newest);
  box.renumber(100);
  desk.place.put({17, 1, newest - 1s, newest - 1s, {}});
  visit(box, desk);
  CHECK(desk.subjects() == Subjects{"new"});
  CHECK(box.heard("UID SEARCH 100000,200000"));
  CHECK(box.heard("UID SEARCH UID 1:10000000 SINCE 20-Nov-2026"));
  CHECK(box.heard("UID SEARCH UID 10000001:20000000 SINCE 20-Nov-2026"));
  CHECK(box.heard("UID SEARCH UID 20000001:20000300 SINCE 20-Nov-2026"));
}
