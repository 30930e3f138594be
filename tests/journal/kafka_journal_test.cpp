// What the Kafka journal has beyond the contract: what stands in the messages, readers at many places, several processes,
// logs that are made anew.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "routing/journal/kafka_producer.hpp"
#include "tests/journal/kafka_subject.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::journal;
using namespace usher::testing;
using namespace std::chrono_literals;

TEST_CASE("an inbound record carries id, type and content type, and an outbound one is a whole CloudEvent", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  REQUIRE(append(*journal, Stream::inbound, "in"));
  REQUIRE(append(*journal, Stream::outbound, "out"));
  const auto inbound = KafkaServer::get().read(options.topic_prefix + ".inbound.v1", 0, 0);
  CHECK(inbound.headers == std::map<std::string, std::string>{
                               {"ce_id", "id-in"}, {"ce_type", "usher.test.v1"}, {"content-type", "application/json"}});
  CHECK(inbound.value == "in");
  CHECK_FALSE(inbound.key);
  const auto outbound = KafkaServer::get().read(options.topic_prefix + ".outbound.v1", 0, 0);
  CHECK(outbound.headers == std::map<std::string, std::string>{{"ce_id", "id-out"},
                                                               {"ce_type", "usher.test.v1"},
                                                               {"content-type", "application/json"},
                                                               {"ce_specversion", "1.0"},
                                                               {"ce_source", "/usher/partitions/0"}});
}

TEST_CASE("a snapshot's key is its id, and an empty one is a tombstone [rule-X2]", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  REQUIRE(append(*journal, Stream::snapshots, "chunk"));
  REQUIRE(append(*journal, Stream::snapshots, ""));
  REQUIRE(append(*journal, Stream::events, ""));
  const auto topic = options.topic_prefix + ".snapshots.v1";
  CHECK(KafkaServer::get().read(topic, 0, 0).key == "id-chunk");
  CHECK(KafkaServer::get().read(topic, 0, 1).key == "id-");
  CHECK_FALSE(KafkaServer::get().read(topic, 0, 1).value);
  CHECK(KafkaServer::get().read(options.topic_prefix + ".events.v1", 0, 0).value == "");
  CHECK(read_all(*journal, Stream::snapshots) == std::vector<std::string>{"chunk", ""});
}

TEST_CASE("a message that is no CloudEvent, or has no value, comes through as it is [rule-X1]", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  KafkaServer::get().produce(options.topic_prefix + ".inbound.v1", 0, "garbage");
  KafkaServer::get().produce(options.topic_prefix + ".inbound.v1", 0, nullptr);
  const auto records = journal->read(Stream::inbound, 0, 0, 10);
  REQUIRE(records);
  REQUIRE(records->size() == 2);
  CHECK(records->front().entry == Entry{"", "", "garbage"});
  CHECK(records->back().entry == Entry{"", "", ""});
}

TEST_CASE("a log that ends in the mark of a stranger's transaction is at its end, for those who wait there and for others", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  const auto topic = options.topic_prefix + ".inbound.v1";
  journal->on_append(Stream::inbound, 0, [] {});
  REQUIRE(append(*journal, Stream::inbound, "ours"));
  KafkaServer::get().produce_in_transaction(topic, 0, "theirs");
  constexpr Offset end = 3;  // The mark is written a moment after the transaction's end was acknowledged.
  REQUIRE(eventually([&] {
    const auto bounds = journal->bounds(Stream::inbound, 0);
    return bounds && bounds->end == end;
  }));
  CHECK(read_all(*journal, Stream::inbound) == std::vector<std::string>{"ours", "theirs"});
  const auto other = open_kafka(options);
  for (auto* each : {journal.get(), other.get()}) {
    const auto rest = each->read(Stream::inbound, 0, end - 1, 10);
    REQUIRE(rest);
    CHECK(rest->empty());
  }
  // That nothing follows is not said of a broker that does not answer.
  KafkaServer::get().pause();
  CHECK(eventually([&] { return !journal->read(Stream::inbound, 0, end - 1, 10); }));
  KafkaServer::get().go_on();
  REQUIRE(append(*journal, Stream::inbound, "after"));
  CHECK(read_all(*journal, Stream::inbound, end - 1) == std::vector<std::string>{"after"});
}

TEST_CASE("the broker's time is on the record, and never decreases from one to the next [rule-J4]", "[kafka]") {
  const auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  const auto before = usher::message::SystemClock().wall();
  for (int i = 0; i < 50; ++i) REQUIRE(append(*journal, Stream::inbound, std::to_string(i)));
  const auto records = journal->read(Stream::inbound, 0, 0, 100);
  REQUIRE(records);
  auto last = before - 10s;
  for (const auto& record : *records) {
    CHECK(record.appended_at >= last);
    last = record.appended_at;
  }
  CHECK(last <= usher::message::SystemClock().wall() + 10s);
}

TEST_CASE("a reader far behind reads everything once and in order, and catches up with one that waits", "[kafka]") {
  const auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  std::atomic<int> woken{0};
  journal->on_append(Stream::inbound, 0, [&] { ++woken; });
  constexpr int count = 10'000;  // More than the newest that are kept in memory.
  std::atomic<int> acknowledged{0};
  for (int i = 0; i < count; ++i)
    journal->append(Stream::inbound, 0, {"id", "type", std::to_string(i)}, [&](const auto& outcome) {
      if (outcome) ++acknowledged;
    });
  REQUIRE(eventually([&] { return acknowledged == count; }));
  CHECK(read_all(*journal, Stream::inbound) == numbers(count));
  CHECK(read_all(*journal, Stream::inbound, count - 300, 7) == numbers(count, count - 300));
  CHECK(woken > 0);
}

