// Engine: one record in, one step out. See engine.hpp and engine_state.hpp.
#include "routing/engine/engine.hpp"

#include "routing/engine/engine_state.hpp"
#include "routing/engine/entity_text.hpp"

namespace usher::engine {

std::string_view state_name(ConversationState state) {
  switch (state) {
    case ConversationState::waiting: return "waiting";
    case ConversationState::offered: return "offered";
    case ConversationState::assigned: return "assigned";
    case ConversationState::snoozed: return "snoozed";
    case ConversationState::wrap_up: return "wrap_up";
    case ConversationState::closed: return "closed";
  }
  return "unknown";
}

std::string_view flood_name(Flood flood) {
  switch (flood) {
    case Flood::none: return "none";
    case Flood::conversation: return "conversation";
    case Flood::sender: return "sender";
  }
  return "unknown";
}

Engine::Engine() : state_(std::make_unique<State>()) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Step Engine::apply(const Arrival& arrival) { return state_->apply(arrival); }
Instant Engine::now() const { return state_->now; }
Offset Engine::epoch() const { return state_->epoch; }
int Engine::owner_version() const { return state_->owner_version; }
RouterId Engine::owner() const { return state_->owner; }
std::string Engine::policy_hash() const { return state_->policy_hash; }
Digest Engine::state_hash() const { return state_->ledger.digest(); }

std::optional<Instant> Engine::next_deadline() const {
  if (state_->timers.empty()) return std::nullopt;
  return state_->timers.begin()->at;
}

Step Engine::State::apply(const Arrival& arrival) {
  expect(arrival.offset > offset, "offsets grow");
  offset = arrival.offset;
  partition = arrival.partition;
  now = std::max(now, arrival.appended_at);  // Rule J4.
  step = {};
  std::visit([this](const auto& record) { on(record); }, arrival.record);
  flush();
  step.changes = ledger.take();
  return std::move(step);
}

// Each touched thing is written once, in the order of its id, and stands in the timers as it now is.
void Engine::State::flush() {
  for (const auto& id : dirty_conversations) {
    auto& c = conversation(id);
    schedule(c);
    ledger.put(c.stored, "conversation", id.text(), to_text(c));
  }
  for (const auto& id : dirty_agents) {
    auto& agent = agents.at(id);
    schedule(agent);
    ledger.put(agent.stored, "agent", id.text(), to_text(agent));
  }
  for (const auto& id : dirty_replies) {
    auto& reply = replies.at(id);
    schedule(reply);
    ledger.put(reply.stored, "reply", id.text(), to_text(reply));
  }
  for (const auto& name : dirty_senders) write_sender(name);
  dirty_senders.clear();
  dirty_conversations.clear();
  dirty_agents.clear();
  dirty_replies.clear();
  written_by = engine_version;
  ledger.put(head_stored, "engine", "head",
             EntityWriter{}
                 .number("version", engine_version)
                 .instant("now", now)
                 .number("epoch", epoch + 1)
                 .text("owner", owner.text())
                 .number("owner_version", owner_version)
                 .text("policy", policy_hash)
                 .take());
}

Conversation& Engine::State::conversation(ConversationId id) {
  const auto found = conversations.find(id);
  expect(found != conversations.end(), "a conversation that is referred to exists");
  return found->second;
}

void Engine::State::happened(std::string type, const Conversation& c, std::string detail, std::optional<Why> why) {
  step.effects.push_back(Happened{std::move(type), view(c), std::move(why), std::move(detail)});
}

void Engine::State::send(Agent& agent, Frame frame) {
  if (!agent.connected) return;  // Its next welcome tells everything.
  step.frames.push_back({agent.id, agent.session, agent.gateway, agent.frames++, std::move(frame), epoch});
  touch(agent);
}

}  // namespace usher::engine
