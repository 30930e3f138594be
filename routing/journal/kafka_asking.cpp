// Questions through librdkafka's metadata, watermark and admin calls. An admin call answers through a queue of its own.
#include "routing/journal/kafka_asking.hpp"

#include <algorithm>
#include <chrono>

namespace usher::journal {

namespace {

int in_ms(Milliseconds within) { return static_cast<int>(std::max<Milliseconds::rep>(within.count(), 1)); }

// One admin call: its options, the queue its answer comes through, and the answer.
class AdminCall {
 public:
  AdminCall(rd_kafka_t* client, rd_kafka_admin_op_t operation, Milliseconds within)
      : within_(in_ms(within)), options_(rd_kafka_AdminOptions_new(client, operation)), queue_(rd_kafka_queue_new(client)) {
    char reason[256];
    expect(rd_kafka_AdminOptions_set_request_timeout(options_.get(), within_, reason, sizeof reason) == RD_KAFKA_RESP_ERR_NO_ERROR,
           "an admin call has a limit of time");
  }
  void wait_on_broker() {
    char reason[256];
    expect(rd_kafka_AdminOptions_set_operation_timeout(options_.get(), within_, reason, sizeof reason) == RD_KAFKA_RESP_ERR_NO_ERROR,
           "the broker's own work has a limit of time");
  }
  [[nodiscard]] const rd_kafka_AdminOptions_t* options() const { return options_.get(); }
  [[nodiscard]] rd_kafka_queue_t* queue() const { return queue_.get(); }

  // Empty: answered; answer() is there.
  std::optional<std::string> wait() {
    answer_.reset(rd_kafka_queue_poll(queue_.get(), within_ + 1000));
    if (!answer_) return "no answer";
    if (rd_kafka_event_error(answer_.get()) == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
    return rd_kafka_event_error_string(answer_.get());
  }
  [[nodiscard]] rd_kafka_event_t* answer() const { return answer_.get(); }

 private:
  int within_;
  KafkaOwned<rd_kafka_AdminOptions_t> options_;
  KafkaOwned<rd_kafka_queue_t> queue_;
  KafkaOwned<rd_kafka_event_t> answer_;
};

}  // namespace

Result<std::unique_ptr<KafkaAsking>> KafkaAsking::open(const KafkaOptions& options, KafkaLog& log) {
  std::unique_ptr<KafkaAsking> asking(new KafkaAsking(options.topic_prefix, log));
  auto client = make_kafka_client(options, KafkaUse::asking, asking->hooks_);
  if (!client) return client.error();
  asking->client_ = std::move(*client);
  return asking;
}

Error KafkaAsking::unavailable(const std::string& what, const std::string& why) const {
  const auto newest = log_.newest();
  return fail(Fault::unavailable, what + ": " + why + (newest.empty() ? "" : " (" + newest + ")"));
}

void KafkaAsking::know_end(Log log, Offset end) {
  const std::lock_guard lock(mutex_);
  auto& known = ends_[log];
  known = std::max(known, end);
}

Offset KafkaAsking::known_end(Log log) const {
  const std::lock_guard lock(mutex_);
  const auto found = ends_.find(log);
  return found == ends_.end() ? 0 : found->second;
}

// Not rd_kafka_query_watermark_offsets(): while its broker is away that waits without end (librdkafka 2.0.2). The offset of a
// time is asked by the same request, and the times -1 and -2 mean the end and the beginning.
Result<Offset> KafkaAsking::ask_offset(Log log, Offset which, Milliseconds within) {
  const auto name = topic(log.first);
  const KafkaOwned<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  auto* asked = rd_kafka_topic_partition_list_add(list.get(), name.c_str(), log.second);
  asked->offset = which;
  auto code = rd_kafka_offsets_for_times(client_.get(), list.get(), in_ms(within));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = asked->err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR || asked->offset < 0)
    return unavailable("where " + name + " begins and ends", rd_kafka_err2str(code));
  return asked->offset;
}

Result<Bounds> KafkaAsking::bounds(Log log, Milliseconds within) {
  const auto before = known_end(log);
  const auto begin = std::chrono::steady_clock::now();
  const auto end = ask_offset(log, RD_KAFKA_OFFSET_END, within);
  if (!end) return end.error();
  const auto taken = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin);
  const auto first = ask_offset(log, RD_KAFKA_OFFSET_BEGINNING, within - taken);
  if (!first) return first.error();
  // Retention may have moved the beginning between the two answers.
  const Bounds bounds{std::min(*first, *end), *end};
  const std::lock_guard lock(mutex_);
  auto& known = ends_[log];
  // Asked after `before` was known, and still less than that: this is another log. Unless somebody knew more meanwhile.
  if (bounds.end < before && known == before) known = bounds.end;
  known = std::max(known, bounds.end);
  return bounds;
}

std::optional<Error> KafkaAsking::reach(Milliseconds within) {
  const rd_kafka_metadata_t* found = nullptr;
  const auto code = rd_kafka_metadata(client_.get(), 0, nullptr, &found, in_ms(within));
  const KafkaOwned<const rd_kafka_metadata_t> metadata(found);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return unavailable("no Kafka broker answers", rd_kafka_err2str(code));
}

