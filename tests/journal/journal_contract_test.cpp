// The contract of routing/journal/journal.hpp, case by case, over every adapter of journal_makers.cpp.
#include "tests/journal/journal_contract.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "routing/message/limits.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::message;
using namespace usher::testing;
using usher::journal::Appended;
using usher::journal::Entry;
using usher::journal::Stored;
using usher::journal::Stream;

namespace {

Entry entry(const std::string& value) { return {"id-" + value, "usher.test.v1", value}; }

std::vector<std::string> values(const Result<std::vector<Stored>>& records) {
  std::vector<std::string> found;
  for (const auto& record : records.value()) found.push_back(record.entry.value);
  return found;
}

// A mark is durable soon after it was saved.
bool becomes_durable(usher::journal::Journal& journal, const std::string& consumer, Offset next) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (journal.durable_cursor(consumer, Stream::outbound, 0).value() != next) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

#define FOR_EVERY_JOURNAL                                    \
  const auto maker = GENERATE(from_range(journal_makers())); \
  INFO(maker.name);                                          \
  auto subject = maker.make()

}  // namespace

TEST_CASE("a journal nobody wrote to is empty and can be read from its beginning", "[journal]") {
  FOR_EVERY_JOURNAL;
  const auto bounds = subject->journal().bounds(Stream::inbound, 3);
  REQUIRE(bounds);
  CHECK(bounds->first == bounds->end);
  CHECK(values(subject->journal().read(Stream::inbound, 3, bounds->first, 10)).empty());
  CHECK(values(subject->journal().read(Stream::inbound, 0, 0, 10)).empty());
}

TEST_CASE("records are read in the order they were appended, each stream and partition for itself", "[journal]") {
  FOR_EVERY_JOURNAL;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(append(*subject, Stream::inbound, 0, entry("a" + std::to_string(i))));
    REQUIRE(append(*subject, Stream::inbound, 1, entry("b" + std::to_string(i))));
    REQUIRE(append(*subject, Stream::events, 0, entry("c" + std::to_string(i))));
  }
  for (const auto& [stream, partition, letter] :
       {std::tuple(Stream::inbound, 0, "a"), std::tuple(Stream::inbound, 1, "b"), std::tuple(Stream::events, 0, "c")}) {
    const auto bounds = subject->journal().bounds(stream, partition);
    REQUIRE(bounds);
    const auto records = subject->journal().read(stream, partition, bounds->first, 100);
    REQUIRE(records);
    REQUIRE(records->size() == 20);
    for (std::size_t i = 0; i < 20; ++i) {
      CHECK((*records)[i].entry == entry(letter + std::to_string(i)));
      if (i > 0) CHECK((*records)[i].offset > (*records)[i - 1].offset);
      CHECK((*records)[i].offset < bounds->end);
    }
    CHECK(values(subject->journal().read(stream, partition, (*records)[7].offset, 2)) ==
          std::vector<std::string>{letter + std::to_string(7), letter + std::to_string(8)});
    CHECK(values(subject->journal().read(stream, partition, bounds->end, 10)).empty());
  }
}

TEST_CASE("the offset and time of the answer are those of the record", "[journal]") {
  FOR_EVERY_JOURNAL;
  const auto appended = append(*subject, Stream::outbound, 0, entry("x"));
  REQUIRE(appended);
  const auto records = subject->journal().read(Stream::outbound, 0, appended->offset, 1);
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  CHECK(records->front().offset == appended->offset);
  CHECK(records->front().appended_at == appended->appended_at);
}

TEST_CASE("appends of many threads get an offset each, in the order of each thread", "[journal]") {
  FOR_EVERY_JOURNAL;
  constexpr int threads = 4;
  constexpr int each = 12;  // 48 in all fit the queue.
  std::mutex mutex;
  std::map<Offset, std::string> given;
  std::atomic<int> answers{0};
  std::vector<std::thread> callers;
  for (int thread = 0; thread < threads; ++thread)
    callers.emplace_back([&, thread] {
      for (int i = 0; i < each; ++i)
        subject->journal().append(Stream::inbound, 0, entry(std::to_string(thread) + ":" + std::to_string(100 + i)),
                                  [&, value = std::to_string(thread) + ":" + std::to_string(100 + i)](auto outcome) {
                                    {
                                      const std::lock_guard lock(mutex);
                                      if (outcome) given[outcome->offset] = value;
                                    }
                                    ++answers;
                                  });
    });
  for (auto& caller : callers) caller.join();
  subject->settle();
  REQUIRE(append(*subject, Stream::inbound, 0, entry("last")));  // Answers come in order, so all the others are in.
  CHECK(answers == threads * each);
  REQUIRE(given.size() == threads * each);
  std::map<char, std::string> newest;
  for (const auto& [offset, value] : given) {
    CHECK(newest[value.front()] < value);
    newest[value.front()] = value;
  }
}

