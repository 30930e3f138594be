// Settings by use, the properties that are refused, and the callbacks from librdkafka's C into KafkaHooks.
#include "routing/journal/kafka_client.hpp"

#include <syslog.h>

#include <chrono>
#include <cstring>
#include <string_view>

namespace usher::journal {

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

// A record's value, its headers and the library's own bytes around them.
constexpr std::size_t message_bytes_max = limits::record_bytes_max + 16 * 1024;

// What an operator may not set: it would make a promise of ours untrue, or we say it elsewhere. A dot at the end: all of them.
constexpr std::string_view refused[] = {
    "acks", "request.required.acks", "enable.idempotence", "enable.gapless.guarantee", "max.in.flight",
    "max.in.flight.requests.per.connection", "message.timeout.ms", "delivery.timeout.ms", "retries",
    "message.send.max.retries", "transactional.id", "transaction.timeout.ms", "partitioner", "queuing.strategy",
    "auto.offset.reset", "enable.auto.commit", "auto.commit.", "enable.auto.offset.store", "offset.store.",
    "enable.partition.eof", "group.", "isolation.level", "allow.auto.create.topics", "message.max.bytes",
    "queue.buffering.", "check.crcs", "bootstrap.servers", "metadata.broker.list", "client.id", "plugin." "library.paths",
    "test.mock.", "opaque", "default_topic_conf", "interceptors"};

bool may_be_set(std::string_view name) {
  for (const auto& each : refused)
    if (name == each || (each.ends_with('.') && name.starts_with(each))) return false;
  return !name.ends_with("_cb");
}

Settings settings_of_all(const KafkaOptions& options) {
  return {{"bootstrap.servers", options.brokers},
          {"client.id", options.client_id},
          {"socket.nagle.disable", "true"},
          {"socket.keepalive.enable", "true"},
          // A connection that was cut without a word is given up, and tried anew, well within a router's patience.
          {"socket.timeout.ms", "10000"},
          {"reconnect.backoff.ms", "50"},
          {"reconnect.backoff.max.ms", "1000"},
          {"retry.backoff.ms", "50"},
          {"topic.metadata.refresh.fast.interval.ms", "100"},
          {"log.connection.close", "false"}};
}

// Rule J2: a position that is gone is an error, never a jump.
Settings settings_of_readers(KafkaUse use) {
  Settings settings{{"auto.offset.reset", "error"},
                    {"enable.auto.commit", "false"},
                    {"enable.auto.offset.store", "false"},
                    {"enable.partition.eof", "true"},
                    {"allow.auto.create.topics", "false"},
                    {"check.crcs", "true"},
                    {"fetch.min.bytes", "1"},
                    {"fetch.error.backoff.ms", "20"},
                    {"max.partition.fetch.bytes", "4194304"}};
  if (use == KafkaUse::following) settings.emplace_back("fetch.wait.max.ms", "100");
  if (use == KafkaUse::scanning) {
    // Scans end before the tail, so nobody waits there; and one that is left standing keeps little.
    settings.emplace_back("fetch.wait.max.ms", "10");
    settings.emplace_back("queued.min.messages", "2000");
    settings.emplace_back("queued.max.messages.kbytes", "8192");
  }
  return settings;
}

Settings settings_of_producers(const KafkaOptions& options, KafkaUse use) {
  const auto timeout = use == KafkaUse::accepting ? (options.append_within - gathered_within(options.append_within)).count() : 0;
  return {{"enable.idempotence", "true"},
          {"acks", "all"},
          // So that what a wave of KafkaProducer hands over goes in one request; and nobody waits for what is published.
          {"linger.ms", use == KafkaUse::accepting ? "1" : "5"},
          {"max.in.flight.requests.per.connection", "5"},
          {"message.timeout.ms", std::to_string(timeout)},
          {"request.timeout.ms", "8000"},
          {"message.max.bytes", std::to_string(message_bytes_max)},
          // Our own limit is checked first and answers `overloaded`; the library's must never be the smaller one.
          {"queue.buffering.max.messages", std::to_string(options.append_queue_max * 2 + 1000)},
          {"queue.buffering.max.kbytes", std::to_string(options.append_queue_bytes_max / 512 + 65536)}};
}

void on_log(const rd_kafka_t* client, int level, const char* facility, const char* line) {
  // CONFWARN: that a producer's property does nothing for a reader; we set both alike.
  if (level > LOG_WARNING || std::strcmp(facility, "CONFWARN") == 0) return;
  const auto* hooks = static_cast<const KafkaHooks*>(rd_kafka_opaque(client));
  if (hooks && hooks->log) hooks->log->say(std::string(facility) + ": " + line);
}

void on_delivered(rd_kafka_t*, const rd_kafka_message_t* report, void* hooks) {
  static_cast<KafkaHooks*>(hooks)->delivered(*report);
}

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  const auto* hooks = static_cast<const KafkaHooks*>(opaque);
  if (hooks->log) hooks->log->say(reason);
  if (code == RD_KAFKA_RESP_ERR__FATAL && hooks->broken) hooks->broken();
}

}  // namespace

