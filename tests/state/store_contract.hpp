// What a state store adapter brings to be tested by store_contract_test.cpp: a maker in store_makers.cpp. The cases
// know nothing of adapters; a new one must pass them unchanged.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "routing/state/state_store.hpp"
#include "tests/journal/fake_clock.hpp"

namespace usher::testing {

class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  [[nodiscard]] virtual state::StateStore& store() = 0;
  // Where a store that publishes its outbox itself puts it.
  [[nodiscard]] virtual journal::Journal& journal() = 0;
  [[nodiscard]] FakeClock& clock() { return clock_; }
  // Ends the process and starts the next one, as far as the store can tell. store() may be another object then.
  virtual void reopen() = 0;
  // Changes one bit of a text behind the store's back. False: there is none, or nothing here can.
  virtual bool change_text(message::MessageId) { return false; }
  // Lets an adapter that does nothing by itself do what waits.
  virtual void settle() {}

 private:
  FakeClock clock_;
};

struct StoreMaker {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};
[[nodiscard]] std::vector<StoreMaker> store_makers();

using CommitOutcome = message::Result<state::CommitReceipt>;

inline std::future<CommitOutcome> begin_commit(StoreUnderTest& subject, state::Commit commit) {
  auto answer = std::make_shared<std::promise<CommitOutcome>>();
  auto future = answer->get_future();
  subject.store().commit(std::move(commit), [answer](CommitOutcome outcome) { answer->set_value(std::move(outcome)); });
  return future;
}

// Commits and waits for the answer.
inline CommitOutcome commit(StoreUnderTest& subject, state::Commit wanted) {
  auto answer = begin_commit(subject, std::move(wanted));
  subject.settle();
  return answer.get();
}

}  // namespace usher::testing
