// Sessions and presence (rules A1, A3): one current session an agent, a grace before work is given away.
#include <vector>

#include "routing/engine/engine_state.hpp"

namespace usher::engine {

void Engine::State::on(const SessionOpened& record) {
  const auto found = agents.find(record.agent);
  if (found == agents.end()) {
    step.frames.push_back({record.agent, record.session, record.gateway, 0, SessionEndedFrame{"unauthorised"}, epoch});
    return;
  }
  auto& agent = found->second;
  if (agent.connected && agent.session != record.session) send(agent, SessionEndedFrame{"replaced"});
  agent.session = record.session;
  agent.gateway = record.gateway;
  agent.connected = true;
  agent.grace_until = {};
  welcome(agent);
  agent_changed(agent);
  offer_work(agent);
}

void Engine::State::on(const SessionClosed& record) {
  const auto found = agents.find(record.agent);
  // Naming an old session: the agent has a newer one (rule A1).
  if (found == agents.end() || found->second.session != record.session || !found->second.connected) return;
  session_lost(found->second);
}

void Engine::State::on(const GatewayLost& record) {
  for (auto& [id, agent] : agents)
    if (agent.connected && agent.gateway == record.gateway) {
      // A gateway that was thought dead and is not opens the session anew; a dead one hears nothing.
      send(agent, SessionEndedFrame{"gateway_lost"});
      session_lost(agent);
    }
}

void Engine::State::session_lost(Agent& agent) {
  agent.connected = false;
  agent.grace_until = now + policy.times.session_grace;
  agent_changed(agent);
}

// The whole truth, numbered 0: whatever the session missed before no longer matters.
void Engine::State::welcome(Agent& agent) {
  WelcomeFrame frame;
  frame.presence = agent.presence;
  for (const auto& id : agent.held) {
    const auto& c = conversation(id);
    if (c.state == ConversationState::offered) {
      Why why;
      why.policy = policy_hash;
      why.waited_ms = (now - c.waiting_since).count();
      why.order_key = order_key(c, policy.urgency_step);
      why.preferred = c.preferred == agent.id;
      why.winner.agent = agent.id;
      frame.offers.push_back(offer_view(c, std::move(why)));
    } else {
      frame.conversations.push_back(view(c));
    }
  }
  agent.frames = 0;
  send(agent, std::move(frame));
}

void Engine::State::set_presence(Agent& agent, Presence state, std::string reason) {
  const bool was_available = agent.presence == Presence::available;
  agent.presence = state;
  agent.reason = std::move(reason);
  if (state == Presence::available && !was_available) agent.idle_since = now;
  agent_changed(agent);
  send(agent, PresenceFrame{agent.presence, agent.reason});
  if (state == Presence::available) return offer_work(agent);
  // Who is away has no offers: each goes to the next agent at its original age, and no miss is counted.
  const std::vector<ConversationId> held(agent.held.begin(), agent.held.end());
  for (const auto& id : held) {
    auto& c = conversation(id);
    if (c.state != ConversationState::offered) continue;
    revoke_offer(c, "presence");
    enqueue(c);
  }
}

void Engine::State::grace_over(Agent& agent) {
  agent.session = {};
  agent.gateway = {};
  agent.grace_until = {};
  agent.presence = Presence::offline;
  agent.reason = "vanished";
  agent.missed = 0;
  agent_changed(agent);
  const std::vector<ConversationId> held(agent.held.begin(), agent.held.end());
  for (const auto& id : held) {
    auto& c = conversation(id);
    const auto state = c.state;
    release(c);
    if (state == ConversationState::wrap_up) {
      finish(c);
      continue;
    }
    c.reserved = {};
    c.until = {};
    happened("usher.work.requeued.v1", c, "agent_vanished");
    enqueue(c);
  }
}

}  // namespace usher::engine
