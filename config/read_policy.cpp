// The routing policy: queues, rules and agents, in the operator's order (rule P1: one file gives one policy hash).
#include <algorithm>
#include <optional>
#include <set>

#include "config/draft.hpp"
#include "config/secret_file.hpp"
#include "config/value_forms.hpp"
#include "routing/message/result.hpp"

namespace usher::config {
namespace {

std::optional<Urgency> urgency_of(const std::string& text) {
  if (text == "low") return Urgency::low;
  if (text == "normal") return Urgency::normal;
  if (text == "high") return Urgency::high;
  if (text == "critical") return Urgency::critical;
  return std::nullopt;
}

int small(const std::string& digits) { return static_cast<int>(parse_number(digits).value_or(0)); }

std::vector<Requirement> requirements_of(const Options& options) {
  std::vector<Requirement> out;
  for (const auto& [skill, level] : options.map("skills")) out.push_back({SkillId(skill), small(level)});
  return out;
}

// Something called `when` or `then` that must not be empty.
Options read_part(Draft& draft, const Entry& rule, const std::string& path, const Section& section) {
  const auto* part = rule.value.find(section.name);
  const auto part_path = join_path(path, section.name);
  if (part == nullptr) {
    draft.problems.add(rule.place, part_path, "missing");
    return {};
  }
  auto options = draft.reader.read(part->value, part->place, part_path, section.fields);
  if (part->value.type == Node::Type::null || (part->value.type == Node::Type::map && part->value.entries.empty())) {
    draft.problems.add(part->place, part_path, "is empty; write at least one key");
  }
  return options;
}

std::optional<std::string> written(const Options& options, std::string_view key) {
  const auto& text = options.text(key);
  return text.empty() ? std::nullopt : std::optional(text);
}

void read_when(Draft& draft, const Entry& rule, const std::string& path, RoutingRule& out) {
  const auto when = read_part(draft, rule, path, when_section);
  out.channel = written(when, "channel");
  out.label = written(when, "label");
  out.language = written(when, "language");
  const auto when_path = join_path(path, "when");
  if (const auto connector = written(when, "connector")) {
    out.connector = ConnectorId(*connector);
    check_reference(draft, rule.value.find("when")->value, "connector", when_path, "connectors", *connector);
  }
  if (out.label) check_reference(draft, rule.value.find("when")->value, "label", when_path, "labels", *out.label);
}

void read_then(Draft& draft, const Entry& rule, const std::string& path, RoutingRule& out) {
  const auto then = read_part(draft, rule, path, then_section);
  out.urgency = urgency_of(then.text("urgency"));
  out.requirements = requirements_of(then);
  if (const auto queue = written(then, "queue")) {
    out.queue = QueueId(*queue);
    check_reference(draft, rule.value.find("then")->value, "queue", join_path(path, "then"), "queues", *queue);
  }
}

void read_capacity(const Options& options, AgentPolicy& out) {
  for (const auto& [channel, count] : options.map("capacity")) {
    if (channel == "other")
      out.capacity_other = small(count);
    else if (channel == "total")
      out.capacity_total = small(count);
    else
      out.capacity[channel] = small(count);
  }
}

constexpr std::size_t token_bytes_min = 8;

// The SHA-256 of the agent's token; empty when none is written, or a wrong one.
std::string token_digest(Draft& draft, const Entry& agent, const Options& options, const std::string& path) {
  const auto& token = options.text("token");
  auto digest = options.text("token_sha256");
  if (agent.value.find("token_sha256") != nullptr &&
      (agent.value.find("token") != nullptr || agent.value.find("token_file") != nullptr)) {
    draft.problems.add(agent.value.find("token_sha256")->place, join_path(path, "token_sha256"),
                       "write only one of token, token_file and token_sha256");
    return "";
  }
  if (!token.empty() && token.size() < token_bytes_min) {
    const auto* entry = agent.value.find("token_file");
    if (entry == nullptr) entry = agent.value.find("token");
    draft.problems.add(entry->value.place, join_path(path, entry->key),
                       "is too short to be a token: 8 characters at least");
    return "";
  }
  if (!token.empty()) return sha256_hex(token);
  for (auto& c : digest) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return digest;
}

void read_token(Draft& draft, const Entry& agent, const Options& options, const std::string& path) {
  const auto digest = token_digest(draft, agent, options, path);
  if (digest.empty()) return;
  for (const auto& other : draft.settings.tokens) {
    if (other.sha256 != digest) continue;
    draft.problems.add(agent.place, path, "has the same token as agents." + other.agent.text());
    return;
  }
  draft.settings.tokens.push_back({AgentId(agent.key), digest});
}

}  // namespace

void read_queues(Draft& draft) {
  const auto* holder = draft.root.find("queues");
  if (holder == nullptr || holder->value.type == Node::Type::null ||
      (holder->value.type == Node::Type::map && holder->value.entries.empty())) {
    draft.problems.add(holder == nullptr ? Place{} : holder->place, "queues", "missing; at least one is needed");
  }
  for (const auto* entry : named_entries(draft, "queues")) {
    const auto options =
        draft.reader.read(entry->value, entry->place, join_path("queues", entry->key), queue_section.fields);
    QueuePolicy queue;
    queue.id = QueueId(entry->key);
    queue.requirements = requirements_of(options);
    queue.urgency = urgency_of(options.text("urgency")).value_or(Urgency::normal);
    queue.answer_within = Milliseconds(options.number("answer_within"));
    draft.settings.policy.queues.push_back(std::move(queue));
  }
}

void read_rules(Draft& draft) {
  const auto* holder = draft.root.find("rules");
  if (holder == nullptr || !draft.reader.is_list(holder->value, "rules")) return;
  static constexpr std::string_view parts[] = {"when", "then"};
  std::set<std::string> names;
  for (std::size_t i = 0; i < holder->value.items.size(); ++i) {
    const auto& node = holder->value.items[i];
    const Entry entry{"", node.place, node};
    const auto path = "rules[" + std::to_string(i) + "]";
    if (!draft.reader.is_map(node, path)) {
      if (node.type == Node::Type::null) draft.problems.add(node.place, path, "is empty");
      continue;
    }
    RoutingRule rule;
    rule.name = draft.reader.read(node, node.place, path, rule_section.fields, parts).text("name");
    if (!rule.name.empty() && !names.insert(rule.name).second) {
      draft.problems.add(node.find("name")->value.place, join_path(path, "name"),
                         "another rule is called " + shown(rule.name) + " already");
    }
    read_when(draft, entry, path, rule);
    read_then(draft, entry, path, rule);
    draft.settings.policy.rules.push_back(std::move(rule));
  }
}

void read_agents(Draft& draft) {
  for (const auto* entry : named_entries(draft, "agents")) {
    const auto path = join_path("agents", entry->key);
    const auto options = draft.reader.read(entry->value, entry->place, path, agent_section.fields);
    AgentPolicy agent;
    agent.id = AgentId(entry->key);
    agent.display_name = options.text("name").empty() ? entry->key : options.text("name");
    for (const auto& [skill, level] : options.map("skills")) agent.skills.push_back({SkillId(skill), small(level)});
    read_capacity(options, agent);
    if (entry->value.type == Node::Type::map) read_token(draft, *entry, options, path);
    draft.settings.policy.agents.push_back(std::move(agent));
  }
}

}  // namespace usher::config
