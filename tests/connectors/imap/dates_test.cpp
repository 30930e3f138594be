// MailboxDates alone: which arrival times are certainly old.
#include <catch2/catch.hpp>

#include "connectors/email/imap/mailbox_dates.hpp"

using namespace usher::connectors::email::imap;
using namespace usher::message;
using namespace std::chrono_literals;

namespace {

Instant at(const char* time) { return *parse_rfc3339(time); }

}  // namespace

TEST_CASE("a place of an earlier build goes on from the day before its newest mail", "[imap][rule-I3]") {
  MailboxDates dates;
  const Instant newest = at("2026-10-01T20:00:00Z");
  dates.go_on({17, 5, newest});
  CHECK(dates.new_from(newest + 1h) == newest - 24h);
  CHECK(dates.new_from(newest + 24h * 40) == newest - 24h);
  // A day later the second of its newest mail is past by any clock.
  CHECK_FALSE(dates.looked_through(newest + 1h, true));
  CHECK(dates.looked_through(newest + 25h, true));
  CHECK(dates.at(17, 5) == Position{17, 5, newest, {}, newest + 1s});
  CHECK(dates.new_from(newest + 1h) == newest - 24h);
  CHECK(dates.new_from(newest + 24h * 40) == newest + 1s);
  CHECK_FALSE(dates.looked_through(newest + 26h, true));
}

TEST_CASE("restarts move no date beyond the newest mail", "[imap][rule-I3]") {
  const Instant newest = at("2026-10-01T20:00:00Z");
  Position kept{17, 5, newest, {}, {}};
  for (int i = 0; i < 100; ++i) {
    MailboxDates dates;
    dates.go_on(kept);
    static_cast<void>(dates.looked_through(newest + 48h, true));
    kept = dates.at(17, 5);
  }
  CHECK(kept == Position{17, 5, newest, {}, newest + 1s});
}

TEST_CASE("the second of a mail is over only behind a calm while", "[imap][rule-I3]") {
  MailboxDates dates;
  const Instant now = at("2026-10-01T20:00:00Z");
  dates.begin({}, now - 1h);
  dates.took(now, now);
  CHECK_FALSE(dates.looked_through(now, false));
  CHECK(dates.looked_through(now, true));
  CHECK(dates.at(1, 1).settled == now + 1s);
}

TEST_CASE("a mail of a server whose clock is ahead counts in full once that time is past", "[imap][rule-I3]") {
  MailboxDates dates;
  const Instant now = at("2026-10-01T20:00:00Z");
  dates.begin({}, now - 1h);
  dates.took(now + 3s, now);
  CHECK(dates.at(1, 1).newest == now);
  CHECK(dates.looked_through(now + 20s, true));
  CHECK(dates.at(1, 1) == Position{1, 1, now + 3s, {}, now + 4s});
  dates.took(now + 24h * 900, now + 30s);
  CHECK(dates.at(1, 1).newest == now + 30s);
}
