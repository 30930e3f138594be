// What a journal adapter brings to be tested by journal_contract_test.cpp: a maker in journal_makers.cpp. The cases
// know nothing of adapters; a new one must pass them unchanged.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "routing/journal/journal.hpp"
#include "tests/journal/fake_clock.hpp"

namespace usher::testing {

class JournalUnderTest {
 public:
  virtual ~JournalUnderTest() = default;
  [[nodiscard]] virtual journal::Journal& journal() = 0;
  [[nodiscard]] FakeClock& clock() { return clock_; }
  // Ends the process and starts the next one, as far as the journal can tell. journal() may be another object then.
  virtual void reopen() = 0;
  virtual void erase_before(journal::Stream stream, message::Partition partition, message::Offset offset) = 0;
  // Between these two nothing is stored: appends wait in the queue, which takes `append_queue_max` of them.
  virtual void hold() = 0;
  virtual void release() = 0;
  // Lets an adapter that does nothing by itself do what waits.
  virtual void settle() {}

  static constexpr std::size_t append_queue_max = 64;

 private:
  FakeClock clock_;
};

struct JournalMaker {
  std::string name;
  bool queues = true;  // False: every append is stored before it returns, so hold() means nothing.
  std::function<std::unique_ptr<JournalUnderTest>()> make;
  bool tells_our_time = true;  // False: records get the time of a server's clock, which no test can set.
};
[[nodiscard]] std::vector<JournalMaker> journal_makers();

// Appends and waits for the answer.
inline message::Result<journal::Appended> append(JournalUnderTest& subject, journal::Stream stream,
                                                 message::Partition partition, journal::Entry entry) {
  auto answer = std::make_shared<std::promise<message::Result<journal::Appended>>>();
  auto future = answer->get_future();
  subject.journal().append(stream, partition, std::move(entry), [answer](message::Result<journal::Appended> outcome) {
    answer->set_value(std::move(outcome));
  });
  subject.settle();
  return future.get();
}

}  // namespace usher::testing
