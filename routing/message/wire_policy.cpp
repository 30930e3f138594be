// Policy to JSON and back. Every member is written and required: a policy is Usher's own, and policy_hash() names
// exactly what was read. Unknown members are ignored.
#include "routing/message/wire_policy.hpp"

#include <algorithm>

namespace usher::message::wire {

namespace {

// In the order of enum Urgency, which starts at 0.
constexpr std::array<std::string_view, 4> urgency_names{"low", "normal", "high", "critical"};

// A policy is bounded by the record it stands in; its lists have no limit of their own but those of one owner.
constexpr std::size_t entries_max = limits::record_bytes_max;
constexpr std::size_t of_one_max = limits::list_items_max;

std::string_view urgency_name(Urgency urgency) { return urgency_names.at(static_cast<std::size_t>(urgency)); }

// --- Writing ---

void write(Writer& out, std::string_view name, const std::vector<Requirement>& requirements) {
  out.list(name, requirements, [&](const Requirement& requirement) {
    out.begin_object();
    out.name("skill", requirement.skill);
    out.number("level_min", requirement.level_min);
    out.end_object();
  });
}

void write(Writer& out, const QueuePolicy& queue) {
  out.begin_object();
  out.name("id", queue.id);
  write(out, "requirements", queue.requirements);
  out.text("urgency", urgency_name(queue.urgency));
  out.duration("answer_within_ms", queue.answer_within);
  out.end_object();
}

void write(Writer& out, const RoutingRule& rule) {
  out.begin_object();
  out.text("name", rule.name);
  out.optional_name("connector", rule.connector);
  out.optional_text("channel", rule.channel);
  out.optional_text("label", rule.label);
  out.optional_text("language", rule.language);
  out.optional_name("queue", rule.queue);
  rule.urgency ? out.text("urgency", urgency_name(*rule.urgency)) : out.null("urgency");
  write(out, "requirements", rule.requirements);
  out.end_object();
}

void write(Writer& out, const AgentPolicy& agent) {
  out.begin_object();
  out.name("id", agent.id);
  out.text("display_name", agent.display_name);
  out.list("skills", agent.skills, [&](const Proficiency& proficiency) {
    out.begin_object();
    out.name("skill", proficiency.skill);
    out.number("level", proficiency.level);
    out.end_object();
  });
  out.key("capacity");
  out.begin_object();
  for (const auto& [channel, conversations] : agent.capacity) {
    out.free_key(channel);
    out.item(std::int64_t{conversations});
  }
  out.end_object();
  out.number("capacity_other", agent.capacity_other);
  out.number("capacity_total", agent.capacity_total);
  out.end_object();
}

void write(Writer& out, const PolicyTimes& times) {
  out.key("times");
  out.begin_object();
  out.duration("offer_timeout_ms", times.offer_timeout);
  out.duration("session_grace_ms", times.session_grace);
  out.duration("wrap_up_ms", times.wrap_up);
  out.duration("decline_memory_ms", times.decline_memory);
  out.duration("reopen_within_ms", times.reopen_within);
  out.duration("dedupe_window_ms", times.dedupe_window);
  out.end_object();
}

// --- Reading ---

void read(Reader& in, std::string_view name, std::vector<Requirement>& out) {
  in.objects(name, Need::required, of_one_max, [&](Reader& item) {
    Requirement& requirement = out.emplace_back();
    item.name("skill", requirement.skill);
    item.small_integer("level_min", requirement.level_min, skill_level_min, skill_level_max);
  });
}

void read_queue(Reader& in, QueuePolicy& out) {
  in.name("id", out.id);
  read(in, "requirements", out.requirements);
  const auto urgency = in.choice("urgency", urgency_names, Need::required);
  if (urgency) out.urgency = static_cast<Urgency>(*urgency);
  in.duration("answer_within_ms", out.answer_within);
}

void read_rule(Reader& in, RoutingRule& out) {
  in.text("name", out.name);
  in.optional_name("connector", out.connector);
  in.optional_text("channel", out.channel);
  in.optional_text("label", out.label);
  in.optional_text("language", out.language);
  in.optional_name("queue", out.queue);
  const auto urgency = in.choice("urgency", urgency_names, Need::optional);
  if (urgency) out.urgency = static_cast<Urgency>(*urgency);
  read(in, "requirements", out.requirements);
}

void read_agent(Reader& in, AgentPolicy& out) {
  in.name("id", out.id);
  in.text("display_name", out.display_name);
  in.objects("skills", Need::required, of_one_max, [&](Reader& item) {
    Proficiency& proficiency = out.skills.emplace_back();
    item.name("skill", proficiency.skill);
    item.small_integer("level", proficiency.level, skill_level_min, skill_level_max);
  });
  in.numbers("capacity", out.capacity, 0, of_one_max);
  in.small_integer("capacity_other", out.capacity_other, 0);
  in.small_integer("capacity_total", out.capacity_total, 0);
}

void read_times(Reader& in, PolicyTimes& out) {
  in.duration("offer_timeout_ms", out.offer_timeout);
  in.duration("session_grace_ms", out.session_grace);
  in.duration("wrap_up_ms", out.wrap_up);
  in.duration("decline_memory_ms", out.decline_memory);
  in.duration("reopen_within_ms", out.reopen_within);
  in.duration("dedupe_window_ms", out.dedupe_window);
}

template <class Entries>
bool unique_ids(const Entries& entries) {
  std::vector<std::string_view> ids;
  ids.reserve(entries.size());
  for (const auto& entry : entries) ids.push_back(entry.id.text());
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

}  // namespace

void write(Writer& out, const Policy& policy) {
  out.begin_object();
  out.name("tenant", policy.tenant);
  out.list("queues", policy.queues, [&](const QueuePolicy& one) { write(out, one); });
  out.name("default_queue", policy.default_queue);
  out.list("rules", policy.rules, [&](const RoutingRule& one) { write(out, one); });
  out.list("agents", policy.agents, [&](const AgentPolicy& one) { write(out, one); });
  write(out, policy.times);
  out.duration("urgency_step_ms", policy.urgency_step);
  out.number("missed_offers_max", policy.missed_offers_max);
  out.number("send_attempts_max", policy.send_attempts_max);
  out.end_object();
}

void read(Reader& in, Policy& out) {
  in.name("tenant", out.tenant);
  in.objects("queues", Need::required, entries_max, [&](Reader& one) { read_queue(one, out.queues.emplace_back()); });
  in.name("default_queue", out.default_queue, short_text);
  in.objects("rules", Need::required, entries_max, [&](Reader& one) { read_rule(one, out.rules.emplace_back()); });
  in.objects("agents", Need::required, entries_max, [&](Reader& one) { read_agent(one, out.agents.emplace_back()); });
  in.nested("times", Need::required, [&](Reader& times) { read_times(times, out.times); });
  in.duration("urgency_step_ms", out.urgency_step);
  in.small_integer("missed_offers_max", out.missed_offers_max, 0);
  in.small_integer("send_attempts_max", out.send_attempts_max, 0);
  if (!unique_ids(out.queues)) in.refuse("queues", "two have the same id");
  if (!unique_ids(out.agents)) in.refuse("agents", "two have the same id");
}

}  // namespace usher::message::wire
