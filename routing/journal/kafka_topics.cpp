// Planning, making and checking topics through KafkaAsking. Read by operators in two places: `usherctl topics ensure` and /readyz.
#include "routing/journal/kafka_topics.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "routing/journal/kafka_topic_plan.hpp"

namespace usher::journal {

namespace {

constexpr auto ask_within = Milliseconds(10'000);
constexpr Milliseconds retention_usual = std::chrono::hours(24 * 14);
constexpr auto marks_kept_min = std::chrono::minutes(std::chrono::hours(24 * 90));
constexpr auto compacted_within = Milliseconds(std::chrono::hours(24));
// A batch is one message at least: the largest record, its headers and Kafka's own bytes around both.
constexpr std::int64_t message_bytes = 2 * 1024 * 1024;

std::int64_t number(const KafkaTopicState& state, const std::string& name, std::int64_t otherwise) {
  const auto found = state.settings.find(name);
  if (found == state.settings.end()) return otherwise;
  std::int64_t value = otherwise;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

std::string text(const KafkaTopicState& state, const std::string& name) {
  const auto found = state.settings.find(name);
  return found == state.settings.end() ? "" : found->second;
}

// max.message.bytes may be larger; the others must be exactly so.
bool is_met(const KafkaTopicState& state, const std::string& name, const std::string& wanted) {
  if (name == "max.message.bytes") return number(state, name, 0) >= message_bytes;
  return text(state, name) == wanted;
}

// Who shortens it loses records, and who chose it by hand meant it: an operator decides, with Kafka's own tools.
std::string retention_left_alone(const TopicPlan& plan, const KafkaTopicState& state) {
  const auto planned = plan.settings.find("retention.ms");
  const auto kept = text(state, "retention.ms");
  if (planned == plan.settings.end() || kept.empty() || kept == planned->second) return {};
  return "; retention.ms is " + kept + " and by kafka.retention would be " + planned->second + ": left alone, Kafka's own tools change it";
}

// A topic that is there: what has to be set, or what only people can do.
TopicStep mend(KafkaAsking& asking, const TopicPlan& plan, const TopicWishes& wishes, const KafkaTopicState& state, bool dry_run) {
  if (state.partitions != wishes.partitions)
    return {plan.topic,
            "has " + std::to_string(state.partitions) + " partitions instead of " + std::to_string(wishes.partitions) +
                ": tenants would move (rule J5), so it is left alone",
            false};
  auto settings = state.chosen;
  std::string names;
  for (const auto& [name, wanted] : must_be_set(plan.stream))
    if (!is_met(state, name, wanted)) {
      settings[name] = wanted;
      names += (names.empty() ? "" : ", ") + name;
    }
  const auto left_alone = retention_left_alone(plan, state);
  if (names.empty()) return {plan.topic, "there" + left_alone, true};
  if (dry_run) return {plan.topic, "set " + names + left_alone, false};
  const auto error = asking.set(plan.topic, settings, ask_within);
  return {plan.topic, (error ? error->detail : "set " + names) + left_alone, !error};
}

// What was made or set is not known to every broker at once; whoever starts the daemon next should find it.
void await_topic(KafkaAsking& asking, const TopicPlan& plan) {
  const auto until = std::chrono::steady_clock::now() + ask_within;
  while (std::chrono::steady_clock::now() < until) {
    const auto state = asking.describe(plan.topic, ask_within);
    const auto wanted = must_be_set(plan.stream);
    if (state && state->exists && std::all_of(wanted.begin(), wanted.end(), [&](const auto& each) {
          return is_met(*state, each.first, each.second);
        }))
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TopicStep make(KafkaAsking& asking, const TopicPlan& plan, const TopicWishes& wishes) {
  const auto error = asking.create(plan.topic, wishes.partitions, wishes.replication, plan.settings, ask_within);
  return {plan.topic, error ? error->detail : "create", !error};
}

// Names of topics by what is said of them, so that six topics do not make six sentences.
using Findings = std::map<std::string, std::string>;

void find(Findings& findings, const std::string& what, const std::string& topic) {
  auto& topics = findings[what];
  topics += (topics.empty() ? "" : ", ") + topic;
}

void check_topic(const TopicPlan& plan, const KafkaTopicState& state, Findings& wrong, Findings& weak) {
  for (const auto& [name, wanted] : must_be_set(plan.stream))
    if (!is_met(state, name, wanted)) find(wrong, name + " is " + text(state, name) + " and must be " + wanted, plan.topic);
  const auto in_sync = number(state, "min.insync.replicas", 1);
  if (state.replication < 2)
    find(weak, "one replica: a record is acknowledged from one broker's memory, and is lost when that machine loses power or its disk",
         plan.topic);
  else if (in_sync < 2)
    find(weak, "min.insync.replicas is 1: a record may be acknowledged by one broker alone", plan.topic);
  if (in_sync > state.replication) find(wrong, "min.insync.replicas is larger than the number of replicas", plan.topic);
  if (text(state, "unclean.leader.election.enable") == "true")
    find(weak, "unclean.leader.election.enable: a broker that missed records may become the leader and lose them", plan.topic);
}

}  // namespace

std::map<std::string, std::string> must_be_set(Stream stream) {
  return {{"message.timestamp.type", "LogAppendTime"},
          {"cleanup.policy", stream == Stream::snapshots ? "compact" : "delete"},
          {"max.message.bytes", std::to_string(message_bytes)}};
}

std::vector<TopicPlan> plan_topics(const std::string& prefix, const TopicWishes& wishes) {
  const auto kept = wishes.retention.count() > 0 ? wishes.retention : retention_usual;
  std::vector<TopicPlan> plans;
  for (int i = 0; i < stream_count; ++i) {
    const auto stream = static_cast<Stream>(i);
    auto settings = must_be_set(stream);
    settings["min.insync.replicas"] = wishes.replication >= 3 ? "2" : "1";
    settings["unclean.leader.election.enable"] = "false";
    if (stream == Stream::snapshots) {
      // What was erased is gone for good within a day or so (rule X6), whether or not much is written.
      settings["max.compaction.lag.ms"] = std::to_string(compacted_within.count());
      settings["segment.ms"] = std::to_string(compacted_within.count() / 4);
      settings["delete.retention.ms"] = std::to_string(compacted_within.count());
    } else {
      // Effects outlive their causes (rule E2): a rebuild looks there for what is already out.
      const bool causes = stream == Stream::inbound || stream == Stream::control;
      settings["retention.ms"] = std::to_string(kept.count() * (causes ? 1 : 2));
    }
    plans.push_back({stream, kafka_topic(prefix, stream), std::move(settings)});
  }
  return plans;
}

Result<std::vector<TopicStep>> ensure_topics(const KafkaOptions& options, const TopicWishes& wishes, bool dry_run) {
  KafkaLog log(options.log);
  const auto asking = KafkaAsking::open(options, log);
  if (!asking) return asking.error();
  if (auto error = (*asking)->reach(ask_within)) return *error;
  std::vector<TopicStep> steps;
  std::vector<TopicPlan> changed;
  for (const auto& plan : plan_topics(options.topic_prefix, wishes)) {
    const auto state = (*asking)->describe(plan.topic, ask_within);
    if (!state) return state.error();
    if (state->exists) {
      steps.push_back(mend(**asking, plan, wishes, *state, dry_run));
      if (steps.back().done && !steps.back().what.starts_with("there")) changed.push_back(plan);
    } else if (dry_run) {
      steps.push_back({plan.topic, "create", false});
    } else {
      steps.push_back(make(**asking, plan, wishes));
      if (steps.back().done) changed.push_back(plan);
    }
  }
  for (const auto& plan : changed) await_topic(**asking, plan);
  return steps;
}

std::optional<std::string> forgets_marks(const std::string& minutes) {
  std::int64_t kept = 0;
  const auto read = std::from_chars(minutes.data(), minutes.data() + minutes.size(), kept);
  if (read.ec != std::errc() || std::chrono::minutes(kept) >= marks_kept_min) return std::nullopt;
  return "offsets.retention.minutes is " + minutes + ": when no daemon runs for longer than " + std::to_string(kept / (24 * 60)) +
         " days, it is forgotten where connectors go on, mail that came meanwhile is not taken and replies of that time are not sent; 525600 is a year";
}

std::optional<Error> check_topics(KafkaAsking& asking, Milliseconds within, std::vector<std::string>& weak_sentences) {
  Findings wrong;
  Findings weak;
  std::map<Stream, KafkaTopicState> states;
  for (int i = 0; i < stream_count; ++i) {
    const auto stream = static_cast<Stream>(i);
    const TopicPlan plan{stream, asking.topic(stream), {}};
    auto state = asking.describe(plan.topic, within);
    if (!state) return state.error();
    if (!state->exists) {
      find(wrong, "missing: `usherctl topics ensure` makes them", plan.topic);
      continue;
    }
    check_topic(plan, *state, wrong, weak);
    states[stream] = std::move(*state);
  }
  const auto& inbound = states[Stream::inbound];
  for (const auto stream : {Stream::outbound, Stream::events, Stream::control, Stream::dead_letters, Stream::snapshots})
    if (states.contains(stream) && states[stream].partitions != inbound.partitions)
      find(wrong, "not as many partitions as inbound has (rule E1)", asking.topic(stream));
  for (const auto stream : {Stream::outbound, Stream::events}) {
    const auto kept = number(states[stream], "retention.ms", -1);
    const auto causes_kept = number(inbound, "retention.ms", -1);
    if (kept >= 0 && (causes_kept < 0 || kept < causes_kept))
      find(weak, "kept for less long than inbound: a rebuild could repeat effects", asking.topic(stream));
  }
  // A user who may not ask about brokers is not told, and docs/kafka.md names the setting.
  if (const auto minutes = asking.broker_setting("offsets.retention.minutes", within))
    if (auto sentence = forgets_marks(*minutes)) weak_sentences.push_back(std::move(*sentence));
  for (const auto& [what, topics] : weak) weak_sentences.push_back(topics + ": " + what);
  if (wrong.empty()) return std::nullopt;
  std::string sentence;
  for (const auto& [what, topics] : wrong) sentence += (sentence.empty() ? "" : "; ") + topics + ": " + what;
  return fail(Fault::malformed, sentence);
}

}  // namespace usher::journal