TEST_CASE("an acknowledged append survives reopening", "[journal]") {
  FOR_EVERY_JOURNAL;
  const auto appended = append(*subject, Stream::inbound, 0, entry("kept"));
  REQUIRE(appended);
  subject->reopen();
  const auto records = subject->journal().read(Stream::inbound, 0, appended->offset, 10);
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  CHECK(records->front() == Stored{appended->offset, appended->appended_at, entry("kept")});
}

TEST_CASE("an offset is never given twice, though the newest records were erased and the journal reopened",
          "[journal]") {
  FOR_EVERY_JOURNAL;
  Offset last = -1;
  for (int i = 0; i < 5; ++i) last = append(*subject, Stream::inbound, 0, entry("x")).value().offset;
  subject->erase_before(Stream::inbound, 0, last + 1);
  CHECK(subject->journal().bounds(Stream::inbound, 0).value().first == last + 1);
  CHECK(subject->journal().bounds(Stream::inbound, 0).value().end == last + 1);
  subject->reopen();
  CHECK(subject->journal().bounds(Stream::inbound, 0).value().end == last + 1);
  CHECK(append(*subject, Stream::inbound, 0, entry("y")).value().offset > last);
}

TEST_CASE("reading below the oldest record fails closed", "[journal]") {
  FOR_EVERY_JOURNAL;
  std::vector<Offset> offsets;
  for (int i = 0; i < 6; ++i)
    offsets.push_back(append(*subject, Stream::inbound, 0, entry(std::to_string(i))).value().offset);
  subject->erase_before(Stream::inbound, 0, offsets[3]);
  CHECK(subject->journal().bounds(Stream::inbound, 0).value().first == offsets[3]);
  const auto below = subject->journal().read(Stream::inbound, 0, offsets[2], 10);
  REQUIRE_FALSE(below);
  CHECK(below.error().fault == Fault::not_found);
  CHECK(values(subject->journal().read(Stream::inbound, 0, offsets[3], 10)) == std::vector<std::string>{"3", "4", "5"});
}

TEST_CASE("append time never decreases and goes on while the wall clock is behind", "[journal]") {
  const auto maker =
      GENERATE(filter([](const JournalMaker& each) { return each.tells_our_time; }, from_range(journal_makers())));
  INFO(maker.name);
  auto subject = maker.make();
  const auto first = append(*subject, Stream::inbound, 0, entry("1")).value().appended_at;
  CHECK(first == subject->clock().wall());
  subject->clock().pass(1000);
  subject->clock().step(-3'600'000);
  const auto second = append(*subject, Stream::inbound, 0, entry("2")).value().appended_at;
  CHECK(second - first == Milliseconds(1000));
  subject->clock().pass(500);
  const auto third = append(*subject, Stream::inbound, 0, entry("3")).value().appended_at;
  CHECK(third - second == Milliseconds(500));
  subject->reopen();
  const auto fourth = append(*subject, Stream::inbound, 0, entry("4")).value().appended_at;
  CHECK(fourth >= third);
  subject->clock().step(3'600'000 + 60'000);
  const auto fifth = append(*subject, Stream::inbound, 0, entry("5")).value().appended_at;
  CHECK(fifth == subject->clock().wall());
}

TEST_CASE("append time does not decrease though every record was erased and the journal reopened", "[journal]") {
  FOR_EVERY_JOURNAL;
  const auto before = append(*subject, Stream::inbound, 0, entry("1")).value();
  subject->erase_before(Stream::inbound, 0, before.offset + 1);
  subject->clock().step(-3'600'000);
  subject->reopen();
  CHECK(append(*subject, Stream::inbound, 0, entry("2")).value().appended_at >= before.appended_at);
}

TEST_CASE("a record is kept byte for byte, poison or not", "[journal]") {
  FOR_EVERY_JOURNAL;
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte.push_back(static_cast<char>(i));
  std::string large(limits::record_bytes_max, '\xff');
  large.front() = '\0';
  large.back() = '\0';
  std::vector<Entry> poison{{"", "", ""},
                            {"id", "type", std::string("\0", 1)},
                            {std::string("a\0b", 3), std::string("\xff\xfe", 2), every_byte},
                            {"id", "type", "\xed\xa0\x80"},
                            {"id", "type", large}};
  for (const auto& each : poison) REQUIRE(append(*subject, Stream::dead_letters, 0, each));
  subject->reopen();
  const auto records = subject->journal().read(Stream::dead_letters, 0, 0, 100);
  REQUIRE(records);
  REQUIRE(records->size() == poison.size());
  for (std::size_t i = 0; i < poison.size(); ++i) CHECK(((*records)[i].entry == poison[i]));
}

TEST_CASE("a record over the limit is refused and leaves no trace", "[journal]") {
  FOR_EVERY_JOURNAL;
  const Entry too_large[] = {{"id", "type", std::string(limits::record_bytes_max + 1, 'x')},
                             {std::string(limits::short_field_bytes_max + 1, 'x'), "type", ""},
                             {"id", std::string(limits::short_field_bytes_max + 1, 'x'), ""}};
  for (const auto& each : too_large) {
    const auto refused = append(*subject, Stream::inbound, 0, each);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::too_large);
  }
  CHECK(subject->journal().bounds(Stream::inbound, 0).value().end == 0);
}

