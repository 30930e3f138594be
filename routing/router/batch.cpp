// See batch.hpp.
#include "routing/router/batch.hpp"

#include <iterator>

#include "routing/message/limits.hpp"

namespace usher::router {

void Batch::add_frames(std::vector<engine::AgentFrame> more) {
  frames.insert(frames.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool Batch::full(std::size_t records_max) const {
  return records >= records_max || changes_.size() + bodies.size() >= limits::batch_changes_max;
}

}  // namespace usher::router
