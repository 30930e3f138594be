// Where a mailbox goes on, in the marks of a journal.
#include <catch2/catch.hpp>

#include "connectors/email/imap/mailbox_place.hpp"
#include "routing/journal/continued_journal.hpp"
#include "routing/journal/memory_journal.hpp"
#include "tests/journal/fake_clock.hpp"

using namespace usher::connectors::email::imap;
using usher::message::parse_rfc3339;

TEST_CASE("a place comes back from the journal as it was saved", "[imap][rule-I3]") {
  const usher::testing::FakeClock clock;
  usher::journal::MemoryJournal journal(clock);
  JournalPlace place(journal, 0, "support-mail");
  REQUIRE(place.load().has_value());
  CHECK_FALSE(place.load()->has_value());
  const Position position{1795330627, 4294967295, *parse_rfc3339("2026-11-21T18:57:59Z"), *parse_rfc3339("2026-11-01T00:00:01Z"),
                          *parse_rfc3339("2026-11-21T18:58:00Z")};
  place.save(position);
  CHECK(**place.load() == position);
  JournalPlace other(journal, 0, "sales-mail");
  CHECK_FALSE(other.load()->has_value());
}

TEST_CASE("a place outlives a crash once all of its marks do in whatever order they become durable", "[imap][rule-I3]") {
  const usher::testing::FakeClock clock;
  usher::journal::MemoryJournal journal(clock, usher::journal::Delivering::by_hand);
  JournalPlace place(journal, 0, "support-mail");
  CHECK(place.outlives_a_crash().value() == false);
  const Position position{17, 4, *parse_rfc3339("2026-11-21T18:57:59Z"), *parse_rfc3339("2026-11-01T00:00:01Z"), *parse_rfc3339("2026-11-21T18:58:00Z")};
  using usher::journal::Stream;
  const auto last = GENERATE(Stream::control, Stream::dead_letters, Stream::events, Stream::outbound);
  // The other marks, from a place that was saved before.
  for (const Stream stream : {Stream::control, Stream::dead_letters, Stream::events, Stream::outbound})
    if (stream != last) journal.save_cursor("imap/support-mail", stream, 0, 1);
  journal.deliver_all();
  CHECK(place.outlives_a_crash().value() == false);
  place.save(position);
  CHECK(place.load().value() == position);
  CHECK(place.outlives_a_crash().value() == false);
  journal.deliver_all();
  CHECK(place.outlives_a_crash().value() == true);
  journal.crash();
  CHECK(place.load().value() == position);
}

TEST_CASE("a numbering of 32 bits is known again by 31 of them", "[imap]") {
  const usher::testing::FakeClock clock;
  usher::journal::MemoryJournal journal(clock);
  JournalPlace place(journal, 0, "support-mail");
  place.save({4294967290, 7, *parse_rfc3339("2026-11-21T18:57:59Z")});
  const auto kept = **place.load();
  CHECK(kept.last == 7);
  CHECK(same_numbering(kept.uid_validity, 4294967290));
  CHECK_FALSE(same_numbering(kept.uid_validity, 4294967291));
}

TEST_CASE("a place that an earlier build saved is read", "[imap][rule-I3]") {
  const usher::testing::FakeClock clock;
  usher::journal::MemoryJournal journal(clock);
  const auto newest = *parse_rfc3339("2026-11-21T18:57:59Z");
  journal.save_cursor("imap/support-mail", usher::journal::Stream::outbound, 0, (usher::message::Offset{17} << 32) + 900);
  journal.save_cursor("imap/support-mail", usher::journal::Stream::events, 0, usher::message::unix_ms(newest) / 1000);
  JournalPlace place(journal, 0, "support-mail");
  CHECK(**place.load() == Position{17, 900, newest, {}, {}});
}
