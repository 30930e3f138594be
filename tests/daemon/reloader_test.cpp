// Reloader: what signals become, and that nobody waits for one who waits.
#include "daemon/reloader.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/node_policy.hpp"
#include "routing/journal/memory_journal.hpp"
#include "routing/state/memory_store.hpp"
#include "tests/daemon/wrapped_journal.hpp"
#include "tests/message/show_result.hpp"

using namespace usher;
using namespace usher::daemon;

namespace {

// Reloads that end when the test says so.
struct Bench {
  std::mutex mutex;
  std::vector<std::string> told;  // Guarded by mutex.
  std::atomic<int> begun{0}, ended{0};
  std::promise<void> first_may_end;
  std::shared_future<void> gate = first_may_end.get_future().share();
  std::atomic<bool> good{true};
  Reloader reloader{[this] {
                      ++begun;
                      gate.wait();
                      ++ended;
                      return good.load();
                    },
                    [this](std::string_view state) {
                      const std::lock_guard lock(mutex);
                      told.emplace_back(state);
                    }};

  std::vector<std::string> heard() {
    const std::lock_guard lock(mutex);
    return told;
  }
  void until(const std::atomic<int>& count, int wanted) const {
    while (count < wanted) std::this_thread::yield();
  }
};

class Nowhere final : public delivery::Delivery {
 public:
  void send(const engine::AgentFrame&) override {}
  void service(bool) override {}
};

// Takes every record and never says so.
class Silent final : public usher::testing::WrappedJournal {
 public:
  using WrappedJournal::WrappedJournal;
  void append(journal::Stream, Partition, journal::Entry, journal::AppendDone) override { asked = true; }
  std::atomic<bool> asked{false};
};

}  // namespace

TEST_CASE("any number of signals during a reload leads to one more after it", "[reload]") {
  Bench bench;
  bench.reloader.ask();
  bench.until(bench.begun, 1);
  for (int i = 0; i < 100; ++i) bench.reloader.ask();  // Returns at once: the reload under way holds nobody up.
  CHECK(bench.ended == 0);
  bench.first_may_end.set_value();
  bench.until(bench.ended, 2);
  bench.reloader.ask();
  bench.until(bench.ended, 3);
  CHECK(bench.begun == 3);
}

TEST_CASE("systemd is told when a reload begins and what came of it", "[reload]") {
  Bench bench;
  bench.first_may_end.set_value();
  bench.reloader.ask();
  while (bench.heard().size() < 2) std::this_thread::yield();
  CHECK(bench.heard()[0].find("RELOADING=1\nMONOTONIC_USEC=") == 0);
  CHECK(bench.heard()[1] == "READY=1\nSTATUS=routing");
  bench.good = false;
  bench.reloader.ask();
  while (bench.heard().size() < 4) std::this_thread::yield();
  CHECK(bench.heard()[3] == "READY=1\nSTATUS=the last reload was refused");
}

TEST_CASE("a stop drops the reload that waits and lets the one under way say nothing more", "[reload]") {
  Bench bench;
  bench.reloader.ask();
  bench.until(bench.begun, 1);
  bench.reloader.ask();
  bench.reloader.close();  // Does not wait: the test would hang here.
  bench.first_may_end.set_value();
  bench.until(bench.ended, 1);
  bench.reloader.ask();
  CHECK(bench.begun == 1);
  CHECK(bench.heard().size() == 1);
}

TEST_CASE("a policy that waits for a journal without an answer is given up as soon as the process stops", "[reload]") {
  SystemClock clock;
  journal::MemoryJournal journal(clock);
  state::MemoryStore store(state::Delivering::at_once, &journal);
  Nowhere nowhere;
  router::RouterThread router({0, RouterId("r"), 0}, {journal, store, nowhere, clock});
  Silent silent(journal);
  std::atomic<bool> stopping{false};
  const PolicyPorts ports{silent, router, 0, [&] { return stopping.load(); }};
  auto outcome = std::async(std::launch::async, [&] { return activate_policy(ports, Policy{}, std::chrono::hours(1)); });
  while (!silent.asked) std::this_thread::yield();
  stopping = true;
  const auto given_up = outcome.get();
  REQUIRE_FALSE(given_up);
  CHECK(given_up.error().detail == "the process is stopping");
}

TEST_CASE("a policy that waits for a router without an engine is given up as soon as the process stops", "[reload]") {
  SystemClock clock;
  journal::MemoryJournal journal(clock);
  state::MemoryStore store(state::Delivering::at_once, &journal);
  store.fail_next_calls(1'000'000'000);
  Nowhere nowhere;
  router::RouterThread router({0, RouterId("r"), 0}, {journal, store, nowhere, clock});
  std::atomic<int> asked{0};
  const PolicyPorts ports{journal, router, 0, [&] { return ++asked > 20; }};
  const auto given_up = activate_policy(ports, Policy{}, std::chrono::hours(1));
  REQUIRE_FALSE(given_up);
  CHECK(given_up.error().detail == "the process is stopping");
}
