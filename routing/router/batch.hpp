// Batch: the steps of several records, folded into one commit (rule S4). Changes to the same entity collapse to the last
// one; frames and effects keep their order.
#pragma once

#include <string>
#include <vector>

#include "routing/engine/step.hpp"
#include "routing/state/change_set.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

class Batch {
 public:
  void add_changes(std::vector<engine::Change> changes) { changes_.add(std::move(changes)); }
  void add_body(state::Body body) { bodies.push_back(std::move(body)); }
  void add_frames(std::vector<engine::AgentFrame> more);

  [[nodiscard]] bool empty() const { return records == 0 && bodies.empty() && bodies_gone.empty(); }
  [[nodiscard]] bool full(std::size_t records_max) const;
  [[nodiscard]] std::vector<engine::Change> take_changes() { return changes_.take(); }

  std::size_t records = 0;
  std::vector<state::Body> bodies;
  std::vector<ConversationId> bodies_gone;
  std::vector<engine::AgentFrame> frames;
  std::vector<state::OutboxEntry> outbox;
  std::size_t dead_letters = 0;

 private:
  state::ChangeSet changes_;
};

}  // namespace usher::router
