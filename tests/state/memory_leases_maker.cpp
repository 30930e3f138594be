// The leases of test_state: in memory, on a clock that goes when the test says so.
#include "routing/state/memory_leases.hpp"
#include "tests/journal/fake_clock.hpp"
#include "tests/state/leases_contract.hpp"

namespace usher::testing {

namespace {

class MemoryLeasesUnderTest final : public LeasesUnderTest {
 public:
  state::Leases& leases() override { return leases_; }
  state::Leases& elsewhere() override { return leases_; }
  void pass(message::Milliseconds time) override { clock_.pass(time.count()); }

 private:
  FakeClock clock_;
  state::MemoryLeases leases_{clock_};
};

}  // namespace

std::vector<LeasesMaker> leases_makers() {
  return {{"memory", [] { return std::make_unique<MemoryLeasesUnderTest>(); }}};
}

}  // namespace usher::testing
