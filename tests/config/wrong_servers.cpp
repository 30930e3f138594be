// The table, continued: what can be wrong about Kafka, Redis, ZeroMQ and several machines.
#include "fake_catalog.hpp"
#include "wrong_files.hpp"

namespace usher::config::test {
namespace {

const std::string kafka_and_redis = "kafka: {brokers: [\"k:9092\"]}\nredis: {url: \"redis://r\"}\n";

void add(std::vector<WrongFile>& cases, std::string what, const std::string& lines, std::vector<std::string> problems,
         bool schema_sees = false) {
  cases.push_back({std::move(what), std::string(shortest) + lines, std::move(problems), schema_sees});
}

void pairs(std::vector<WrongFile>& cases) {
  add(cases, "Kafka without Redis", "kafka: {brokers: [\"k:9092\"]}\n",
      {"f.yaml:4:18 kafka.brokers: needs redis.url or redis.sentinels too: a journal in Kafka goes with a state in Redis"});
  add(cases, "Redis without Kafka", "redis: {url: \"redis://r:6379/1\"}\n",
      {"f.yaml:4:14 redis.url: needs kafka.brokers too: a state in Redis goes with a journal in Kafka"});
  add(cases, "a password in the address of Redis", "kafka: {brokers: [\"k:9092\"]}\nredis: {url: \"redis://u:p@r\"}\n",
      {"f.yaml:5:14 redis.url: expected redis://[user@]host[:port][/database] or unix:///path, and no password in it"}, true);
  add(cases, "Sentinels without a name",
      "kafka: {brokers: [\"k:9092\"]}\nredis: {sentinels: [\"s:26379\"]}\n",
      {"f.yaml:5:1 redis.sentinel_name: missing; the Sentinels watch several primaries, by name"});
  add(cases, "an address and Sentinels",
      "kafka: {brokers: [\"k:9092\"]}\nredis: {url: \"redis://r\", sentinels: [\"s:1\"], sentinel_name: m}\n",
      {"f.yaml:5:38 redis.sentinels: write url or sentinels, not both"});
  add(cases, "a broker without a port", "kafka: {brokers: [k]}\nredis: {url: \"redis://r\"}\n",
      {"f.yaml:4:19 kafka.brokers[0]: expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, not \"k\""}, true);
  add(cases, "a password among the properties",
      "kafka: {brokers: [\"k:9092\"], properties: {sasl.password: abc}}\nredis: {url: \"redis://r\"}\n",
      {"f.yaml:4:42 kafka.properties: sasl.password is a secret; write sasl_password_file instead"});
  add(cases, "a folder shared with nobody", "blobs: ./files\n",
      {"f.yaml:4:1 blobs: is for nodes with Kafka and Redis; here it is in the data folder"});
  add(cases, "topics that no broker would name so",
      "kafka: {brokers: [\"k:9092\"], topic_prefix: a/b, retention: 26d}\nredis: {url: \"redis://r\"}\n",
      {"f.yaml:4:44 kafka.topic_prefix: expected letters, digits, '.', '_' and '-', 100 at most, not \"a/b\"",
       "f.yaml:4:60 kafka.retention: must be between 1h and 25d"}, true);
  add(cases, "[rule-X6] a journal in the data folder that keeps too long", "journal: {retention: 26d}\n",
      {"f.yaml:4:22 journal.retention: must be between 1h and 25d"});
  add(cases, "two retentions for one journal", kafka_and_redis + "journal: {retention: 7d}\n",
      {"f.yaml:6:22 journal.retention: is for the journal in the data folder; with Kafka it is kafka.retention"});
}

void doors(std::vector<WrongFile>& cases) {
  add(cases, "[rule-A4] agents' programs from everywhere without a key", "zmq: {agents: \"tcp://0.0.0.0:5570\"}\n",
      {"f.yaml:4:15 zmq.agents: can be reached from other machines: it needs curve_secret_file"});
  add(cases, "[rule-A4] routers from everywhere without a secret, at an address nobody can use",
      kafka_and_redis + "zmq: {agents: off, fabric: \"tcp://0.0.0.0:5572\"}\n",
      {"f.yaml:6:1 zmq.advertise: missing; with a wildcard in fabric, routers need an address to connect to",
       "f.yaml:6:28 zmq.fabric: can be reached from other machines: it needs cluster_secret_file"});
  add(cases, "an endpoint that is none", "zmq: {agents: \"on\", fabric: \"udp://127.0.0.1:1\"}\n",
      {"f.yaml:4:15 zmq.agents: expected an endpoint such as tcp://127.0.0.1:5570 or off, not \"on\"",
       "f.yaml:4:29 zmq.fabric: expected an endpoint such as tcp://127.0.0.1:5570, not \"udp://127.0.0.1:1\""}, true);
  add(cases, "a cluster secret that can be guessed", "zmq: {cluster_secret: short}\n",
      {"f.yaml:4:23 zmq.cluster_secret: is too short: 32 characters at least"});
  add(cases, "keys for a door without a lock", "agents: {ana: {}}\nzmq: {allowed_keys: {short: anna}}\n",
      {"f.yaml:5:21 zmq.allowed_keys: \"anna\" is not one of the agents; did you mean ana?",
       "f.yaml:5:21 zmq.allowed_keys: \"short\" is no public key: 40 characters of Z85",
       "f.yaml:5:21 zmq.allowed_keys: means nothing without curve_secret_file"});
  add(cases, "a node with a name of two words", "node: {name: \"first node\"}\n",
      {"f.yaml:4:14 node.name: \"first node\" is not a name: use a-z, 0-9, _ and -, beginning with a letter or digit, "
       "64 at most"}, true);
}

}  // namespace

std::vector<WrongFile> wrong_servers() {
  std::vector<WrongFile> cases;
  pairs(cases);
  doors(cases);
  return cases;
}

}  // namespace usher::config::test
