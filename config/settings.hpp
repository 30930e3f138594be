// Settings: everything an operator may say, typed and checked. Made by load(); nothing else reads YAML.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.hpp"
#include "routing/message/policy.hpp"
#include "routing/message/result.hpp"

namespace usher::config {

using namespace usher::message;

struct Listen {
  std::string host;
  std::uint16_t port = 0;  // 0: any free port (tests).
};

struct ConnectorSettings {
  ConnectorId id;
  std::string type;
  Options options;
};

// Labels given at the edge by what the customer wrote (rule I4): a message gets `label` when one of `words` stands in
// its subject or new text, as whole words, whatever the case.
struct LabelRule {
  std::string label;
  std::vector<std::string> words;
};

struct AgentToken {
  AgentId agent;
  std::string sha256;  // Of the token, lower-case hexadecimal.
};

// The journal in Kafka.
struct KafkaSettings {
  std::vector<std::string> brokers;
  std::string topic_prefix;
  Partition partition = 0;                        // Of this tenant (rule J5).
  std::map<std::string, std::string> properties;  // Of librdkafka, passwords included.
  int partitions = 1;                             // These three: for `usherctl topics ensure`.
  int replication = 1;
  Milliseconds retention{0};
  friend bool operator==(const KafkaSettings&, const KafkaSettings&) = default;
};

// The state in Redis. One of: host and port; unix_socket; sentinels and sentinel_name.
inline constexpr long long redis_database_max = 9999;
struct RedisSettings {
  std::string host;
  std::uint16_t port = 6379;
  std::string unix_socket;
  std::vector<std::string> sentinels;
  std::string sentinel_name;
  std::string user;
  std::string password;
  int database = 0;
  std::string key_prefix;
  Milliseconds bodies_kept_for{0};
  friend bool operator==(const RedisSettings&, const RedisSettings&) = default;
};

struct ZmqSettings {
  std::string agents;                  // Endpoint; "" for nowhere.
  bool agents_written = false;         // False: `agents` is the default, and may stay closed where it is taken.
  std::string fabric;                  // Endpoint to bind.
  std::string advertise;               // Host; "": the one that was bound.
  std::string cluster_secret;          // "" for none.
  std::string curve_secret_file;       // "" for none.
  std::map<std::string, std::string> allowed_keys;  // Public key to agent.
  friend bool operator==(const ZmqSettings&, const ZmqSettings&) = default;
};

struct Settings {
  TenantId tenant;
  Listen http;
  Listen ops;
  std::string public_url;   // How customers reach `http`; no trailing slash.
  std::string data_folder;  // `--data` wins.
  std::string blobs_folder;    // "": in the data folder.
  std::string secrets_folder;  // "": the data folder.
  std::string node_name;       // "": the machine's name.
  std::optional<KafkaSettings> kafka;  // Both or none.
  std::optional<RedisSettings> redis;
  Milliseconds journal_retention{0};   // Of the embedded journal.
  ZmqSettings zmq;
  std::string log_level;    // debug, info, warn, error
  std::string log_format;   // json, text
  std::vector<std::string> agent_origins;  // Browsers' Origin values allowed on /v1/agent; none: only requests without one, and public_url.
  std::vector<std::string> trusted_proxies;  // Addresses whose X-Forwarded-For is believed.
  std::vector<ConnectorSettings> connectors;
  std::vector<LabelRule> labels;
  std::vector<AgentToken> tokens;  // From `agents: ID: token / token_file / token_sha256`.
  Policy policy;
};

// One line each: `FILE:LINE:COL key: what is wrong`, sorted by line.
struct Problems {
  std::vector<std::string> lines;
};

// The keys of one connector type; none: there is no such type.
using ConnectorKeys = std::function<std::optional<std::span<const Key>>(std::string_view type)>;
[[nodiscard]] std::vector<std::string_view> suggestions(std::string_view word, std::span<const std::string_view> known);

struct LoadedSettings {
  std::optional<Settings> settings;  // Empty when there is any problem.
  Problems problems;
};

// What a connector says about its settings as a whole; each line of the detail begins with its key, as in `webhook_secret: missing`.
using ConnectorCheck = std::function<Result<void>(const TenantId& tenant, const ConnectorSettings& connector)>;

// Reads FILE strictly: unknown and duplicate keys, wrong types, missing and dangling references are problems, all
// reported at once. Environment variables USHER_SECTION__KEY win over the file; `KEY_file` reads a secret from a file.
// `check` is asked about each connector whose keys are right by themselves. load_text: the same for a text called `name`,
// without looking at the environment.
[[nodiscard]] LoadedSettings load(const std::filesystem::path& file, const ConnectorKeys& connector_keys,
                                  const std::vector<std::string>& connector_types, const ConnectorCheck& check = {});
[[nodiscard]] LoadedSettings load_text(const std::string& yaml, const std::string& name, const ConnectorKeys& connector_keys,
                                       const std::vector<std::string>& connector_types, const ConnectorCheck& check = {});

// The JSON Schema (draft 2020-12) of the file.
[[nodiscard]] std::string json_schema(const ConnectorKeys& connector_keys, const std::vector<std::string>& connector_types);

}  // namespace usher::config
