// Mails that are durable ahead of the place: known for as long as they must be, and no longer.
#include <catch2/catch.hpp>

#include <utility>

#include "connectors/email/imap/durable_ahead.hpp"
#include "connectors/email/imap/imap_limits.hpp"
#include "tests/connectors/imap/played_mailbox.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using namespace usher::message;
using Subjects = std::vector<std::string>;

namespace {

BatchMail dealt_with(Uid uid, Fate fate = Fate::durable) { return {uid, fate, {}}; }

}  // namespace

TEST_CASE("a mailbox that is read for years remembers none of the mails behind its place", "[imap]") {
  DurableAhead ahead;
  Uid next = 1;
  for (int round = 0; round < 1000; ++round) {
    std::vector<BatchMail> batch;
    for (std::size_t i = 0; i < imap::limits::batch_mails; ++i) batch.push_back(dealt_with(next++));
    batch.front().fate = Fate::untaken;
    for (const BatchMail& mail : batch)
      if (mail.fate == Fate::durable) CHECK(ahead.add(mail.uid));
    CHECK(ahead.pass(batch) == 0);
    CHECK(ahead.size() == imap::limits::batch_mails - 1);
    batch.front().fate = Fate::durable;
    CHECK(ahead.add(batch.front().uid));
    CHECK(ahead.pass(batch) == batch.back().uid);
    CHECK(ahead.size() == 0);
  }
}

TEST_CASE("a durable mail is known until there is no gap before it", "[imap][rule-J1]") {
  DurableAhead ahead;
  for (const Uid uid : {2, 3, 5, 7}) CHECK(ahead.add(uid));
  CHECK_FALSE(ahead.add(3));
  CHECK(ahead.pass({dealt_with(1, Fate::untaken), dealt_with(2), dealt_with(3), dealt_with(4, Fate::untaken), dealt_with(5)}) == 0);
  for (const Uid uid : {2, 3, 5, 7}) CHECK(ahead.contains(uid));
  CHECK(ahead.pass({dealt_with(1), dealt_with(2), dealt_with(3), dealt_with(4, Fate::untaken), dealt_with(5)}) == 3);
  CHECK_FALSE(ahead.contains(2));
  CHECK_FALSE(ahead.contains(3));
  CHECK(ahead.contains(5));
  // Gone and passed over are dealt with as well.
  CHECK(ahead.pass({dealt_with(4, Fate::gone), dealt_with(5), dealt_with(6, Fate::passed_over)}) == 6);
  CHECK(ahead.size() == 1);
  CHECK(ahead.contains(7));
}

TEST_CASE("what is durable behind a gap comes once over a lost connection and names nothing in another numbering", "[imap][rule-J1][rule-I3]") {
  const bool renumbered = GENERATE(true, false);
  INFO(renumbered);
  PlayedMailbox box;
  Desk desk;
  desk.place.put({17, 0, *parse_rfc3339("2026-11-21T00:00:00Z")});
  box.add(mail("refused"));
  box.add(mail("taken"));
  auto ports = desk.ports();
  TakenDone refused;
  bool once = true;
  // The first one is refused when the second is durable.
  ports.sink = [&, accept = ports.sink](std::string bytes, Instant at, bool cut, TakenDone done) {
    if (once && bytes.find("Subject: refused") != std::string::npos) {
      once = false;
      refused = std::move(done);
      return;
    }
    accept(std::move(bytes), at, cut, std::move(done));
    if (refused) std::exchange(refused, {})(fail(Fault::unavailable, "no journal"));
  };
  std::atomic<int> fetched = 0;
  box.answers["UID FETCH"] = [&](Peer& peer, const std::string&, const std::string& words) {
    if (!words.starts_with("1 ") || words.find("BODY.PEEK") == std::string::npos || ++fetched != 2) return false;
    if (renumbered) {
      box.put_back(2);
      box.uid_validity = 18;
      box.add(mail("another"));
    }
    peer.hang_up();
    return true;
  };
  MailboxReader reader(box.account(), std::move(ports), quick());
  REQUIRE(desk.wait([&] { return desk.place.kept()->last == 2; }));
  CHECK(fetched >= 2);
  CHECK(desk.subjects() == (renumbered ? Subjects{"taken", "refused", "another"} : Subjects{"taken", "refused"}));
}
