// What MemoryStore has beyond the contract: events by hand, faults, crashes and loss for the simulation.
#include "routing/state/memory_store.hpp"

#include <catch2/catch.hpp>

#include "tests/journal/show_result.hpp"

using namespace usher::state;

namespace {

struct ByHand {
  MemoryStore store{Delivering::by_hand};
  int answers = 0;
  int refusals = 0;

  ByHand() { REQUIRE(store.initialise(0)); }
  void commit(Offset before, Offset after) {
    Commit wanted;
    wanted.before = {before < 0 ? offset_none : 0, before};
    wanted.after.position = {0, after};
    store.commit(wanted, [this](const auto& outcome) { ++(outcome ? answers : refusals); });
  }
  Offset position() { return store.load_meta(0).value()->position.offset; }
};

}  // namespace

TEST_CASE("by hand, a commit is applied and answered in two steps", "[state]") {
  ByHand by_hand;
  by_hand.commit(-1, 3);
  CHECK(by_hand.position() == -1);
  CHECK(by_hand.store.deliver_one());
  CHECK(by_hand.position() == 3);
  CHECK(by_hand.answers == 0);
  CHECK(by_hand.store.deliver_one());
  CHECK(by_hand.answers == 1);
}

TEST_CASE("after a crash a commit is there or not, and is never answered", "[state]") {
  ByHand by_hand;
  by_hand.commit(-1, 3);
  by_hand.store.crash();
  CHECK(by_hand.position() == -1);
  by_hand.commit(-1, 4);
  by_hand.store.deliver_one();
  by_hand.store.crash();
  CHECK(by_hand.store.deliver_all() == 0);
  CHECK(by_hand.position() == 4);
  CHECK(by_hand.answers + by_hand.refusals == 0);
}

TEST_CASE("a commit told to fail answers unavailable, applied or not as told", "[state]") {
  ByHand by_hand;
  by_hand.store.fail_next_commits(1, Applied::no);
  by_hand.commit(-1, 3);
  by_hand.store.deliver_all();
  CHECK(by_hand.position() == -1);
  by_hand.store.fail_next_commits(1, Applied::yes);
  by_hand.commit(-1, 3);
  by_hand.store.deliver_all();
  CHECK(by_hand.position() == 3);
  CHECK(by_hand.refusals == 2);
  by_hand.store.fail_next_calls(1);
  CHECK_FALSE(by_hand.store.load(0));
  CHECK(by_hand.store.load(0));
}

TEST_CASE("a wiped store has no state, and refuses every commit", "[state]") {
  ByHand by_hand;
  by_hand.store.wipe();
  CHECK_FALSE(by_hand.store.load_meta(0)->has_value());
  by_hand.commit(-1, 3);
  by_hand.store.deliver_all();
  CHECK(by_hand.refusals == 1);
  CHECK(by_hand.store.initialise(0));
}
