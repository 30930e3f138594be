// A new policy (rule P1): activated by a record, ordered with the messages.
//
// What it does to what is there: waiting conversations keep their queue, age and the requirements that rules gave them at
// arrival (nothing is relabelled, rule I4), and take the queue's new requirements and urgency; a queue that is gone hands
// over to the default queue. Offers and held work stay. An agent who is gone is signed out and what it held is requeued.
#include <algorithm>
#include <vector>

#include "routing/engine/engine_state.hpp"
#include "routing/engine/policy_text.hpp"

namespace usher::engine {

void Engine::State::on(const PolicyActivated& record) {
  if (record.parent != policy_hash) return;  // Void: two nodes with different files cannot fight.
  const auto hash = message::policy_hash(record.policy);
  if (hash == policy_hash) return;
  if (!policy_hash.empty() && record.policy.tenant != policy.tenant) return dead_letter("a policy of another tenant");

  std::set<ConversationId> waiting;
  for (const auto& [id, c] : conversations)  // Order is free: ids go into an ordered set.
    if (c.state == ConversationState::waiting) waiting.insert(id);
  for (const auto& id : waiting) leave_waiting(conversation(id));
  drop_agents(record.policy, waiting);
  store_policy(record.policy, hash);
  index_queues();
  adopt_agents();
  for (auto& [id, c] : conversations) {  // Order is free: each is changed by itself.
    if (!queues.contains(c.queue)) {
      c.queue = policy.default_queue;
      touch(c);
    }
    derive(c);
  }
  for (auto& [id, agent] : agents) {
    bool over = static_cast<int>(agent.held.size()) > agent.policy->capacity_total;
    for (const auto& [channel, load] : agent.load) over = over || load > agent.capacity(channel);
    agent.excused = over ? static_cast<int>(agent.held.size()) : 0;
    if (agent.stored.present) touch(agent);
  }
  rebuild_matcher(waiting);
}

void Engine::State::store_policy(const Policy& fresh, const std::string& hash) {
  policy = fresh;
  policy_hash = hash;
  std::set<std::string> keys;
  for (auto& entity : policy_entities(policy)) {
    keys.insert(entity.key);
    ledger.put(policy_stored[entity.key], "policy", entity.key, std::move(entity.value));
  }
  for (auto at = policy_stored.begin(); at != policy_stored.end();) {
    if (keys.contains(at->first)) ++at;
    else {
      ledger.erase(at->second, "policy", at->first);
      at = policy_stored.erase(at);
    }
  }
}

void Engine::State::index_queues() {
  queues.clear();
  for (const auto& queue : policy.queues) queues.emplace(queue.id, &queue);
}

void Engine::State::drop_agents(const Policy& fresh, std::set<ConversationId>& waiting) {
  std::vector<AgentId> gone;
  for (const auto& [id, agent] : agents)
    if (std::none_of(fresh.agents.begin(), fresh.agents.end(), [&](const AgentPolicy& one) { return one.id == id; }))
      gone.push_back(id);
  for (const auto& id : gone) {
    auto& agent = agents.at(id);
    send(agent, SessionEndedFrame{"unauthorised"});
    const auto held = agent.held;
    for (const auto& held_id : held) {
      auto& c = conversation(held_id);
      const auto state = c.state;
      release(c);
      if (state == ConversationState::wrap_up) {
        finish(c);
        continue;
      }
      c.state = ConversationState::waiting;
      c.reserved = {};
      c.until = {};
      happened("usher.work.requeued.v1", c, "agent_removed");
      waiting.insert(held_id);
    }
    move_timer(agent.timer, {}, TimerKind::grace, {}, id);
    for (std::size_t slot = 0; slot < agent.slots.size(); ++slot)
      ledger.erase(agent.slots[slot].stored, "command", command_key(id, slot));
    ledger.erase(agent.stored, "agent", id.text());
    dirty_agents.erase(id);
    agents.erase(id);
  }
  for (const auto& id : waiting) {
    auto& c = conversation(id);
    if (c.reserved.empty() || agents.contains(c.reserved)) continue;
    c.reserved = {};
    c.until = {};
    touch(c);
  }
}

void Engine::State::adopt_agents() {
  for (const auto& one : policy.agents) {
    auto& agent = agents[one.id];
    agent.id = one.id;
    agent.policy = &one;
  }
}

void Engine::State::rebuild_matcher(const std::set<ConversationId>& waiting) {
  matcher.reset(agents);
  // The first in line is asked for first, as if all arrived anew in their order.
  std::vector<std::pair<std::int64_t, ConversationId>> line;
  for (const auto& id : waiting) line.emplace_back(order_key(conversation(id), policy.urgency_step), id);
  std::sort(line.begin(), line.end());
  for (const auto& [key, id] : line) enqueue(conversation(id));
  for (auto& [id, agent] : agents) offer_work(agent);
}

}  // namespace usher::engine