Result<KafkaTopicState> KafkaAsking::describe(const std::string& topic, Milliseconds within) {
  const KafkaOwned<rd_kafka_topic_t> handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  const rd_kafka_metadata_t* found = nullptr;
  const auto code = rd_kafka_metadata(client_.get(), 0, handle.get(), &found, in_ms(within));
  const KafkaOwned<const rd_kafka_metadata_t> metadata(found);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return unavailable("what " + topic + " is like", rd_kafka_err2str(code));
  KafkaTopicState state;
  if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) return state;
  const auto& seen = metadata->topics[0];
  state.exists = true;
  state.partitions = seen.partition_cnt;
  state.replication = seen.partitions[0].replica_cnt;
  for (int i = 1; i < seen.partition_cnt; ++i) state.replication = std::min(state.replication, seen.partitions[i].replica_cnt);
  if (auto error = read_settings(RD_KAFKA_RESOURCE_TOPIC, topic, state, within)) return *error;
  return state;
}

std::optional<Error> KafkaAsking::read_settings(rd_kafka_ResourceType_t type, const std::string& name, KafkaTopicState& state,
                                                Milliseconds within) {
  AdminCall call(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, within);
  const KafkaOwned<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(type, name.c_str()));
  auto* wanted = resource.get();
  rd_kafka_DescribeConfigs(client_.get(), &wanted, 1, call.options(), call.queue());
  if (const auto why = call.wait()) return unavailable("how " + name + " is set", *why);
  std::size_t count = 0;
  const auto* answer = rd_kafka_event_DescribeConfigs_result(call.answer());
  auto* const* resources = rd_kafka_DescribeConfigs_result_resources(answer, &count);
  if (count != 1) return unavailable("how " + name + " is set", "no answer");
  if (rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const auto* why = rd_kafka_ConfigResource_error_string(resources[0]);
    return fail(Fault::unauthorised, "how " + name + " is set cannot be read: " + (why ? why : "refused"));
  }
  const auto** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (!value) continue;
    state.settings[rd_kafka_ConfigEntry_name(entries[i])] = value;
    if (rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
      state.chosen[rd_kafka_ConfigEntry_name(entries[i])] = value;
  }
  return std::nullopt;
}

std::optional<std::string> KafkaAsking::broker_setting(const std::string& name, Milliseconds within) {
  const rd_kafka_metadata_t* found = nullptr;
  const auto code = rd_kafka_metadata(client_.get(), 0, nullptr, &found, in_ms(within));
  const KafkaOwned<const rd_kafka_metadata_t> metadata(found);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR || metadata->broker_cnt == 0) return std::nullopt;
  KafkaTopicState state;
  if (read_settings(RD_KAFKA_RESOURCE_BROKER, std::to_string(metadata->brokers[0].id), state, within)) return std::nullopt;
  const auto setting = state.settings.find(name);
  return setting == state.settings.end() ? std::nullopt : std::optional(setting->second);
}

std::optional<Error> KafkaAsking::create(const std::string& topic, int partitions, int replication,
                                         const std::map<std::string, std::string>& settings, Milliseconds within) {
  char reason[256] = "";
  const KafkaOwned<rd_kafka_NewTopic_t> wish(rd_kafka_NewTopic_new(topic.c_str(), partitions, replication, reason, sizeof reason));
  if (!wish) return fail(Fault::malformed, topic + " cannot be made: " + reason);
  for (const auto& [name, value] : settings) rd_kafka_NewTopic_set_config(wish.get(), name.c_str(), value.c_str());
  AdminCall call(client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, within);
  call.wait_on_broker();
  auto* wanted = wish.get();
  rd_kafka_CreateTopics(client_.get(), &wanted, 1, call.options(), call.queue());
  if (const auto why = call.wait()) return unavailable("making " + topic, *why);
  std::size_t count = 0;
  const auto** results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(call.answer()), &count);
  if (count != 1) return unavailable("making " + topic, "no answer");
  const auto code = rd_kafka_topic_result_error(results[0]);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return std::nullopt;
  const auto* why = rd_kafka_topic_result_error_string(results[0]);
  return fail(Fault::malformed, topic + " cannot be made: " + (why ? why : rd_kafka_err2str(code)));
}

std::optional<Error> KafkaAsking::set(const std::string& topic, const std::map<std::string, std::string>& settings,
                                      Milliseconds within) {
  AdminCall call(client_.get(), RD_KAFKA_ADMIN_OP_ALTERCONFIGS, within);
  const KafkaOwned<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const auto& [name, value] : settings) rd_kafka_ConfigResource_set_config(resource.get(), name.c_str(), value.c_str());
  auto* wanted = resource.get();
  rd_kafka_AlterConfigs(client_.get(), &wanted, 1, call.options(), call.queue());
  if (const auto why = call.wait()) return unavailable("setting " + topic, *why);
  std::size_t count = 0;
  auto* const* resources = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(call.answer()), &count);
  if (count == 1 && rd_kafka_ConfigResource_error(resources[0]) == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const auto* why = count == 1 ? rd_kafka_ConfigResource_error_string(resources[0]) : nullptr;
  return fail(Fault::malformed, topic + " cannot be set: " + (why ? why : "refused"));
}

}  // namespace usher::journal
