// Policy: queues, skills, agents and times, compiled from an operator's configuration and activated by a journal record
// (rule P1). A value; the engine reads it and nothing else about the operator's wishes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"

namespace usher::message {

inline constexpr int skill_level_min = 1;
inline constexpr int skill_level_max = 5;

// Higher is served earlier; each step is worth Policy::urgency_step of waiting time.
enum class Urgency : int { low = 0, normal = 1, high = 2, critical = 3 };

struct Requirement {
  SkillId skill;
  int level_min = 1;
  friend auto operator<=>(const Requirement&, const Requirement&) = default;
};

struct Proficiency {
  SkillId skill;
  int level = 1;
  friend auto operator<=>(const Proficiency&, const Proficiency&) = default;
};

struct QueuePolicy {
  QueueId id;
  std::vector<Requirement> requirements;
  Urgency urgency = Urgency::normal;
  Milliseconds answer_within{0};  // Deadline for the first human answer; 0 means none.
  friend bool operator==(const QueuePolicy&, const QueuePolicy&) = default;
};

// All conditions that are set must hold. Every rule that matches applies, in order: the last `queue` and `urgency` win,
// requirements add up.
struct RoutingRule {
  std::string name;
  std::optional<ConnectorId> connector;
  std::optional<std::string> channel;
  std::optional<std::string> label;
  std::optional<std::string> language;
  std::optional<QueueId> queue;
  std::optional<Urgency> urgency;
  std::vector<Requirement> requirements;
  friend bool operator==(const RoutingRule&, const RoutingRule&) = default;
};

struct AgentPolicy {
  AgentId id;
  std::string display_name;
  std::vector<Proficiency> skills;
  std::map<std::string, int> capacity;  // Conversations at once by channel; a channel not named takes `capacity_other`.
  int capacity_other = 1;
  int capacity_total = 1;
  friend bool operator==(const AgentPolicy&, const AgentPolicy&) = default;
};

struct PolicyTimes {
  Milliseconds offer_timeout{30'000};
  Milliseconds session_grace{30'000};     // A lost session may come back for so long before its work is given away.
  Milliseconds wrap_up{120'000};          // After a close; 0: none.
  Milliseconds decline_memory{300'000};   // A conversation is not offered again to one who declined for so long.
  Milliseconds reopen_within{7 * 86'400'000LL};     // A closed conversation is reopened by its customer for so long.
  Milliseconds dedupe_window{7 * 86'400'000LL};     // Rule I1.
  friend bool operator==(const PolicyTimes&, const PolicyTimes&) = default;
};

struct Policy {
  TenantId tenant;
  std::vector<QueuePolicy> queues;  // Unique ids, in the operator's order.
  QueueId default_queue;
  std::vector<RoutingRule> rules;
  std::vector<AgentPolicy> agents;  // Unique ids, in the operator's order.
  PolicyTimes times;
  Milliseconds urgency_step{600'000};
  int missed_offers_max = 2;  // So many offers in a row unanswered, and the agent is set away.
  int send_attempts_max = 8;
  friend bool operator==(const Policy&, const Policy&) = default;
};

// 32 hexadecimal digits over every field in a fixed order: the policy's name in records and decisions.
[[nodiscard]] std::string policy_hash(const Policy& policy);

}  // namespace usher::message
