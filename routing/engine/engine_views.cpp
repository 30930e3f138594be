// What operators, gateways and tests may see, and the rules that one state can show.
#include <algorithm>

#include "routing/engine/engine_state.hpp"

namespace usher::engine {

namespace {

void add_texts(const Conversation& c, std::vector<TextPlace>& places) {
  auto sequence = c.sequence - static_cast<std::uint32_t>(c.texts.size());
  for (const auto offset : c.texts) places.push_back({offset, c.id, sequence++});
}

}  // namespace

ConversationView Engine::State::view(const Conversation& c) const {
  ConversationView out;
  out.id = c.id;
  out.connector = c.connector;
  out.channel = c.channel;
  out.queue = c.queue;
  out.urgency = c.urgency;
  out.requirements = c.requirements;
  out.state = c.state;
  if (!c.agent.empty()) out.agent = c.agent;
  if (!c.offer.empty()) out.offer = c.offer;
  out.opened_at = c.opened_at;
  out.waiting_since = c.waiting_since;
  if (c.answer_due != Instant{}) out.answer_due = c.answer_due;
  if (c.until != Instant{}) out.state_until = c.until;
  out.messages = c.messages;
  out.last_from_customer = c.last_from_customer;
  out.flood = c.flood;
  return out;
}

OfferView Engine::State::offer_view(const Conversation& c, Why why) const {
  return {c.offer, std::max(Milliseconds{0}, Milliseconds(c.until - now)), view(c), std::move(why)};
}

std::string Engine::display_name(const AgentId& agent) const {
  const auto found = state_->agents.find(agent);
  if (found == state_->agents.end() || found->second.policy->display_name.empty()) return agent.text();
  return found->second.policy->display_name;
}

std::vector<AgentView> Engine::agents() const {
  std::vector<AgentView> out;
  for (const auto& [id, agent] : state_->agents)
    out.push_back({id, agent.presence, agent.connected, agent.grace_until != Instant{},
                   static_cast<int>(agent.held.size()), agent.policy->capacity_total, agent.missed});
  return out;
}

std::vector<QueueView> Engine::queues() const {
  std::map<QueueId, QueueView> by_id;
  for (const auto& queue : state_->policy.queues) by_id[queue.id].id = queue.id;
  for (const auto& [id, c] : state_->conversations) {  // Order is free: sums and a minimum.
    auto& queue = by_id[c.queue];
    switch (c.state) {
      case ConversationState::waiting:
        ++queue.waiting;
        if (!queue.oldest_waiting_since || c.waiting_since < *queue.oldest_waiting_since)
          queue.oldest_waiting_since = c.waiting_since;
        break;
      case ConversationState::offered: ++queue.offered; break;
      case ConversationState::assigned: ++queue.assigned; break;
      case ConversationState::snoozed: ++queue.snoozed; break;
      case ConversationState::wrap_up: ++queue.wrap_up; break;
      case ConversationState::closed: break;
    }
  }
  std::vector<QueueView> out;
  for (auto& [id, queue] : by_id) out.push_back(std::move(queue));
  return out;
}

std::vector<ConversationView> Engine::conversations(std::size_t limit) const {
  std::vector<std::pair<Instant, ConversationId>> line;
  for (const auto& [id, c] : state_->conversations) line.emplace_back(c.last_activity, id);
  std::sort(line.rbegin(), line.rend());
  if (line.size() > limit) line.resize(limit);
  std::vector<ConversationView> out;
  for (const auto& [at, id] : line) out.push_back(state_->view(state_->conversations.at(id)));
  return out;
}

std::optional<ConversationView> Engine::conversation(ConversationId id) const {
  const auto found = state_->conversations.find(id);
  if (found == state_->conversations.end()) return std::nullopt;
  return state_->view(found->second);
}

std::optional<ConversationView> Engine::conversation_of(MessageId message) const {
  for (const auto& [day, bucket] : state_->seen)
    if (const auto found = bucket.seen.find(message); found != bucket.seen.end())
      if (auto seen = conversation(found->second.conversation)) return seen;
  const auto anchored = state_->anchors.find({message.high, message.low});
  return anchored == state_->anchors.end() ? std::nullopt : conversation(anchored->second);
}

std::optional<Explanation> Engine::explain(ConversationId id) const {
  const auto found = state_->conversations.find(id);
  if (found == state_->conversations.end()) return std::nullopt;
  constexpr std::uint64_t ahead_counted_max = 10'000;
  const auto& c = found->second;
  Explanation out{state_->view(c), state_->matcher.exclusions(c, state_->now), 0};
  if (c.state == ConversationState::waiting)
    out.ahead = state_->matcher.ahead(c, order_key(c, state_->policy.urgency_step), ahead_counted_max);
  return out;
}

std::optional<std::string> Engine::broken_rule() const {
  const auto& s = *state_;
  std::map<AgentId, std::size_t> held;
  for (const auto& [id, c] : s.conversations) {
    const auto about = [&](const char* what) { return "conversation " + id.text() + " " + what; };
    if (c.held() != !c.agent.empty()) return about("is in two places or none");
    if ((c.state == ConversationState::offered) != !c.offer.empty()) return about("has an offer and is not offered");
    if (!c.offer.empty() && (!s.offers.contains(c.offer) || s.offers.at(c.offer) != id)) return about("has a lost offer");
    if (c.held() && (!s.agents.contains(c.agent) || !s.agents.at(c.agent).held.contains(id)))
      return about("is held by one who does not know");
    if (c.held()) ++held[c.agent];
    if (c.messages == 0) return about("has no message");
    if (c.may_be_woken() && c.wake_at != Instant{} && (c.timer == Instant{} || c.timer > c.wake_at)) return about("is not woken when it should be");
    if (c.timer != State::due(c)) return about("is not looked at when it is due");
    if (c.timer != Instant{} && !s.timers.contains({c.timer, TimerKind::conversation, {id.high, id.low}, {}}))
      return about("has lost its timer");
  }
  const bool quiet = s.timers.empty() || s.timers.begin()->at > s.now;
  for (const auto& [id, agent] : s.agents) {
    const auto about = [&](const char* what) { return "agent " + id.text() + " " + what; };
    if (agent.held.size() != held[id]) return about("holds what is not its own");
    if (static_cast<int>(agent.held.size()) > std::max(agent.policy->capacity_total, agent.excused))
      return about("is over its capacity");
    for (const auto& [channel, load] : agent.load)
      if (load > std::max(agent.capacity(channel), agent.excused)) return about("is over its capacity on a channel");
    // Rule 9: work conservation. Declines are forgotten on a tick, so only when none is due.
    if (quiet && agent.available() && s.matcher.best_conversation(agent, s.now))
      return about("is free while work it may do waits");
  }
  Digest digest;
  for (const auto& entity : serialize()) {
    const auto hash = entity_hash(entity.table, entity.key, entity.value);
    ++digest.count;
    digest.sum.high += hash.high;
    digest.sum.low += hash.low;
  }
  if (digest != state_hash()) return "the digest is not that of the entities";
  return std::nullopt;
}

std::vector<TextPlace> Engine::texts() const {
  std::vector<TextPlace> places;
  for (const auto& [id, c] : state_->conversations) add_texts(c, places);
  std::sort(places.begin(), places.end());
  return places;
}

std::vector<TextPlace> Engine::texts(ConversationId id) const {
  std::vector<TextPlace> places;
  const auto found = state_->conversations.find(id);
  if (found != state_->conversations.end()) add_texts(found->second, places);
  return places;
}

std::vector<ConversationId> Engine::conversation_ids() const {
  std::vector<ConversationId> ids;
  ids.reserve(state_->conversations.size());
  for (const auto& [id, c] : state_->conversations) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::set<GatewayId> Engine::gateways() const {
  std::set<GatewayId> live;
  for (const auto& [id, agent] : state_->agents)
    if (agent.connected) live.insert(agent.gateway);
  return live;
}

MessageId text_id(BodyKind kind, ConversationId conversation, const AgentId& agent, const CommandId& command,
                  Offset offset) {
  return derived_id<MessageId>(kind == BodyKind::note ? "note" : "reply",
                               conversation.text() + '\0' + agent.text() + '\0' + command.text(), offset, 0);
}

}  // namespace usher::engine
