// What the cases about Kafka have in common: appending with an answer, and looking until something is so.
#pragma once

#include <chrono>
#include <future>
#include <memory>

#include "tests/journal/kafka_server.hpp"

namespace usher::testing {

using Answer = std::future<message::Result<journal::Appended>>;

inline Answer start_append(journal::Journal& journal, journal::Stream stream, const std::string& value) {
  auto answer = std::make_shared<std::promise<message::Result<journal::Appended>>>();
  auto future = answer->get_future();
  journal.append(stream, 0, {"id-" + value, "usher.test.v1", value},
                 [answer](message::Result<journal::Appended> outcome) { answer->set_value(std::move(outcome)); });
  return future;
}

inline message::Result<journal::Appended> append(journal::Journal& journal, journal::Stream stream, const std::string& value) {
  return start_append(journal, stream, value).get();
}

// True once `truth` is; looks for half a minute at most. What is looked at waits by itself (a read, a question).
template <class Truth>
bool eventually(const Truth& truth) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  do {
    if (truth()) return true;
    std::promise<void> never;
    never.get_future().wait_for(std::chrono::milliseconds(10));
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

// False as well when the broker does not answer just now: that is no reason to end a test that looks again.
inline bool has_cursor(journal::Journal& journal, message::Offset next) {
  const auto seen = journal.cursor("egress", journal::Stream::outbound, 0);
  return seen && *seen == next;
}

// Everything from `from` on, as a router reads it: batch by batch, until nothing is left; what is not available is asked for
// again, since a broker that was away may need longer to come back than one read waits.
inline std::vector<std::string> read_all(journal::Journal& journal, journal::Stream stream, message::Offset from = 0,
                                         std::size_t batch = 256) {
  std::vector<std::string> values;
  for (;;) {
    message::Result<std::vector<journal::Stored>> records = message::fail(message::Fault::unavailable, "not asked yet");
    const bool answered = eventually([&] {
      records = journal.read(stream, 0, from, batch);
      return records || records.error().fault != message::Fault::unavailable;
    });
    message::expect(answered && records, "the journal can be read");
    if (records->empty()) return values;
    for (const auto& record : *records) values.push_back(record.entry.value);
    from = records->back().offset + 1;
  }
}

inline std::vector<std::string> numbers(int count, int from = 0) {
  std::vector<std::string> values;
  for (int i = from; i < count; ++i) values.push_back(std::to_string(i));
  return values;
}

}  // namespace usher::testing
