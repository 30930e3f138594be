// See centre.hpp.
#include "tests/bench/centre.hpp"

#include <algorithm>

namespace usher::bench {

namespace {

constexpr std::size_t text_bytes = 620;  // With the envelope of a form's message: 1 kB as a record.

std::string skill_name(std::size_t skill) { return "skill" + std::to_string(skill); }
int level_needed(std::size_t skill) { return 1 + static_cast<int>(skill % 3); }

std::vector<std::size_t> some_skills(Dice& dice, std::size_t skills, std::size_t count) {
  std::set<std::size_t> chosen;
  while (chosen.size() < std::min(count, skills)) chosen.insert(dice.skewed(skills));
  return {chosen.begin(), chosen.end()};
}

}  // namespace

// splitmix64.
std::uint64_t Dice::next() {
  auto z = state_ += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::size_t Dice::skewed(std::size_t bound) { return below(1 + below(bound)); }

Centre::Centre(const Shape& shape) {
  Dice dice(1);
  const auto profiles = shape.profiles == 0 ? shape.agents : shape.profiles;
  for (std::size_t i = 0; i < profiles; ++i) {
    const auto spread = shape.skills_each_max - shape.skills_each_min + 1;
    profiles_.push_back(some_skills(dice, shape.skills, shape.skills_each_min + dice.below(spread)));
  }
  for (std::size_t i = 0; i < shape.classes; ++i) {
    // Drawn from a profile, so that there is always somebody who can serve it.
    auto skills = profiles_[dice.below(profiles)];
    const auto count = std::min(skills.size(), 1 + dice.below(shape.class_skills_max));
    while (skills.size() > count) skills.erase(skills.begin() + static_cast<std::ptrdiff_t>(dice.below(skills.size())));
    classes_.push_back(std::move(skills));
  }
  policy_.tenant = TenantId{"bench"};
  policy_.queues = {{QueueId{"all"}, {}, Urgency::normal, Milliseconds{0}}};
  policy_.default_queue = QueueId{"all"};
  for (std::size_t skill = 0; skill < shape.skills; ++skill) {
    RoutingRule rule;
    rule.name = rule.label.emplace(skill_name(skill));
    rule.requirements = {{SkillId{skill_name(skill)}, level_needed(skill)}};
    policy_.rules.push_back(std::move(rule));
  }
  for (std::size_t i = 0; i < shape.agents; ++i) {
    AgentPolicy agent;
    agent.id = AgentId{"agent" + std::to_string(i)};
    agent.display_name = agent.id.text();
    agent.capacity_other = agent.capacity_total = shape.capacity;
    const auto profile = i % profiles;
    for (const auto skill : profiles_[profile]) {
      // Levels belong to the profile: agents with the same skills and levels are one group to the matcher.
      agent.skills.push_back({SkillId{skill_name(skill)}, 3 + static_cast<int>((profile + skill) % 3)});
      skilled_.emplace(agent.id.text(), skill);
    }
    policy_.agents.push_back(std::move(agent));
  }
  policy_.times.wrap_up = Milliseconds{0};
  policy_.times.offer_timeout = Milliseconds{3'600'000};  // Nobody lets an offer pass here.
}

std::size_t Centre::class_of(std::uint64_t number) const {
  Dice dice(number + 0x9e37);
  return dice.skewed(classes_.size());
}

Message Centre::message(std::uint64_t number) const {
  Message m;
  m.id = id_of(number);
  m.tenant = policy_.tenant;
  m.connector = ConnectorId{"contact"};
  m.channel = "webform";
  m.provider_message_id = m.id.text();
  m.from.identities = {{"form", "customer" + std::to_string(number) + "@example.org", false}};
  m.from.display_name = "Customer " + std::to_string(number);
  m.received_at = from_unix_ms(1'790'000'000'000);
  m.subject = "Order " + std::to_string(number);
  m.text.reserve(text_bytes);
  while (m.text.size() < text_bytes) m.text += "Where is my parcel? ";
  m.parts = {"text/plain"};
  for (const auto skill : classes_[class_of(number)]) m.labels.push_back(skill_name(skill));
  std::sort(m.labels.begin(), m.labels.end());
  return m;
}

bool Centre::serves(const AgentId& agent, std::uint64_t number) const {
  const auto& needed = classes_[class_of(number)];
  return std::all_of(needed.begin(), needed.end(),
                     [&](std::size_t skill) { return skilled_.contains({agent.text(), skill}); });
}

}  // namespace usher::bench
