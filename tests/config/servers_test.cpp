// Kafka, Redis and ZeroMQ as an operator writes them, and what the daemon gets of it.
#include <catch2/catch.hpp>

#include "fake_catalog.hpp"

namespace usher::config::test {

namespace {
Settings right(const std::string& lines) {
  auto loaded = load_added(lines);
  for (const auto& line : loaded.problems.lines) UNSCOPED_INFO(line);
  REQUIRE(loaded.settings);
  return std::move(*loaded.settings);
}
}  // namespace

TEST_CASE("without a word about servers everything is embedded, with agents' programs on this machine", "[config]") {
  const auto settings = right("");
  CHECK_FALSE(settings.kafka);
  CHECK_FALSE(settings.redis);
  CHECK(settings.zmq.agents == "tcp://127.0.0.1:5570");
  CHECK_FALSE(settings.zmq.agents_written);
  CHECK(settings.blobs_folder.empty());
}

TEST_CASE("Kafka and Redis are read with what goes without saying", "[config]") {
  const auto settings = right(
      "kafka:\n  brokers: [one:9092, two:9092]\n  partition: 3\n  properties: {security.protocol: sasl_ssl}\n"
      "  sasl_password: hunter22\nredis: {url: \"redis://usher@cache:6390/4\"}\n");
  REQUIRE(settings.kafka);
  CHECK(settings.kafka->brokers == std::vector<std::string>{"one:9092", "two:9092"});
  CHECK(settings.kafka->topic_prefix == "usher");
  CHECK(settings.kafka->partition == 3);
  CHECK(settings.kafka->properties ==
        std::map<std::string, std::string>{{"security.protocol", "sasl_ssl"}, {"sasl.password", "hunter22"}});
  CHECK(settings.kafka->retention == Milliseconds(14LL * 24 * 3600 * 1000));
  REQUIRE(settings.redis);
  CHECK(settings.redis->host == "cache");
  CHECK(settings.redis->port == 6390);
  CHECK(settings.redis->user == "usher");
  CHECK(settings.redis->database == 4);
  CHECK(settings.redis->key_prefix == "usher:v1");
}

TEST_CASE("Redis is found by a socket or by Sentinels too", "[config]") {
  const std::string kafka = "kafka: {brokers: [\"k:9092\"]}\n";
  const auto socket = right(kafka + "redis: {url: \"unix:///run/redis.sock\", user: usher, database: 2}\n");
  CHECK(socket.redis->unix_socket == "/run/redis.sock");
  CHECK(socket.redis->user == "usher");
  CHECK(socket.redis->database == 2);
  const auto sentinels = right(kafka + "redis: {sentinels: [\"a:1\", \"b:2\"], sentinel_name: main}\n");
  CHECK(sentinels.redis->sentinels == std::vector<std::string>{"a:1", "b:2"});
  CHECK(sentinels.redis->sentinel_name == "main");
  CHECK(sentinels.redis->host.empty());
}

TEST_CASE("the journal in the data folder forgets after two weeks unless told otherwise", "[config][rule-X6]") {
  CHECK(right("").journal_retention == std::chrono::hours(14 * 24));
  CHECK(right("journal: {retention: 25d}\n").journal_retention == std::chrono::hours(25 * 24));
}

TEST_CASE("doors to other machines open with their keys", "[config][rule-A4]") {
  const std::string key(40, 'k');
  const auto settings = right("agents: {ana: {}}\nzmq: {agents: \"tcp://0.0.0.0:5570\", curve_secret_file: keys/agents"
                              ", fabric: \"tcp://10.0.0.7:5572\", cluster_secret: " + std::string(32, 's') +
                              ", allowed_keys: {" + key + ": ana}}\nnode: {name: east-1}\n");
  CHECK(settings.zmq.agents_written);
  CHECK(settings.zmq.curve_secret_file == "keys/agents");
  CHECK(settings.zmq.fabric == "tcp://10.0.0.7:5572");
  CHECK(settings.zmq.allowed_keys == std::map<std::string, std::string>{{key, "ana"}});
  CHECK(settings.node_name == "east-1");
  CHECK(right("zmq: {agents: \"off\"}\n").zmq.agents.empty());
}

}  // namespace usher::config::test
