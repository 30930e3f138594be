// Commands of agents. Each is answered with one outcome; a repeat, with the first one (rule A2). Everything but accept and
// presence must come from whoever holds the conversation.
#include "routing/engine/engine_state.hpp"
#include "routing/message/plant.hpp"

namespace usher::engine {
namespace {

constexpr auto snooze_longest = std::chrono::hours{24 * 90};

}  // namespace

void Engine::State::on(const CommandIssued& record) {
  const auto found = agents.find(record.agent);
  if (found == agents.end()) return;  // The policy dropped the agent; its session was ended with the reason.
  auto& agent = found->second;
  if (const auto slot = agent.slot_of.find(record.id); slot != agent.slot_of.end()) {
    const auto& first = agent.slots[slot->second];
    if (agent.session == record.session && agent.connected)
      send(agent, OutcomeFrame{first.id, first.code, first.detail});
    return;
  }
  const auto result = run(agent, record);
  remember(agent, record.id, result);
  if (agent.session == record.session && agent.connected) send(agent, OutcomeFrame{record.id, result.code, result.detail});
}

CommandResult Engine::State::run(Agent& agent, const CommandIssued& record) {
  // Only the current session speaks for the agent: an older tab's command may be late in the journal.
  if (agent.session != record.session) return {"wrong_state", "this session was replaced"};
  return std::visit([&](const auto& command) { return carry(agent, command, record); }, record.command);
}

void Engine::State::remember(Agent& agent, const CommandId& id, const CommandResult& result) {
  const auto slot = static_cast<std::size_t>(agent.commands % limits::commands_remembered);
  if (agent.slots.size() <= slot) agent.slots.resize(slot + 1);
  auto& place = agent.slots[slot];
  if (!place.id.empty()) agent.slot_of.erase(place.id);
  place.id = id;
  place.code = result.code;
  place.detail = result.detail;
  agent.slot_of[id] = slot;
  ++agent.commands;
  ledger.put(place.stored, "command", command_key(agent.id, slot), to_text(place));
  touch(agent);
}

Conversation* Engine::State::held_by(const Agent& agent, ConversationId id, CommandResult& refusal) {
  const auto found = conversations.find(id);
  if (found == conversations.end()) {
    refusal = {"unknown_conversation", "there is no such conversation"};
    return nullptr;
  }
  auto& c = found->second;
  if (c.agent != agent.id || c.state == ConversationState::offered) {
    refusal = {"not_assigned", "you do not hold this conversation"};
    return nullptr;
  }
  return &c;
}

MessageId Engine::State::keep_body(Conversation& c, const CommandIssued& record, BodyKind kind) {
  const auto id = text_id(kind, c.id, record.agent, record.id, offset);
  step.bodies.push_back({c.id, c.sequence++, id, kind, record.agent});
  c.remember_text(offset);
  c.last_activity = now;
  touch(c);
  return id;
}

CommandResult Engine::State::carry(Agent& agent, const SetPresence& command, const CommandIssued&) {
  agent.missed = 0;
  set_presence(agent, command.state, command.reason);
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Accept& command, const CommandIssued&) {
  const auto found = offers.find(command.offer);
  if (found == offers.end() || (conversation(found->second).agent != agent.id && !planted(Plant::stale_offer_accepted)))
    return {"stale_offer", "this offer has ended"};
  auto& c = conversation(found->second);
  offers.erase(found);
  c.offer = {};
  c.reserved = {};
  c.until = {};
  c.state = ConversationState::assigned;
  c.preferred = agent.id;
  c.declined.clear();
  agent.missed = 0;
  touch(c);
  touch(agent);
  send(agent, AssignedFrame{view(c)});
  happened("usher.work.accepted.v1", c);
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Decline& command, const CommandIssued&) {
  const auto found = offers.find(command.offer);
  if (found == offers.end() || conversation(found->second).agent != agent.id)
    return {"stale_offer", "this offer has ended"};
  auto& c = conversation(found->second);
  agent.missed = 0;
  happened("usher.work.declined.v1", c);
  revoke_offer(c, "declined");
  c.remember_decline(agent.id, now + policy.times.decline_memory, now);
  enqueue(c);
  offer_work(agent);
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Reply& command, const CommandIssued& record) {
  CommandResult refusal;
  auto* c = held_by(agent, command.conversation, refusal);
  if (!c) return refusal;
  if (c->state != ConversationState::assigned) return {"wrong_state", "the conversation is closed"};
  if (command.text.empty()) return {"bad_request", "a reply needs text"};
  const auto id = keep_body(*c, record, BodyKind::reply);
  c->answered = true;
  c->answer_due = {};
  agent_answered(*c);
  TrackedReply reply;
  reply.id = id;
  reply.conversation = c->id;
  reply.author = agent.id;
  reply.in_reply_to = c->last_from_customer;
  reply.sequence = c->sequence - 1;
  if (tries_again(*c)) hold(reply);
  c->replies.insert(id);
  replies.emplace(id, reply);
  dirty_replies.insert(id);
  if (!reply.held) want(reply);
  send(agent, MessageFrame{c->id, id, BodyKind::reply, c->sequence - 1});
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Note& command, const CommandIssued& record) {
  CommandResult refusal;
  auto* c = held_by(agent, command.conversation, refusal);
  if (!c) return refusal;
  if (command.text.empty()) return {"bad_request", "a note needs text"};
  const auto id = keep_body(*c, record, BodyKind::note);
  send(agent, MessageFrame{c->id, id, BodyKind::note, c->sequence - 1});
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Transfer& command, const CommandIssued& record) {
  CommandResult refusal;
  auto* c = held_by(agent, command.conversation, refusal);
  if (!c) return refusal;
  if (c->state != ConversationState::assigned) return {"wrong_state", "the conversation is closed"};
  if (command.queue.has_value() == command.agent.has_value())
    return {"bad_request", "a transfer goes to one queue or one agent"};
  if (command.queue && !queues.contains(*command.queue)) return {"unknown_queue", "there is no such queue"};
  if (command.agent) {
    const auto target = agents.find(*command.agent);
    if (target == agents.end()) return {"unknown_agent", "there is no such agent"};
    if (target->first == agent.id) return {"bad_request", "you hold it already"};
    // Work never goes to somebody who is not there.
    if (!target->second.available()) return {"wrong_state", "that agent is not available"};
  }
  if (!command.note.empty()) (void)keep_body(*c, record, BodyKind::note);
  release(*c);
  send(agent, ReleasedFrame{c->id, "transferred", std::nullopt});
  happened("usher.work.transferred.v1", *c);
  c->preferred = {};
  if (command.queue) {
    c->queue = *command.queue;
    c->rule_requirements.clear();  // The agent knows better than the rule what it needs.
    derive(*c);
    c->remember_decline(agent.id, now + policy.times.decline_memory, now);
  } else {
    c->reserved = *command.agent;
    c->until = now + policy.times.decline_memory;
  }
  enqueue(*c);
  offer_work(agent);
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Snooze& command, const CommandIssued&) {
  CommandResult refusal;
  auto* c = held_by(agent, command.conversation, refusal);
  if (!c) return refusal;
  if (c->state != ConversationState::assigned) return {"wrong_state", "the conversation is closed"};
  if (command.until <= now || command.until > now + snooze_longest)
    return {"bad_request", "snooze until a time within the next 90 days"};
  release(*c);
  c->state = ConversationState::snoozed;
  c->preferred = agent.id;
  c->until = command.until;
  send(agent, ReleasedFrame{c->id, "snoozed", std::nullopt});
  happened("usher.work.snoozed.v1", *c);
  offer_work(agent);
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const Close& command, const CommandIssued&) {
  CommandResult refusal;
  auto* c = held_by(agent, command.conversation, refusal);
  if (!c) return refusal;
  if (c->state != ConversationState::assigned) return {"wrong_state", "the conversation is closed"};
  c->answered = true;
  c->answer_due = {};
  c->preferred = agent.id;
  if (policy.times.wrap_up.count() > 0) {
    c->state = ConversationState::wrap_up;
    c->until = now + policy.times.wrap_up;
    touch(*c);
    send(agent, ReleasedFrame{c->id, "closed", c->until});
    happened("usher.work.closed.v1", *c, command.disposition);
    return {};
  }
  release(*c);
  finish(*c);
  send(agent, ReleasedFrame{c->id, "closed", std::nullopt});
  happened("usher.work.closed.v1", *c, command.disposition);
  offer_work(agent);
  return {};
}

CommandResult Engine::State::carry(Agent& agent, const WrappedUp& command, const CommandIssued&) {
  CommandResult refusal;
  auto* c = held_by(agent, command.conversation, refusal);
  if (!c) return refusal;
  if (c->state != ConversationState::wrap_up) return {"wrong_state", "the conversation is not in wrap-up"};
  release(*c);
  finish(*c);
  send(agent, ReleasedFrame{c->id, "wrapped_up", std::nullopt});
  happened("usher.work.wrapped_up.v1", *c);
  offer_work(agent);
  return {};
}

}  // namespace usher::engine
