// ChangeSet: changes in order, of each entity the last one only.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "routing/engine/step.hpp"

namespace usher::state {

class ChangeSet {
 public:
  void add(std::vector<engine::Change> changes);
  [[nodiscard]] std::size_t size() const { return changes_.size(); }
  // Leaves it empty.
  [[nodiscard]] std::vector<engine::Change> take();

 private:
  std::vector<engine::Change> changes_;
  std::unordered_map<std::string, std::size_t> places_;  // Of each entity in changes_; only looked up.
};

}  // namespace usher::state
