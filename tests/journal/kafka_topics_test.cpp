// Making topics, and what the daemon refuses or names when they are not as they must be (rule J3).
#include <algorithm>
#include <catch2/catch.hpp>

#include "routing/journal/kafka_topic_plan.hpp"
#include "tests/journal/kafka_subject.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::journal;
using namespace usher::testing;
using namespace std::chrono_literals;

namespace {

Error refusal(const KafkaOptions& options) {
  const auto opened = KafkaJournal::open(options, 5s);
  REQUIRE_FALSE(opened);
  return opened.error();
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<TopicStep> ensure(const KafkaOptions& options, TopicWishes wishes, bool dry_run) {
  return ensure_topics(options, wishes, dry_run).value();
}

bool all_done(const std::vector<TopicStep>& steps) {
  return std::all_of(steps.begin(), steps.end(), [](const TopicStep& step) { return step.done; });
}

}  // namespace

TEST_CASE("a daemon never makes topics: it names every one that is missing [rule-J3]", "[kafka]") {
  const auto options = KafkaServer::get().options();
  const auto error = refusal(options);
  CHECK(error.fault == Fault::malformed);
  for (const auto* name : {".inbound.v1", ".outbound.v1", ".events.v1", ".snapshots.v1", ".dead-letter.v1", ".control.v1"})
    CHECK(says(error.detail, options.topic_prefix + name));
  CHECK(refusal(options).fault == Fault::malformed);
}

TEST_CASE("a dry run says what it would make and makes nothing, and a second run finds everything there", "[kafka]") {
  const auto options = KafkaServer::get().options();
  TopicWishes wishes;
  wishes.partitions = 2;
  for (int i = 0; i < 2; ++i) {
    const auto dry = ensure(options, wishes, true);
    REQUIRE(dry.size() == stream_count);
    for (const auto& step : dry) CHECK((step.what == "create" && !step.done));
  }
  CHECK(all_done(ensure(options, wishes, false)));
  for (const auto& step : ensure(options, wishes, false)) CHECK((step.what == "there" && step.done));
  CHECK(open_kafka(options)->bounds(Stream::events, 1).value().end == 0);
}

TEST_CASE("a topic with the client's time, or compacted where it must not be, is refused in words [rule-J3]", "[kafka]") {
  const auto [setting, value, stream] = GENERATE(std::tuple("message.timestamp.type", "CreateTime", ".inbound.v1"),
                                                 std::tuple("cleanup.policy", "compact", ".outbound.v1"),
                                                 std::tuple("cleanup.policy", "delete", ".snapshots.v1"),
                                                 std::tuple("max.message.bytes", "1000000", ".events.v1"));
  const auto options = KafkaServer::get().fresh_topics(1);
  const auto topic = options.topic_prefix + stream;
  std::map<std::string, std::string> settings{{"message.timestamp.type", "LogAppendTime"},
                                              {"max.message.bytes", "2097152"},
                                              {"cleanup.policy", std::string(stream) == ".snapshots.v1" ? "compact" : "delete"},
                                              {"retention.ms", "77777777"}};
  settings[setting] = value;
  KafkaServer::get().set_topic(topic, settings);
  REQUIRE(eventually([&] { return !KafkaJournal::open(options, 5s); }));  // The broker learns of it a moment later.
  const auto error = refusal(options);
  CHECK(error.fault == Fault::malformed);
  CHECK(says(error.detail, topic));
  CHECK(says(error.detail, setting));

  // `topics ensure` sets it right and leaves alone what was chosen otherwise.
  // It names the retention beside them, which it does not set.
  const auto planned = std::string(stream) == ".inbound.v1" ? "1209600000" : "2419200000";
  const auto left = std::string(stream) == ".snapshots.v1" ? "" : "; retention.ms is 77777777 and by kafka.retention would be " + std::string(planned) +
                                                                     ": left alone, Kafka's own tools change it";
  const auto said = "set " + std::string(setting) + left;
  const auto dry = ensure(options, {}, true);
  CHECK(std::count_if(dry.begin(), dry.end(), [&](const auto& step) { return step.what == said && !step.done; }) == 1);
  CHECK(refusal(options).fault == Fault::malformed);
  const auto made = ensure(options, {}, false);
  CHECK(all_done(made));
  CHECK(std::count_if(made.begin(), made.end(), [&](const auto& step) { return step.what == said; }) == 1);
  const auto journal = open_kafka(options);
  const auto weak = journal->weaknesses();
  const bool kept_less = std::any_of(weak.begin(), weak.end(), [](const auto& each) { return says(each, "kept for less long"); });
  CHECK(kept_less == (std::string(stream) == ".outbound.v1" || std::string(stream) == ".events.v1"));
}

TEST_CASE("a topic whose retention is another than the configuration's is left alone, and that is said", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  TopicWishes wishes;
  wishes.partitions = 1;
  wishes.retention = 48h;
  for (const bool dry_run : {true, false})
    for (const auto& step : ensure(options, wishes, dry_run)) {
      CHECK(step.done);
      if (step.topic.ends_with(".snapshots.v1")) CHECK(step.what == "there");
      if (step.topic.ends_with(".inbound.v1")) CHECK(says(step.what, "there; retention.ms is 1209600000 and by kafka.retention would be 172800000"));
      if (step.topic.ends_with(".outbound.v1")) CHECK(says(step.what, "there; retention.ms is 2419200000 and by kafka.retention would be 345600000"));
    }
}

TEST_CASE("topics with other numbers of partitions are left alone and refused [rule-E1] [rule-J5]", "[kafka]") {
  const auto options = KafkaServer::get().fresh_topics(1);
  KafkaServer::get().delete_topic(options.topic_prefix + ".inbound.v1");
  TopicWishes wishes;
  wishes.partitions = 2;
  const auto steps = ensure(options, wishes, false);
  CHECK(std::count_if(steps.begin(), steps.end(), [](const auto& step) { return step.done; }) == 1);
  CHECK(says(steps.back().what, "1 partitions instead of 2"));
  CHECK(says(refusal(options).detail, "not as many partitions as inbound"));
}

TEST_CASE("one broker's weaker promise is named [rule-J3]", "[kafka]") {
  const auto journal = open_kafka(KafkaServer::get().fresh_topics(1));
  const auto weak = journal->weaknesses();
  REQUIRE(weak.size() == 1);
  CHECK(says(weak.front(), "one replica"));
  CHECK(says(weak.front(), ".inbound.v1"));
}

TEST_CASE("a cluster that forgets soon where connectors go on is named [rule-J3]", "[kafka]") {
  CHECK(says(forgets_marks("10080").value_or(""), "longer than 7 days"));
  CHECK(forgets_marks("129599"));
  CHECK_FALSE(forgets_marks("129600"));
  CHECK_FALSE(forgets_marks("no number"));
  KafkaLog log({});
  const auto asking = KafkaAsking::open(KafkaServer::get().options(), log);
  REQUIRE(asking);
  CHECK((*asking)->broker_setting("offsets.retention.minutes", 5s) == "525600");
  CHECK_FALSE((*asking)->broker_setting("no.such.setting", 5s));
}

TEST_CASE("properties pass through, those our promises rest on do not, and no value is ever shown", "[kafka]") {
  auto options = KafkaServer::get().fresh_topics(1);
  for (const auto& [name, value] : {std::pair("acks", "1"), std::pair("enable.idempotence", "false"),
                                    std::pair("auto.offset.reset", "latest"), std::pair("message.timeout.ms", "1"),
                                    std::pair("enable.auto.commit", "true"), std::pair("no.such.thing", "x"),
                                    std::pair("plugin." "library.paths", "x"), std::pair("security.protocol", "secret-word")}) {
    options.properties = {{name, value}};
    const auto error = refusal(options);
    CHECK(error.fault == Fault::malformed);
    CHECK(says(error.detail, name));
    CHECK_FALSE(says(error.detail, "secret-word"));
  }
  options.properties = {{"socket.keepalive.enable", "false"}, {"linger.ms", "1"}, {"compression.type", "lz4"}};
  CHECK(append(*open_kafka(options), Stream::inbound, std::string(1000, 'x')));
  options.properties = {{"enable.ssl.certificate.verification", "false"}};
  CHECK(says(open_kafka(options)->weaknesses().back(), "not verified"));
  options.properties = {{"security.protocol", "ssl"}};
  CHECK(refusal(options).fault == Fault::unavailable);  // The broker of the tests speaks no TLS.
}

TEST_CASE("without a broker opening fails in time", "[kafka]") {
  KafkaOptions options;
  options.brokers = "127.0.0.1:9";
  const auto begin = std::chrono::steady_clock::now();
  const auto opened = KafkaJournal::open(options, 700ms);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().fault == Fault::unavailable);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
}
