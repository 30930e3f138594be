// The policy as tracked entities: table "policy", keys "head", "queue/N", "rule/N", "agent/N" (N with five digits).
#pragma once

#include <vector>

#include "routing/engine/step.hpp"
#include "routing/message/result.hpp"

namespace usher::engine {

[[nodiscard]] std::vector<Entity> policy_entities(const Policy& policy);
// Takes the entities of table "policy" in the order of their keys.
[[nodiscard]] Result<Policy> policy_from_entities(const std::vector<Entity>& entities);

}  // namespace usher::engine