TEST_CASE("more readers of one log than there are places each read their own part", "[kafka]") {
  const auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  for (int i = 0; i < 64; ++i) REQUIRE(append(*journal, Stream::inbound, std::to_string(i)));
  std::atomic<int> right{0};
  std::vector<std::thread> readers;
  for (int from = 0; from < 8; ++from)
    readers.emplace_back([&, from] {
      for (int round = 0; round < 5; ++round) {
        const auto records = journal->read(Stream::inbound, 0, from * 8, 3);
        if (records && records->size() == 3 && records->front().entry.value == std::to_string(from * 8) &&
            records->back().entry.value == std::to_string(from * 8 + 2))
          ++right;
      }
    });
  for (auto& reader : readers) reader.join();
  CHECK(right == 40);
}

TEST_CASE("a reader is woken soon by what another process appends, and finds it", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto here = open_kafka(options);
  const auto there = open_kafka(options);
  std::atomic<int> woken{0};
  here->on_append(Stream::outbound, 0, [&] { ++woken; });
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(append(*there, Stream::outbound, "x"));
    REQUIRE(eventually([&] { return woken == i; }));
    CHECK(read_all(*here, Stream::outbound).size() == static_cast<std::size_t>(i));
  }
}

TEST_CASE("empty means the end: a reader that waits for nothing sees what another process appended", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto here = open_kafka(options);
  const auto there = open_kafka(options);
  for (int i = 0; i < 20; ++i) {
    CHECK(read_all(*here, Stream::inbound).size() == static_cast<std::size_t>(i));
    REQUIRE(append(*there, Stream::inbound, "x"));
  }
}

TEST_CASE("another process sees a consumer's newest cursor", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto here = open_kafka(options);
  const auto there = open_kafka(options);
  for (Offset next = 1; next <= 40; ++next) here->save_cursor("egress", Stream::outbound, 0, next);
  REQUIRE(eventually([&] { return has_cursor(*there, 40); }));
  there->save_cursor("egress", Stream::outbound, 0, 41);
  const auto third = open_kafka(options);
  REQUIRE(eventually([&] { return has_cursor(*third, 41); }));
}

TEST_CASE("a position past the end of a log that was made anew fails closed, for readers of every kind [rule-J2]", "[kafka]") {
  const bool waits = GENERATE(false, true);
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  std::atomic<int> woken{0};
  if (waits) journal->on_append(Stream::inbound, 0, [&] { ++woken; });
  for (int i = 0; i < 5; ++i) REQUIRE(append(*journal, Stream::inbound, "old"));
  REQUIRE(journal->read(Stream::inbound, 0, 5, 10)->empty());
  const auto topic = options.topic_prefix + ".inbound.v1";
  KafkaServer::get().delete_topic(topic);
  KafkaServer::get().make_topics(options, 1);
  KafkaServer::get().produce(topic, 0, "new");
  std::optional<Fault> fault;
  REQUIRE(eventually([&] {
    const auto records = journal->read(Stream::inbound, 0, 5, 10);
    if (!records) fault = records.error().fault;
    return fault && fault != Fault::unavailable;
  }));
  CHECK(fault == Fault::not_found);
  CHECK(journal->bounds(Stream::inbound, 0).value().end == 1);
}

TEST_CASE("a position whose record was erased meanwhile fails closed, and nothing jumps to the end [rule-J2]", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto journal = open_kafka(options);
  for (int i = 0; i < 6; ++i) REQUIRE(append(*journal, Stream::outbound, std::to_string(i)));
  KafkaServer::get().erase_before(options.topic_prefix + ".outbound.v1", 0, 4);
  for (const Offset from : {0, 3}) {
    const auto records = journal->read(Stream::outbound, 0, from, 10);
    REQUIRE_FALSE(records);
    CHECK(records.error().fault == Fault::not_found);
  }
  CHECK(read_all(*journal, Stream::outbound, 4) == std::vector<std::string>{"4", "5"});
  const auto past = journal->read(Stream::outbound, 0, 7, 10);
  REQUIRE_FALSE(past);
  CHECK(past.error().fault == Fault::not_found);
}

TEST_CASE("after a fatal error what is in flight is refused, and a new producer goes on [rule-J1]", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  KafkaLog log({});
  std::atomic<int> told{0};
  auto opened = KafkaProducer::open(options, KafkaUse::publishing, log, [&](Stream, Partition, Offset) { ++told; });
  REQUIRE(opened);
  auto& producer = **opened;
  const auto append_one = [&] {
    auto answer = std::make_shared<std::promise<Result<Appended>>>();
    producer.append(Stream::events, 0, {"id", "type", "value"}, [answer](const auto& outcome) { answer->set_value(outcome); });
    return answer->get_future();
  };
  REQUIRE(append_one().get());
  KafkaServer::get().pause();
  std::vector<std::future<Result<Appended>>> in_flight;
  for (int i = 0; i < 3; ++i) in_flight.push_back(append_one());
  producer.break_now();
  for (auto& each : in_flight) {
    const auto outcome = each.get();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().fault == Fault::unavailable);
  }
  KafkaServer::get().go_on();
  // Until the new one is there, appends are refused.
  REQUIRE(eventually([&] { return append_one().get().has_value(); }));
  CHECK(told == 2);
}