void KafkaLog::say(const std::string& line) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  {
    const std::lock_guard lock(mutex_);
    newest_ = line;
    if (second == said_at_second_) return;
    said_at_second_ = second;
  }
  if (sink_) sink_(line);
}

std::string KafkaLog::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

Result<KafkaOwned<rd_kafka_t>> make_kafka_client(const KafkaOptions& options, KafkaUse use, KafkaHooks& hooks,
                                                 const std::string& group) {
  const bool producer = use == KafkaUse::accepting || use == KafkaUse::publishing;
  KafkaOwned<rd_kafka_conf_t> settings(rd_kafka_conf_new());
  char reason[512] = "";
  auto wanted = settings_of_all(options);
  for (auto& each : producer ? settings_of_producers(options, use) : settings_of_readers(use)) wanted.push_back(each);
  if (!group.empty()) wanted.emplace_back("group.id", group);
  for (const auto& [name, value] : wanted)
    expect(rd_kafka_conf_set(settings.get(), name.c_str(), value.c_str(), reason, sizeof reason) == RD_KAFKA_CONF_OK ||
               name == "bootstrap.servers" || name == "client.id" || name == "group.id",
           "librdkafka knows our settings");
  for (const auto& [name, value] : options.properties) {
    if (!may_be_set(name)) return fail(Fault::malformed, "the kafka property " + name + " is not to be set: Usher's promises rest on it");
    const auto outcome = rd_kafka_conf_set(settings.get(), name.c_str(), value.c_str(), reason, sizeof reason);
    if (outcome == RD_KAFKA_CONF_UNKNOWN) return fail(Fault::malformed, "there is no kafka property " + name);
    if (outcome != RD_KAFKA_CONF_OK) return fail(Fault::malformed, "the kafka property " + name + " has a value that is not accepted");
  }
  rd_kafka_conf_set_opaque(settings.get(), &hooks);
  rd_kafka_conf_set_log_cb(settings.get(), on_log);
  if (producer) {
    rd_kafka_conf_set_dr_msg_cb(settings.get(), on_delivered);
    rd_kafka_conf_set_error_cb(settings.get(), on_error);
  }
  KafkaOwned<rd_kafka_t> client(
      rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, settings.get(), reason, sizeof reason));
  if (!client) return fail(Fault::malformed, std::string("the kafka client cannot be made: ") + reason);
  static_cast<void>(settings.release());  // The client owns them from here on.
  return client;
}

std::string kafka_topic(const std::string& prefix, Stream stream) {
  const auto name = stream == Stream::dead_letters ? std::string("dead-letter") : std::string(stream_name(stream));
  return prefix + "." + name + ".v1";
}

std::vector<std::string> weak_properties(const KafkaOptions& options) {
  std::vector<std::string> weak;
  const auto is = [&](const char* name, std::initializer_list<std::string_view> values) {
    const auto found = options.properties.find(name);
    if (found == options.properties.end()) return false;
    for (const auto value : values)
      if (found->second == value) return true;
    return false;
  };
  if (is("enable.ssl.certificate.verification", {"false", "0", "f"}))
    weak.emplace_back("the brokers' certificates are not verified (enable.ssl.certificate.verification)");
  return weak;
}

}  // namespace usher::journal
