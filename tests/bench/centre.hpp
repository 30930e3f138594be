// A contact centre of a given size for the benchmarks: policy, agents, messages. Everything follows from the shape and a
// fixed seed, so two runs and both sides of a comparison see the same centre.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "routing/message/message.hpp"
#include "routing/message/policy.hpp"

namespace usher::bench {

using namespace usher::message;

struct Shape {
  std::size_t agents = 100;
  std::size_t skills = 20;
  std::size_t skills_each_min = 5, skills_each_max = 5;
  std::size_t profiles = 0;         // Different sets of skills among the agents; 0: every agent has its own.
  std::size_t classes = 200;        // Different sets of required skills among the messages.
  std::size_t class_skills_max = 1;
  int capacity = 1;                 // Conversations at once.
};

// Not std's generators: their distributions differ between libraries.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  // Small numbers are much more frequent, as with skills and topics of real centres.
  std::size_t skewed(std::size_t bound);

 private:
  std::uint64_t state_;
};

class Centre {
 public:
  explicit Centre(const Shape& shape);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  // Message `number`, about 1 kB as a record. Labels name its class; some agent can serve it.
  [[nodiscard]] Message message(std::uint64_t number) const;
  [[nodiscard]] static MessageId id_of(std::uint64_t number) { return {0x62656e6368, number + 1}; }
  [[nodiscard]] static std::uint64_t number_of(MessageId id) { return id.low - 1; }
  // Has the agent every skill that this message needs, at the level it needs?
  [[nodiscard]] bool serves(const AgentId& agent, std::uint64_t number) const;

 private:
  [[nodiscard]] std::size_t class_of(std::uint64_t number) const;
  Policy policy_;
  std::vector<std::vector<std::size_t>> profiles_;  // Skills, by profile.
  std::vector<std::vector<std::size_t>> classes_;   // Skills, by class.
  std::set<std::pair<std::string, std::size_t>> skilled_;  // Agent and skill, independent of what the engine made of it.
};

}  // namespace usher::bench
