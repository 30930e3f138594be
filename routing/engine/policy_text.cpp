// See policy_text.hpp.
#include "routing/engine/policy_text.hpp"

#include "routing/engine/conversation.hpp"
#include "routing/engine/entity_text.hpp"

namespace usher::engine {
namespace {

std::string numbered(const char* prefix, std::size_t n) {
  auto digits = std::to_string(n);
  digits.insert(0, 5 - std::min<std::size_t>(5, digits.size()), '0');
  return prefix + digits;
}

std::string head_text(const Policy& p) {
  return EntityWriter{}
      .text("tenant", p.tenant.text())
      .text("default_queue", p.default_queue.text())
      .number("offer_timeout", p.times.offer_timeout.count())
      .number("session_grace", p.times.session_grace.count())
      .number("wrap_up", p.times.wrap_up.count())
      .number("decline_memory", p.times.decline_memory.count())
      .number("reopen_within", p.times.reopen_within.count())
      .number("dedupe_window", p.times.dedupe_window.count())
      .number("urgency_step", p.urgency_step.count())
      .number("missed_offers_max", p.missed_offers_max)
      .number("send_attempts_max", p.send_attempts_max)
      .take();
}

std::string rule_text(const RoutingRule& rule) {
  EntityWriter writer;
  writer.text("name", rule.name);
  // One item, so that a condition that is set to "" differs from one that is not set.
  const auto optional = [&](const char* name, const std::string* value) { if (value) writer.list(name, {*value}); };
  optional("connector", rule.connector ? &rule.connector->text() : nullptr);
  optional("channel", rule.channel ? &*rule.channel : nullptr);
  optional("label", rule.label ? &*rule.label : nullptr);
  optional("language", rule.language ? &*rule.language : nullptr);
  optional("queue", rule.queue ? &rule.queue->text() : nullptr);
  writer.number("urgency", rule.urgency ? static_cast<int>(*rule.urgency) + 1 : 0);
  writer.list("requirements", requirement_words(rule.requirements));
  return writer.take();
}

std::string agent_text(const AgentPolicy& agent) {
  std::vector<Requirement> skills;
  for (const auto& one : agent.skills) skills.push_back({one.skill, one.level});
  std::vector<Requirement> capacity;
  for (const auto& [channel, places] : agent.capacity) capacity.push_back({SkillId{channel}, places});
  return EntityWriter{}
      .text("id", agent.id.text())
      .text("display_name", agent.display_name)
      .list("skills", requirement_words(skills))
      .list("capacity", requirement_words(capacity))
      .number("capacity_other", agent.capacity_other)
      .number("capacity_total", agent.capacity_total)
      .take();
}

void read_head(EntityReader& reader, Policy& p) {
  p.tenant = TenantId{reader.text("tenant")};
  p.default_queue = QueueId{reader.text("default_queue")};
  p.times.offer_timeout = Milliseconds{reader.number("offer_timeout")};
  p.times.session_grace = Milliseconds{reader.number("session_grace")};
  p.times.wrap_up = Milliseconds{reader.number("wrap_up")};
  p.times.decline_memory = Milliseconds{reader.number("decline_memory")};
  p.times.reopen_within = Milliseconds{reader.number("reopen_within")};
  p.times.dedupe_window = Milliseconds{reader.number("dedupe_window")};
  p.urgency_step = Milliseconds{reader.number("urgency_step")};
  p.missed_offers_max = static_cast<int>(reader.number("missed_offers_max"));
  p.send_attempts_max = static_cast<int>(reader.number("send_attempts_max"));
}

bool read_queue(EntityReader& reader, Policy& p) {
  QueuePolicy queue;
  queue.id = QueueId{reader.text("id")};
  const bool good = requirements_from_words(reader.list("requirements"), queue.requirements);
  queue.urgency = reader.choice("urgency", Urgency::critical);
  queue.answer_within = Milliseconds{reader.number("answer_within")};
  p.queues.push_back(std::move(queue));
  return good;
}

bool read_rule(EntityReader& reader, Policy& p) {
  RoutingRule rule;
  const auto optional = [&](const char* name) -> std::optional<std::string> {
    const auto items = reader.list(name);
    if (items.empty()) return std::nullopt;
    return items.front();
  };
  rule.name = reader.text("name");
  if (const auto value = optional("connector")) rule.connector = ConnectorId{*value};
  rule.channel = optional("channel");
  rule.label = optional("label");
  rule.language = optional("language");
  if (const auto value = optional("queue")) rule.queue = QueueId{*value};
  const auto urgency = reader.number("urgency");
  if (urgency > 0) rule.urgency = static_cast<Urgency>(urgency - 1);
  const bool good = requirements_from_words(reader.list("requirements"), rule.requirements);
  p.rules.push_back(std::move(rule));
  return good && urgency <= 4;
}

bool read_agent(EntityReader& reader, Policy& p) {
  AgentPolicy agent;
  agent.id = AgentId{reader.text("id")};
  agent.display_name = reader.text("display_name");
  std::vector<Requirement> skills, capacity;
  const bool good = requirements_from_words(reader.list("skills"), skills) &&
                    requirements_from_words(reader.list("capacity"), capacity);
  for (const auto& one : skills) agent.skills.push_back({one.skill, one.level_min});
  for (const auto& one : capacity) agent.capacity[one.skill.text()] = one.level_min;
  agent.capacity_other = static_cast<int>(reader.number("capacity_other"));
  agent.capacity_total = static_cast<int>(reader.number("capacity_total"));
  p.agents.push_back(std::move(agent));
  return good;
}

}  // namespace

std::vector<Entity> policy_entities(const Policy& policy) {
  std::vector<Entity> out;
  for (std::size_t i = 0; i < policy.agents.size(); ++i)
    out.push_back({"policy", numbered("agent/", i), agent_text(policy.agents[i])});
  out.push_back({"policy", "head", head_text(policy)});
  for (std::size_t i = 0; i < policy.queues.size(); ++i) {
    const auto& queue = policy.queues[i];
    out.push_back({"policy", numbered("queue/", i),
                   EntityWriter{}
                       .text("id", queue.id.text())
                       .list("requirements", requirement_words(queue.requirements))
                       .number("urgency", static_cast<int>(queue.urgency))
                       .number("answer_within", queue.answer_within.count())
                       .take()});
  }
  for (std::size_t i = 0; i < policy.rules.size(); ++i)
    out.push_back({"policy", numbered("rule/", i), rule_text(policy.rules[i])});
  return out;
}

Result<Policy> policy_from_entities(const std::vector<Entity>& entities) {
  Policy policy;
  for (const auto& entity : entities) {
    EntityReader reader(entity.value);
    bool good = true;
    if (entity.key == "head") read_head(reader, policy);
    else if (entity.key.starts_with("queue/")) good = read_queue(reader, policy);
    else if (entity.key.starts_with("rule/")) good = read_rule(reader, policy);
    else if (entity.key.starts_with("agent/")) good = read_agent(reader, policy);
    else good = false;
    if (!good || !reader.good()) return fail(Fault::malformed, "policy entity " + entity.key + " cannot be read");
  }
  return policy;
}

}  // namespace usher::engine
