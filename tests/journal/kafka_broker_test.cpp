// The broker is killed, started again, and stops answering; what the journal does meanwhile, and after.
#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "tests/journal/kafka_subject.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::journal;
using namespace usher::testing;
using namespace std::chrono_literals;

namespace {

std::chrono::milliseconds time_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

std::chrono::microseconds processor_time() {
  rusage used{};
  REQUIRE(getrusage(RUSAGE_SELF, &used) == 0);
  const auto of = [](const timeval& time) { return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec); };
  return of(used.ru_utime) + of(used.ru_stime);
}

}  // namespace

TEST_CASE("while the broker is dead inbound is refused in time, and what a router publishes waits and comes in order [rule-J1]",
          "[kafka]") {
  auto options = KafkaServer::get().fresh_topics(1);
  options.append_within = 1500ms;
  const auto journal = open_kafka(options);
  std::atomic<int> woken{0};
  journal->on_append(Stream::outbound, 0, [&] { ++woken; });
  for (int i = 0; i < 50; ++i) REQUIRE(append(*journal, Stream::outbound, std::to_string(i)));
  REQUIRE(append(*journal, Stream::inbound, "before"));

  KafkaServer::get().kill();
  auto refused = start_append(*journal, Stream::inbound, "refused");
  std::vector<Answer> published;
  for (int i = 50; i < 100; ++i) published.push_back(start_append(*journal, Stream::outbound, std::to_string(i)));
  REQUIRE(refused.wait_for(6s) == std::future_status::ready);
  const auto outcome = refused.get();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().fault == Fault::unavailable);
  CHECK(time_of([&] { CHECK_FALSE(journal->bounds(Stream::inbound, 0)); }) < 3s);
  CHECK(published.front().wait_for(0s) == std::future_status::timeout);

  KafkaServer::get().start();
  for (auto& answer : published) {
    REQUIRE(answer.wait_for(30s) == std::future_status::ready);
    CHECK(answer.get());
  }
  CHECK(read_all(*journal, Stream::outbound) == numbers(100));
  REQUIRE(eventually([&] { return append(*journal, Stream::inbound, "after").has_value(); }));
  CHECK(read_all(*journal, Stream::inbound).front() == "before");
  CHECK(read_all(*journal, Stream::inbound).back() == "after");
  // The reader that waits was not lost with the connection.
  const int woken_so_far = woken;
  const auto other = open_kafka(options);
  REQUIRE(append(*other, Stream::outbound, "100"));
  CHECK(eventually([&] { return woken > woken_so_far; }));
}

TEST_CASE("a stream of appends over the broker's death is neither lost, doubled nor out of order [rule-E1]", "[kafka]") {
  const auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  std::vector<Answer> answers;
  for (int i = 0; i < 2000; ++i) answers.push_back(start_append(*journal, Stream::events, std::to_string(i)));
  answers.front().wait();
  KafkaServer::get().kill();
  for (int i = 2000; i < 4000; ++i) answers.push_back(start_append(*journal, Stream::events, std::to_string(i)));
  KafkaServer::get().start();
  for (auto& answer : answers) {
    REQUIRE(answer.wait_for(30s) == std::future_status::ready);
    REQUIRE(answer.get());
  }
  CHECK(read_all(*journal, Stream::events) == numbers(4000));
}

TEST_CASE("a broker that does not answer holds no reader for long, and reading goes on with it", "[kafka]") {
  const auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  for (int i = 0; i < 10; ++i) REQUIRE(append(*journal, Stream::inbound, std::to_string(i)));
  KafkaServer::get().pause();
  CHECK(time_of([&] { CHECK_FALSE(journal->bounds(Stream::inbound, 0)); }) < 3s);
  CHECK(time_of([&] {
          const auto records = journal->read(Stream::inbound, 0, 0, 10);
          REQUIRE_FALSE(records);
          CHECK(records.error().fault == Fault::unavailable);
        }) < 8s);
  KafkaServer::get().go_on();
  CHECK(read_all(*journal, Stream::inbound) == numbers(10));
}

