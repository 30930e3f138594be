// The servers behind one or several machines: Kafka, Redis, ZeroMQ, and what this node is called. What ties their keys
// together is judged here: both servers or none, no open door beyond this machine without a key.
#include <algorithm>
#include <array>

#include "config/draft.hpp"
#include "config/value_forms.hpp"
#include "config/wording.hpp"

namespace usher::config {
namespace {

constexpr std::size_t cluster_secret_bytes_min = 32;
constexpr std::size_t curve_key_bytes = 40;

bool is_curve_key(std::string_view text) {
  // Z85, ZeroMQ RFC 32.
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  return text.size() == curve_key_bytes && text.find_first_not_of(digits) == text.npos;
}

void wrong(Draft& draft, const char* section, const char* key, const std::string& sentence) {
  draft.problems.add(place_in(draft, section, key), std::string(section) + "." + key, sentence);
}

// A password among the properties would be readable by all who may read the configuration.
void refuse_open_passwords(Draft& draft, const KafkaSettings& kafka) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> own{
      {{"sasl.password", "sasl_password_file"}, {"ssl.key.password", "ssl_key_password_file"}}};
  for (const auto& [property, key] : own)
    if (kafka.properties.contains(std::string(property)))
      wrong(draft, "kafka", "properties", std::string(property) + " is a secret; write " + std::string(key) + " instead");
}

void read_kafka(Draft& draft) {
  const auto options = read_section(draft, "kafka");
  KafkaSettings kafka;
  kafka.brokers = options.list("brokers");
  kafka.topic_prefix = options.text("topic_prefix");
  kafka.partition = static_cast<Partition>(options.number("partition"));
  kafka.properties = options.map("properties");
  refuse_open_passwords(draft, kafka);
  if (const auto& password = options.text("sasl_password"); !password.empty())
    kafka.properties["sasl.password"] = password;
  if (const auto& password = options.text("ssl_key_password"); !password.empty())
    kafka.properties["ssl.key.password"] = password;
  kafka.partitions = static_cast<int>(options.number("partitions"));
  kafka.replication = static_cast<int>(options.number("replication"));
  kafka.retention = Milliseconds(options.number("retention"));
  if (!kafka.brokers.empty()) draft.settings.kafka = std::move(kafka);
}

void read_redis(Draft& draft) {
  const auto options = read_section(draft, "redis");
  const auto& url = options.text("url");
  const auto& sentinels = options.list("sentinels");
  if (!url.empty() && !sentinels.empty()) wrong(draft, "redis", "sentinels", "write url or sentinels, not both");
  if (!sentinels.empty() && options.text("sentinel_name").empty())
    wrong(draft, "redis", "sentinel_name", "missing; the Sentinels watch several primaries, by name");
  auto redis = parse_redis_url(url).value_or(RedisSettings{});
  redis.sentinels = sentinels;
  redis.sentinel_name = options.text("sentinel_name");
  if (redis.user.empty()) redis.user = options.text("user");
  if (redis.database == 0) redis.database = static_cast<int>(options.number("database"));
  redis.password = options.text("password");
  redis.key_prefix = options.text("key_prefix");
  redis.bodies_kept_for = Milliseconds(options.number("bodies_kept_for"));
  if (!redis.host.empty() || !redis.unix_socket.empty() || !redis.sentinels.empty())
    draft.settings.redis = std::move(redis);
}

bool is_written(const Draft& draft, std::string_view section, std::string_view key) {
  const auto* holder = draft.root.find(section);
  const auto* entry = holder != nullptr ? holder->value.find(key) : nullptr;
  return entry != nullptr && (entry->value.type != Node::Type::list || !entry->value.items.empty());
}

// Each alone would be a journal without a state, or the other way round. What is written and wrong was reported already.
void check_both(Draft& draft) {
  const bool redis_written = is_written(draft, "redis", "url") || is_written(draft, "redis", "sentinels");
  if (draft.settings.kafka && !redis_written)
    wrong(draft, "kafka", "brokers", "needs redis.url or redis.sentinels too: a journal in Kafka goes with a state in Redis");
  if (draft.settings.redis && !is_written(draft, "kafka", "brokers"))
    wrong(draft, "redis", "url", "needs kafka.brokers too: a state in Redis goes with a journal in Kafka");
}

// What is only for the one form or the other. Embedded nobody shares the folders, and a backup is of the data folder.
void check_folders(Draft& draft) {
  if (draft.settings.kafka && is_written(draft, "journal", "retention"))
    wrong(draft, "journal", "retention", "is for the journal in the data folder; with Kafka it is kafka.retention");
  if (draft.settings.kafka || draft.settings.redis) return;
  for (const auto* key : {"blobs", "secrets"})
    if (const auto* entry = draft.root.find(key))
      draft.problems.add(entry->place, key, "is for nodes with Kafka and Redis; here it is in the data folder");
}

// Rule A4: a door that other machines can reach asks for a key.
void check_open_door(Draft& draft, const char* key, const std::string& endpoint, const std::string& secret,
                     const char* secret_key) {
  const auto listen = parse_endpoint(endpoint);
  if (!listen || is_loopback(*listen) || !secret.empty()) return;
  wrong(draft, "zmq", key, std::string("can be reached from other machines: it needs ") + secret_key);
}

void check_keys(Draft& draft, const ZmqSettings& zmq) {
  const auto agents = names_in(draft.root, "agents");
  for (const auto& [key, agent] : zmq.allowed_keys) {
    if (!is_curve_key(key)) wrong(draft, "zmq", "allowed_keys", shown(key) + " is no public key: 40 characters of Z85");
    if (std::find(agents.begin(), agents.end(), agent) == agents.end())
      wrong(draft, "zmq", "allowed_keys", shown(agent) + " is not one of the agents" + did_you_mean(agent, agents));
  }
  if (!zmq.allowed_keys.empty() && zmq.curve_secret_file.empty())
    wrong(draft, "zmq", "allowed_keys", "means nothing without curve_secret_file");
}

void read_zmq(Draft& draft) {
  const auto options = read_section(draft, "zmq");
  auto& zmq = draft.settings.zmq;
  const auto* section = draft.root.find("zmq");
  zmq.agents_written = section != nullptr && section->value.find("agents") != nullptr;
  zmq.agents = options.text("agents") == "off" ? "" : options.text("agents");
  zmq.fabric = options.text("fabric");
  zmq.advertise = options.text("advertise");
  zmq.cluster_secret = options.text("cluster_secret");
  if (const auto& file = options.text("curve_secret_file"); !file.empty())
    zmq.curve_secret_file = (draft.folder / file).lexically_normal().string();
  zmq.allowed_keys = options.map("allowed_keys");
  if (!zmq.cluster_secret.empty() && zmq.cluster_secret.size() < cluster_secret_bytes_min)
    wrong(draft, "zmq", section->value.find("cluster_secret_file") != nullptr ? "cluster_secret_file" : "cluster_secret",
          "is too short: 32 characters at least");
  check_open_door(draft, "agents", zmq.agents, zmq.curve_secret_file, "curve_secret_file");
  check_open_door(draft, "fabric", zmq.fabric, zmq.cluster_secret, "cluster_secret_file");
  if (const auto fabric = parse_endpoint(zmq.fabric); fabric && is_wildcard(*fabric) && zmq.advertise.empty())
    wrong(draft, "zmq", "advertise", "missing; with a wildcard in fabric, routers need an address to connect to");
  check_keys(draft, zmq);
}

}  // namespace

void read_servers(Draft& draft) {
  read_kafka(draft);
  read_redis(draft);
  check_both(draft);
  draft.settings.journal_retention = Milliseconds(read_section(draft, "journal").number("retention"));
  check_folders(draft);
  read_zmq(draft);
  draft.settings.node_name = read_section(draft, "node").text("name");
}

}  // namespace usher::config
