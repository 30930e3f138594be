// Waiting, offers and holding: the places a conversation can be in, and every way between them.
#include <algorithm>

#include "routing/engine/engine_state.hpp"
#include "routing/message/plant.hpp"

namespace usher::engine {

void Engine::State::enqueue(Conversation& c) {
  const bool was_waiting = c.state == ConversationState::waiting;
  c.state = ConversationState::waiting;
  c.wake_at = {};  // What was put off is read with the rest.
  if (c.reserved.empty()) c.until = {};
  touch(c);
  if (try_offer(c)) return;
  const auto key = order_key(c, policy.urgency_step);
  if (!c.reserved.empty()) reserved[c.reserved].emplace(key, c.id);
  else matcher.add(c, key);
  if (was_waiting) return;
  // Rule 9 of the architecture: what nobody can serve is reported, and blocks nobody.
  happened(matcher.has_servers(c) ? "usher.work.queued.v1" : "usher.work.unmatchable.v1", c);
}

void Engine::State::leave_waiting(Conversation& c) {
  const auto key = order_key(c, policy.urgency_step);
  if (c.reserved.empty()) return matcher.remove(c, key);
  const auto place = reserved.find(c.reserved);
  expect(place != reserved.end() && place->second.erase({key, c.id}) == 1, "a reserved conversation stands in its place");
  if (place->second.empty()) reserved.erase(place);
}

bool Engine::State::try_offer(Conversation& c) {
  Why why;
  if (!c.reserved.empty()) {
    auto& agent = agents.at(c.reserved);
    if (!agent.available() || !agent.has_room(c.channel)) return false;
    why.winner.agent = agent.id;
    make_offer(c, agent, std::move(why));
    return true;
  }
  const auto best = matcher.best_agent(c, now, why);
  const auto last = agents.find(c.preferred);
  if (last != agents.end() && matcher.may_serve(last->second, c, now)) {
    why.preferred = true;
    if (!best || *best != last->first) why.winner = {last->first, 0, 0, (now - last->second.idle_since).count()};
    make_offer(c, last->second, std::move(why));
    return true;
  }
  if (!best) return false;
  make_offer(c, agents.at(*best), std::move(why));
  return true;
}

void Engine::State::make_offer(Conversation& c, Agent& agent, Why why) {
  expect(agent.available() && agent.has_room(c.channel), "an offer goes to a free agent");
  why.policy = policy_hash;
  why.waited_ms = (now - c.waiting_since).count();
  why.order_key = order_key(c, policy.urgency_step);
  c.state = ConversationState::offered;
  c.offer = derived_id<OfferId>("offer", c.id.text(), offset, ++c.offers);
  if (planted(Plant::offer_from_memory)) c.offer.low += offers_made_in_memory++;
  c.until = now + policy.times.offer_timeout;
  offers.emplace(c.offer, c.id);
  agent.idle_since = now;
  hold(c, agent);
  send(agent, OfferFrame{offer_view(c, why)});
  happened("usher.work.offered.v1", c, {}, std::move(why));
}

void Engine::State::hold(Conversation& c, Agent& agent) {
  c.agent = agent.id;
  agent.held.insert(c.id);
  ++agent.load[c.channel];
  touch(c);
  agent_changed(agent);
}

void Engine::State::release(Conversation& c) {
  auto& agent = agents.at(c.agent);
  const auto held = agent.held.erase(c.id);
  expect(held == 1, "an agent lets go of what it holds");
  if (--agent.load[c.channel] == 0) agent.load.erase(c.channel);
  agent.excused = std::min(agent.excused, static_cast<int>(agent.held.size()));
  if (!c.offer.empty()) offers.erase(c.offer);
  c.offer = {};
  c.agent = {};
  touch(c);
  agent_changed(agent);
}

void Engine::State::revoke_offer(Conversation& c, const std::string& reason) {
  auto& agent = agents.at(c.agent);
  send(agent, OfferRevokedFrame{c.offer, reason});
  release(c);
  if (planted(Plant::age_lost)) c.waiting_since = now;
  if (c.reserved.empty()) return;
  // Who was meant has let it pass: from now on it is everybody's.
  c.reserved = {};
  c.until = {};
}

void Engine::State::agent_changed(Agent& agent) {
  matcher.agent_changed(agent);
  touch(agent);
}

void Engine::State::offer_work(Agent& agent) {
  while (agent.available()) {
    Conversation* next = nullptr;
    if (const auto own = reserved.find(agent.id); own != reserved.end())
      for (const auto& [key, id] : own->second)
        if (agent.has_room(conversation(id).channel)) {
          next = &conversation(id);
          break;
        }
    if (!next)
      if (const auto* best = matcher.best_conversation(agent, now)) next = &conversation(best->id);
    if (!next) return;
    Why why;
    if (next->reserved.empty()) {
      // The item is this agent's because it is first in line for it; the rest of the field is recorded as it stands.
      (void)matcher.best_agent(*next, now, why);
      std::erase_if(why.runners_up, [&](const Candidate& one) { return one.agent == agent.id; });
      if (why.winner.agent != agent.id) why.winner = {agent.id, 0, 0, (now - agent.idle_since).count()};
    } else {
      why.winner.agent = agent.id;
    }
    why.preferred = next->preferred == agent.id;
    leave_waiting(*next);
    make_offer(*next, agent, std::move(why));
  }
}

void Engine::State::finish(Conversation& c) {
  c.state = ConversationState::closed;
  c.until = now + policy.times.reopen_within;
  touch(c);
}

void Engine::State::forget(Conversation& c) {
  move_timer(c.timer, {}, TimerKind::conversation, {c.id.high, c.id.low}, {});
  for (const auto& name : c.anchors) anchors.erase(name);
  for (const auto& id : c.replies) {
    auto& reply = replies.at(id);
    move_timer(reply.timer, {}, TimerKind::reply, {id.high, id.low}, {});
    ledger.erase(reply.stored, "reply", id.text());
    dirty_replies.erase(id);
    replies.erase(id);
  }
  ledger.erase(c.stored, "conversation", c.id.text());
  step.bodies_gone.push_back(c.id);
  dirty_conversations.erase(c.id);
  conversations.erase(c.id);
}

}  // namespace usher::engine