TEST_CASE("what waits for a broker that does not answer costs no processor time and arrives in order", "[kafka]") {
  auto options = KafkaServer::get().fresh_topics(1);
  options.append_within = 30s;
  const auto journal = open_kafka(options);
  REQUIRE(append(*journal, Stream::inbound, "0"));
  KafkaServer::get().pause();
  std::vector<Answer> answers;
  // The library polls without a pause, a second's worth in a second, while it holds records back itself.
  const auto before = processor_time();
  for (int i = 1; i < 500; ++i) {
    answers.push_back(start_append(*journal, Stream::inbound, std::to_string(i)));
    CHECK(answers.front().wait_for(2ms) == std::future_status::timeout);
  }
  CHECK(processor_time() - before < 400ms);
  KafkaServer::get().go_on();
  for (auto& answer : answers) {
    REQUIRE(answer.wait_for(30s) == std::future_status::ready);
    REQUIRE(answer.get());
  }
  CHECK(read_all(*journal, Stream::inbound) == numbers(500));
}

TEST_CASE("an append that waits behind another has no more time than that one [rule-J1]", "[kafka]") {
  auto options = KafkaServer::get().fresh_topics(1);
  options.append_within = 4s;
  const auto journal = open_kafka(options);
  REQUIRE(append(*journal, Stream::inbound, "0"));
  KafkaServer::get().pause();
  auto under_way = start_append(*journal, Stream::inbound, "1");
  auto behind = start_append(*journal, Stream::inbound, "2");
  // With the whole time once more it would be twice as long.
  CHECK(behind.wait_for(6s) == std::future_status::ready);
  KafkaServer::get().go_on();
  CHECK_FALSE(under_way.get());
  CHECK_FALSE(behind.get());
}

TEST_CASE("a cursor saved while the broker is dead is kept and saved when it is back", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  journal->save_cursor("egress", Stream::outbound, 0, 3);
  const auto there = open_kafka(options);
  REQUIRE(eventually([&] { return has_cursor(*there, 3); }));
  KafkaServer::get().kill();
  journal->save_cursor("egress", Stream::outbound, 0, 9);
  CHECK(journal->cursor("egress", Stream::outbound, 0).value() == 9);
  CHECK_FALSE(journal->durable_cursor("egress", Stream::outbound, 0));  // Who would know?
  KafkaServer::get().start();
  REQUIRE(eventually([&] { return has_cursor(*there, 9); }));
  CHECK(journal->durable_cursor("egress", Stream::outbound, 0).value() == 9);
}

TEST_CASE("events that come one after another share requests, and replies to customers do not wait with them", "[kafka]") {
  auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  REQUIRE(append(*journal, Stream::events, "0"));
  REQUIRE(append(*journal, Stream::outbound, "0"));
  // The first of a quiet time goes at once; each of the next waits its time, in which others would join it.
  CHECK(time_of([&] {
          for (int i = 1; i < 11; ++i) REQUIRE(append(*journal, Stream::events, std::to_string(i)));
        }) >= 225ms);
  // Five that waited so would take 100 ms at least, whatever the machine does beside.
  int replies = 1;
  CHECK(eventually([&] {
    return time_of([&] {
             for (int i = 0; i < 5; ++i) REQUIRE(append(*journal, Stream::outbound, std::to_string(replies++)));
           }) < 100ms;
  }));
  std::vector<Answer> answers;
  const auto gathered = start_append(*journal, Stream::events, "11");
  for (int i = 0; i < 500; ++i) answers.push_back(start_append(*journal, Stream::outbound, std::to_string(replies++)));
  for (auto& answer : answers) REQUIRE(answer.get());
  gathered.wait();
  CHECK(read_all(*journal, Stream::events) == numbers(12));
  CHECK(read_all(*journal, Stream::outbound) == numbers(replies));
  // Closed with events that wait for their time, it sends them.
  auto first = start_append(*journal, Stream::events, "12");
  auto last = start_append(*journal, Stream::events, "13");
  journal.reset();
  CHECK(first.get());
  CHECK(last.get());
}
