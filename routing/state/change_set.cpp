// See change_set.hpp.
#include "routing/state/change_set.hpp"

#include <utility>

namespace usher::state {

void ChangeSet::add(std::vector<engine::Change> changes) {
  for (auto& change : changes) {
    const auto table = change.table + '\0';
    if (change.key == "*" && !change.value) {
      // What comes after a dropped table must stay behind it.
      std::erase_if(places_, [&](const auto& place) { return place.first.starts_with(table); });
      changes_.push_back(std::move(change));
      continue;
    }
    const auto [place, fresh] = places_.emplace(table + change.key, changes_.size());
    if (fresh) changes_.push_back(std::move(change));
    else changes_[place->second].value = std::move(change.value);
  }
}

std::vector<engine::Change> ChangeSet::take() {
  places_.clear();
  return std::exchange(changes_, {});
}

}  // namespace usher::state
