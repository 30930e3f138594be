// See batch.hpp.
#include "routing/router/batch.hpp"

#include <iterator>

#include "routing/message/limits.hpp"

namespace usher::router {

void Batch::add_changes(std::vector<engine::Change> changes) {
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

void Batch::add_frames(std::vector<engine::AgentFrame> more) {
  frames.insert(frames.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool Batch::full(std::size_t records_max) const {
  return records >= records_max || changes_.size() + bodies.size() >= limits::batch_changes_max;
}

}  // namespace usher::router
