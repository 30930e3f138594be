// Every key of the file, once. A row is all that a new key needs besides the line that uses it and its row in
// docs/configuration.md.
#include <array>

#include "config/field.hpp"
#include "config/settings.hpp"
#include "routing/message/policy.hpp"
#include "routing/message/result.hpp"

namespace usher::config {
namespace {

constexpr long long second = 1000;
constexpr long long minute = 60 * second;
constexpr long long hour = 60 * minute;
constexpr long long day = 24 * hour;
constexpr long long partitions_max = 10'000;
constexpr long long conversations_max = 1000;  // Of one agent at once: far more than anyone can hold.

constexpr std::string_view log_levels[] = {"debug", "info", "warn", "error"};
constexpr std::string_view log_formats[] = {"json", "text"};
constexpr std::string_view urgencies[] = {"low", "normal", "high", "critical"};

constexpr Field text(std::string_view name, std::string_view fallback, std::string_view about, Form form = Form::any) {
  return {{name, Kind::text, false, fallback, about}, form};
}
constexpr Field required(Field field) {
  field.key.required = true;
  return field;
}
constexpr Field choice(std::string_view name, std::string_view fallback, std::span<const std::string_view> choices,
                       std::string_view about) {
  return {{name, Kind::text, false, fallback, about}, Form::choice, 0, 0, choices};
}
constexpr Field number(std::string_view name, std::string_view fallback, long long least, long long most,
                       std::string_view about) {
  return {{name, Kind::number, false, fallback, about}, Form::any, least, most};
}
constexpr Field duration(std::string_view name, std::string_view fallback, long long least, long long most,
                         std::string_view about) {
  return {{name, Kind::duration, false, fallback, about}, Form::any, least, most};
}
constexpr Field list(std::string_view name, Form form, std::string_view about) {
  return {{name, Kind::list, false, "", about}, form};
}
constexpr Field levels(std::string_view name, std::string_view about) {
  return {{name, Kind::map, false, "", about}, Form::levels, message::skill_level_min, message::skill_level_max};
}

constexpr Field secret(std::string_view name, std::string_view about) {
  return {{name, Kind::secret, false, "", about}};
}

constexpr Field top_fields[] = {
    required(
        text("tenant", "", "Name of this installation's tenant; part of every id, so never change it.", Form::name)),
    text("data", "./data", "Folder of the database, files and secrets; relative to this file. --data wins."),
    text("blobs", "", "Folder of customers' files; `blobs` in the data folder when absent. All nodes need the same one."),
    text("secrets", "", "Folder of secret.key and admin.token; the data folder when absent."),
    list("trusted_proxies", Form::address, "Addresses of proxies whose X-Forwarded-For is believed."),
    required(text("default_queue", "", "Queue of messages that no rule sends elsewhere.", Form::name)),
    duration("urgency_step", "10m", second, day, "Waiting time that one step of urgency is worth."),
    number("missed_offers_max", "2", 1, 100, "After so many unanswered offers in a row an agent is set away."),
    number("send_attempts_max", "8", 1, 100, "A reply that could not be sent is tried so many times."),
};
constexpr Field http_fields[] = {
    text("listen", "127.0.0.1:8080", "Where customers and agents connect; port 0 takes any free one.", Form::listen),
    {{"public_url", Kind::url, false, "", "How customers reach `listen` from outside; needed when it is a wildcard."}},
};
constexpr Field ops_fields[] = {
    text("listen", "127.0.0.1:8081", "Health, metrics and usherctl; keep it on a private address.", Form::listen),
};
constexpr Field log_fields[] = {
    choice("level", "info", log_levels, "The least important lines that are written."),
    choice("format", "json", log_formats, "How a line is written."),
};
constexpr Field desk_fields[] = {
    list("origins", Form::origin, "Web sites besides public_url whose pages may open an agent's session."),
};
constexpr Field times_fields[] = {
    duration("offer_timeout", "30s", second, hour, "How long an agent may think about an offer."),
    duration("session_grace", "30s", 0, hour,
             "A lost session may come back for so long before its work is given away."),
    duration("wrap_up", "2m", 0, day, "Time for notes after closing, without new offers; 0s for none."),
    duration("decline_memory", "5m", 0, day, "A declined conversation is not offered to the same agent for so long."),
    duration("reopen_within", "7d", 0, 90 * day, "A customer's message reopens a closed conversation for so long."),
    duration("dedupe_window", "7d", hour, 30 * day, "A message delivered again within this time is the same message."),
};
constexpr Field journal_fields[] = {
    duration("retention", "14d", hour, 25 * day, "How long the journal in the data folder keeps what was written."),
};
constexpr Field kafka_fields[] = {
    list("brokers", Form::listen, "Some brokers of the cluster, HOST:PORT; with this key the journal is in Kafka."),
    text("topic_prefix", "usher", "What the names of the topics begin with.", Form::topic),
    number("partition", "0", 0, partitions_max - 1, "The partition of this tenant; it never changes by itself."),
    {{"properties", Kind::map, false, "", "Settings of librdkafka, such as security.protocol; passed on as they are."}},
    secret("sasl_password", "Becomes sasl.password of librdkafka."),
    secret("ssl_key_password", "Becomes ssl.key.password of librdkafka."),
    number("partitions", "1", 1, partitions_max, "Partitions that usherctl topics ensure makes."),
    number("replication", "3", 1, 9, "Replicas that usherctl topics ensure asks for; 3 in production."),
    duration("retention", "14d", hour, 25 * day, "How long the cluster keeps what customers wrote."),
};
constexpr Field redis_fields[] = {
    text("url", "", "redis://[user@]host[:port][/database] or unix:///path; with it the state is in Redis.", Form::redis),
    list("sentinels", Form::listen, "Instead of the host: Sentinels that know where the primary is, HOST:PORT."),
    text("sentinel_name", "", "How the Sentinels call the primary."),
    text("user", "", "The user to sign in as, where the URL names none."),
    secret("password", "The password of that user."),
    number("database", "0", 0, redis_database_max, "The number of the database, where the URL names none."),
    text("key_prefix", "usher:v1", "What all keys begin with.", Form::any),
    duration("bodies_kept_for", "30d", hour, 3650 * day, "Texts of forgotten conversations are kept for so long."),
};
constexpr std::string_view off[] = {"off"};
constexpr Field zmq_fields[] = {
    {{"agents", Kind::text, false, "tcp://127.0.0.1:5570", "Where agents' programs connect; off for nowhere."},
     Form::endpoint,
     0,
     0,
     off},
    text("fabric", "tcp://127.0.0.1:0", "Where a desk hears routers of other processes; port 0 takes any free one.",
         Form::endpoint),
    text("advertise", "", "The host under which routers reach `fabric`; needed when that is a wildcard."),
    secret("cluster_secret", "The same text on every node, 32 characters or more: it protects what they say."),
    text("curve_secret_file", "", "File of the secret key of `agents`, mode 0600; needed beyond this machine."),
    {{"allowed_keys", Kind::map, false, "", "Public keys of agents' programs, each with its agent."}},
};
constexpr Field node_fields[] = {
    text("name", "", "What the log and other nodes call this one; the machine's name when absent.", Form::name),
};

constexpr Section section_rows[] = {
    {"http", "The public listener.", http_fields},
    {"ops", "The operators' listener.", ops_fields},
    {"log", "The daemon's own log; it never holds customers' text.", log_fields},
    {"desk", "Agents' browsers.", desk_fields},
    {"times", "How long things may take.", times_fields},
    {"journal", "The journal in the data folder, where there is no Kafka.", journal_fields},
    {"kafka", "The journal in Apache Kafka; together with `redis`, or not at all.", kafka_fields},
    {"redis", "The tracked state in Redis; together with `kafka`, or not at all.", redis_fields},
    {"zmq", "Agents' programs, and routers and desks in different processes.", zmq_fields},
    {"node", "This process among several.", node_fields},
};
constexpr Section collection_rows[] = {
    {"connectors", "Ways in and out for customers, by name; `type` says which kind.", {}},
    {"labels", "Labels, each with the words that give it: whole words in subject or text, whatever the case.", {}},
    {"queues", "Where conversations wait, by name; at least one.", {}},
    {"rules", "What happens to a message by where it came from and what it says; all that match apply, in order.", {}},
    {"agents", "The people who answer, by name.", {}},
};

constexpr Field queue_fields[] = {
    levels("skills", "Skills that an agent needs, each with the least level."),
    choice("urgency", "normal", urgencies, "How urgent its conversations are."),
    duration("answer_within", "", second, 90 * day, "Promised time to the first human answer; none when absent."),
};
constexpr Field rule_fields[] = {
    required(text("name", "", "What decisions call this rule; unique.")),
};
constexpr Field when_fields[] = {
    text("connector", "", "The message came by this connector.", Form::name),
    text("channel", "", "The message came by this channel, such as webform or http.", Form::name),
    text("label", "", "The message carries this label.", Form::name),
    text("language", "", "The message is in this language.", Form::language),
};
constexpr Field then_fields[] = {
    text("queue", "", "It waits in this queue; the last rule wins.", Form::name),
    choice("urgency", "", urgencies, "It is so urgent; the last rule wins."),
    levels("skills", "It also needs these skills; rules add up."),
};
constexpr Field agent_fields[] = {
    text("name", "", "What customers read; the agent's key when absent."),
    levels("skills", "What the agent can do, each with a level."),
    {{"capacity", Kind::map, false, "",
      "Conversations at once by channel; `other` for the rest, `total` for all; 1 when absent."},
     Form::counts,
     0,
     conversations_max},
    {{"token", Kind::secret, false, "",
      "The agent's sign-in token; at least 8 characters. Better: usherctl token create."}},
    text("token_sha256", "", "Instead of the token, its SHA-256 in hexadecimal.", Form::digest),
};

}  // namespace

const Section top_section{"", "", top_fields};
const std::span<const Section> sections = section_rows;
const std::span<const Section> collections = collection_rows;
const Section queue_section{"queues", "One queue.", queue_fields};
const Section rule_section{"rules", "One rule.", rule_fields};
const Section when_section{"when", "All conditions written must hold; at least one.", when_fields};
const Section then_section{"then", "What is decided; at least one.", then_fields};
const Section agent_section{"agents", "One agent.", agent_fields};
const Field connector_type_field = required(text("type", "", "The kind of connector.", Form::name));

const Section& section_named(std::string_view name) {
  for (const auto& section : sections) {
    if (section.name == name) return section;
  }
  message::expect(false, "a section is asked for by a name in the table");
  return top_section;
}

std::vector<std::string_view> holder_names() {
  std::vector<std::string_view> names;
  for (const auto& section : sections) names.push_back(section.name);
  for (const auto& section : collections) names.push_back(section.name);
  return names;
}

std::vector<std::string_view> top_names() {
  auto names = holder_names();
  for (const auto& field : top_section.fields) names.push_back(field.key.name);
  return names;
}

std::vector<Field> fields_of(std::span<const Key> keys) {
  std::vector<Field> fields;
  for (const auto& key : keys) fields.push_back({key});
  return fields;
}

}  // namespace usher::config