TEST_CASE("a full queue refuses as overloaded, answers everything once, and takes appends again", "[journal]") {
  const auto maker =
      GENERATE(filter([](const JournalMaker& each) { return each.queues; }, from_range(journal_makers())));
  INFO(maker.name);
  auto subject = maker.make();
  constexpr auto offered = JournalUnderTest::append_queue_max + 10;
  std::mutex mutex;
  std::vector<int> answers(offered, 0);
  std::vector<std::optional<Fault>> faults(offered);
  std::latch answered(offered);
  subject->hold();
  for (std::size_t i = 0; i < offered; ++i)
    subject->journal().append(Stream::inbound, 0, entry(std::to_string(i)), [&, i](const auto& outcome) {
      {
        const std::lock_guard lock(mutex);
        if (++answers[i] > 1) return;
        if (!outcome) faults[i] = outcome.error().fault;
      }
      answered.count_down();
    });
  subject->release();
  answered.wait();
  REQUIRE(append(*subject, Stream::inbound, 0, entry("after")));
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < offered; ++i) {
    CHECK(answers[i] == 1);
    CHECK(faults[i] == (i < JournalUnderTest::append_queue_max ? std::nullopt : std::optional(Fault::overloaded)));
  }
  CHECK(values(subject->journal().read(Stream::inbound, 0, 0, 1000)).size() == JournalUnderTest::append_queue_max + 1);
}

TEST_CASE("a reader is woken after its record can be read, and only for its own stream and partition", "[journal]") {
  FOR_EVERY_JOURNAL;
  std::atomic<int> woken{0};
  std::atomic<int> woken_too_early{0};
  std::atomic<int> other{0};
  subject->journal().on_append(Stream::inbound, 0, [&] {
    ++woken;
    const auto records = subject->journal().read(Stream::inbound, 0, 0, 10);
    if (!records || records->size() != static_cast<std::size_t>(woken)) ++woken_too_early;
  });
  subject->journal().on_append(Stream::inbound, 1, [&] { ++other; });
  subject->journal().on_append(Stream::outbound, 0, [&] { ++other; });
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(append(*subject, Stream::inbound, 0, entry("x")));
    CHECK(woken == i);
  }
  CHECK(woken_too_early == 0);
  CHECK(other == 0);
}

TEST_CASE("a consumer's cursor is where it was left, also after reopening", "[journal]") {
  FOR_EVERY_JOURNAL;
  CHECK(subject->journal().cursor("egress", Stream::outbound, 0).value() == std::nullopt);
  for (Offset next : {3, 8, 21}) subject->journal().save_cursor("egress", Stream::outbound, 0, next);
  subject->journal().save_cursor("egress", Stream::outbound, 1, 5);
  subject->settle();
  CHECK(subject->journal().cursor("egress", Stream::outbound, 0).value() == 21);
  CHECK(subject->journal().durable_cursor("egress", Stream::events, 0).value() == std::nullopt);
  REQUIRE(becomes_durable(subject->journal(), "egress", 21));
  subject->reopen();
  CHECK(subject->journal().cursor("egress", Stream::outbound, 0).value() == 21);
  CHECK(subject->journal().cursor("egress", Stream::outbound, 1).value() == 5);
  CHECK(subject->journal().cursor("egress", Stream::events, 0).value() == std::nullopt);
  CHECK(subject->journal().cursor("other", Stream::outbound, 0).value() == std::nullopt);
}
