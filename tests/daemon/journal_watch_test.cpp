// JournalWatch: what an edge says of its journal.
#include "daemon/journal_watch.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "routing/journal/memory_journal.hpp"
#include "tests/daemon/wrapped_journal.hpp"

using namespace usher::daemon;
using usher::journal::Applied;
using usher::journal::MemoryJournal;
using usher::journal::Stream;

namespace {

// A journal whose questions fail when the test says so.
class Mute final : public usher::testing::WrappedJournal {
 public:
  using WrappedJournal::WrappedJournal;
  Result<usher::journal::Bounds> bounds(Stream stream, Partition partition) override {
    ++asked;
    if (silences > 0) {
      --silences;
      return fail(Fault::unavailable, "broker away");
    }
    return WrappedJournal::bounds(stream, partition);
  }

  std::atomic<int> silences{0};
  std::atomic<int> asked{0};
};

struct Watched {
  SystemClock clock;
  MemoryJournal journal{clock};
  Mute mute{journal};

  // Returns once `wanted` holds; a test that waits for ever is ended by its runner.
  template <class Wanted>
  static void until(Wanted wanted) {
    while (!wanted()) std::this_thread::yield();
  }
  static void append(JournalWatch& watch) {
    watch.append(Stream::inbound, 0, {"id", "type", "value"}, [](const Result<usher::journal::Appended>&) {});
  }
};

}  // namespace

TEST_CASE("a journal that stops answering is seen without any traffic, and its return too", "[watch]") {
  Watched world;
  JournalWatch watch(world.mute, 0, Milliseconds(1));
  Watched::until([&] { return world.mute.asked > 2; });
  CHECK(watch.trouble().empty());
  world.mute.silences = 1'000'000'000;
  Watched::until([&] { return !watch.trouble().empty(); });
  CHECK(watch.trouble() == "journal: no answer: broker away");
  world.mute.silences = 0;
  Watched::until([&] { return watch.trouble().empty(); });
}

TEST_CASE("one question without an answer is no outage", "[watch]") {
  Watched world;
  world.mute.silences = 1;
  JournalWatch watch(world.mute, 0, std::chrono::hours(1));
  Watched::until([&] { return world.mute.asked > 0; });
  CHECK(watch.trouble().empty());
}

TEST_CASE("a journal that answers and does not write is trouble until the next record is taken", "[watch]") {
  Watched world;
  JournalWatch watch(world.mute, 0, std::chrono::hours(1));
  Watched::append(watch);
  CHECK(watch.trouble().empty());
  world.journal.fail_next_appends(1, Applied::no);
  Watched::append(watch);
  CHECK(watch.trouble().find("journal: nothing is written: ") == 0);
  Watched::append(watch);
  CHECK(watch.trouble().empty());
}

TEST_CASE("a full queue is load and not an outage, and a late outcome may come after the watch", "[watch]") {
  const SystemClock clock;
  MemoryJournal journal(clock, usher::journal::Delivering::by_hand, 1);
  auto watch = std::make_unique<JournalWatch>(journal, 0, std::chrono::hours(1));
  int outcomes = 0;
  const auto append = [&] {
    watch->append(Stream::inbound, 0, {"id", "type", "value"}, [&](const Result<usher::journal::Appended>&) { ++outcomes; });
  };
  append();
  append();
  CHECK(outcomes == 1);
  CHECK(watch->trouble().empty());
  watch.reset();
  static_cast<void>(journal.deliver_all());
  CHECK(outcomes == 2);
}
