// What MemoryJournal has beyond the contract: events by hand, faults and crashes for the simulation.
#include "routing/journal/memory_journal.hpp"

#include <catch2/catch.hpp>

#include "tests/journal/fake_clock.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::journal;
using usher::testing::FakeClock;

namespace {

struct ByHand {
  FakeClock clock;
  MemoryJournal journal{clock, Delivering::by_hand};
  int answers = 0;
  int refusals = 0;

  void append(const std::string& value) {
    journal.append(Stream::inbound, 0, {"", "", value},
                   [this](const auto& outcome) { ++(outcome ? answers : refusals); });
  }
  std::size_t stored() { return journal.read(Stream::inbound, 0, 0, 100).value().size(); }
};

}  // namespace

TEST_CASE("by hand, an append is stored, wakes its reader and is answered one step at a time", "[journal]") {
  ByHand by_hand;
  int woken = 0;
  by_hand.journal.on_append(Stream::inbound, 0, [&] { ++woken; });
  by_hand.append("x");
  CHECK(by_hand.stored() == 0);
  CHECK(by_hand.journal.deliver_one());
  CHECK(by_hand.stored() == 1);
  CHECK(woken == 0);
  CHECK(by_hand.journal.deliver_one());
  CHECK(woken == 1);
  CHECK(by_hand.answers == 0);
  CHECK(by_hand.journal.deliver_one());
  CHECK(by_hand.answers == 1);
  CHECK_FALSE(by_hand.journal.deliver_one());
}

TEST_CASE("a crash keeps what was stored, forgets what was not, and answers neither", "[journal]") {
  ByHand by_hand;
  by_hand.append("stored");
  by_hand.append("lost");
  CHECK(by_hand.journal.deliver_one());
  by_hand.journal.crash();
  CHECK(by_hand.journal.deliver_all() == 0);
  CHECK(by_hand.answers == 0);
  CHECK(by_hand.stored() == 1);
  by_hand.append("next");
  by_hand.journal.deliver_all();
  CHECK(by_hand.answers == 1);
  CHECK(by_hand.stored() == 2);
}

TEST_CASE("a cursor that was not made durable is as before after a crash", "[journal]") {
  ByHand by_hand;
  by_hand.journal.save_cursor("egress", Stream::inbound, 0, 4);
  by_hand.journal.deliver_all();
  by_hand.journal.save_cursor("egress", Stream::inbound, 0, 9);
  CHECK(by_hand.journal.cursor("egress", Stream::inbound, 0).value() == 9);
  CHECK(by_hand.journal.durable_cursor("egress", Stream::inbound, 0).value() == 4);
  by_hand.journal.crash();
  CHECK(by_hand.journal.cursor("egress", Stream::inbound, 0).value() == 4);
}

TEST_CASE("an append told to fail is refused, stored or not as told", "[journal]") {
  ByHand by_hand;
  by_hand.journal.fail_next_appends(1, Applied::no);
  by_hand.append("absent");
  by_hand.journal.deliver_all();
  CHECK(by_hand.refusals == 1);
  CHECK(by_hand.stored() == 0);
  by_hand.journal.fail_next_appends(1, Applied::yes);
  by_hand.append("found later");
  by_hand.journal.deliver_all();
  CHECK(by_hand.refusals == 2);
  CHECK(by_hand.stored() == 1);
  by_hand.append("sound");
  by_hand.journal.deliver_all();
  CHECK(by_hand.answers == 1);
  by_hand.journal.fail_next_reads(1);
  CHECK_FALSE(by_hand.journal.bounds(Stream::inbound, 0));
  CHECK(by_hand.journal.bounds(Stream::inbound, 0));
}
