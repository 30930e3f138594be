// What is due: one ordered set of timers, fired only by tick and claim records (rule J4).
#include <algorithm>
#include <limits>

#include "routing/engine/engine_state.hpp"
#include "routing/message/plant.hpp"

namespace usher::engine {

void Engine::State::on(const Claimed& record) {
  if (record.previous_epoch != epoch) return;  // Void (rule O1).
  epoch = offset;
  owner = record.router;
  owner_version = record.engine_version;
  // What the last owner sent to live sessions may not have arrived (rule A1).
  for (auto& [id, agent] : agents)
    if (agent.connected) welcome(agent);
  fire_timers();
}

void Engine::State::fire_timers() {
  while (!timers.empty() && timers.begin()->at <= now) fire(Timer(*timers.begin()));
}

void Engine::State::fire(const Timer& timer) {
  // Rule J4: nobody could answer while the system stood still, so leases run anew and no miss is counted.
  const bool overdue = now - timer.at > Milliseconds(limits::overdue_rearm_after);
  switch (timer.kind) {
    case TimerKind::dedupe: return drop_old_seen();
    case TimerKind::grace: {
      auto& agent = agents.at(timer.agent);
      if (overdue) agent.grace_until = now + policy.times.session_grace;
      else grace_over(agent);
      touch(agent);
      return schedule(agent);
    }
    case TimerKind::conversation: {
      const ConversationId id{timer.id.high, timer.id.low};
      conversation_due(conversation(id), overdue);
      if (const auto still = conversations.find(id); still != conversations.end()) schedule(still->second);
      return;
    }
    case TimerKind::sender: return forget_sender(timer.id);
    case TimerKind::reply: {
      auto& reply = replies.at(MessageId{timer.id.high, timer.id.low});
      if (reply.held) {
        look_at_held(reply);
        return schedule(reply);
      }
      reply.retry_at = {};
      ++reply.attempt;
      want(reply);
      dirty_replies.insert(reply.id);
      return schedule(reply);
    }
  }
}

void Engine::State::conversation_due(Conversation& c, bool overdue) {
  touch(c);
  if (c.answer_due != Instant{} && c.answer_due <= now && !c.overdue) {
    c.overdue = true;
    happened("usher.work.overdue.v1", c);
  }
  if (c.may_be_woken() && c.wake_at != Instant{} && c.wake_at <= now) return wake(c);
  const bool until_due = c.until != Instant{} && c.until <= now;
  switch (c.state) {
    case ConversationState::waiting:
      leave_waiting(c);
      std::erase_if(c.declined, [&](const Decliner& one) { return one.until <= now; });
      if (until_due) {
        c.reserved = {};
        c.until = {};
      }
      return enqueue(c);  // Declines that are forgotten by now open it to more agents.
    case ConversationState::offered: {
      if (!until_due) return;
      if (overdue || planted(Plant::offer_never_expires)) {
        c.until = now + policy.times.offer_timeout;
        return;
      }
      auto& agent = agents.at(c.agent);
      happened("usher.work.expired.v1", c);
      revoke_offer(c, "expired");
      c.remember_decline(agent.id, now + policy.times.decline_memory, now);
      if (agent.connected && ++agent.missed >= policy.missed_offers_max) {
        agent.missed = 0;
        set_presence(agent, Presence::away, "missed offers");
      }
      enqueue(c);
      return offer_work(agent);
    }
    case ConversationState::snoozed:
      if (!until_due) return;
      c.waiting_since = now;
      return enqueue(c);
    case ConversationState::wrap_up: {
      if (!until_due) return;
      if (overdue) {
        c.until = now + policy.times.wrap_up;
        return;
      }
      auto& agent = agents.at(c.agent);
      release(c);
      finish(c);
      send(agent, ReleasedFrame{c.id, "wrapped_up", std::nullopt});
      return offer_work(agent);
    }
    case ConversationState::closed:
      if (!until_due) return;
      // What was written is not forgotten while it is tried: it leaves, or fails and is told.
      if (tries_again(c) || c.wake_at != Instant{}) c.until = now + limits::forget_again_after;
      else forget(c);
      return;
    case ConversationState::assigned: return;
  }
}

void Engine::State::move_timer(Instant& stands, Instant at, TimerKind kind, Hash128 id, const AgentId& agent) {
  if (stands == at) return;
  if (stands != Instant{}) timers.erase({stands, kind, id, agent});
  if (at != Instant{}) timers.insert({at, kind, id, agent});
  stands = at;
}

// When something happens to it by itself; 0: never.
Instant Engine::State::due(const Conversation& c) {
  Instant at = c.state == ConversationState::assigned ? Instant{} : c.until;
  const auto sooner = [&](Instant other) { if (other != Instant{} && (at == Instant{} || other < at)) at = other; };
  if (!c.answered && !c.overdue) sooner(c.answer_due);
  if (c.may_be_woken() && !planted(Plant::wake_lost)) sooner(c.wake_at);
  // When a decline is forgotten, the one who declined may be asked again.
  if (c.state == ConversationState::waiting)
    for (const auto& one : c.declined) sooner(one.until);
  return at;
}

void Engine::State::schedule(Conversation& c) { move_timer(c.timer, due(c), TimerKind::conversation, {c.id.high, c.id.low}, {}); }

void Engine::State::schedule(Agent& agent) {
  move_timer(agent.timer, agent.grace_until, TimerKind::grace, {}, agent.id);
}

void Engine::State::schedule(TrackedReply& reply) {
  move_timer(reply.timer, reply.retry_at, TimerKind::reply, {reply.id.high, reply.id.low}, {});
}

std::int64_t day_of(Instant at) { return unix_ms(at) / 86'400'000; }
std::string seen_table(std::int64_t day) { return "seen:" + std::to_string(day); }

// By the record that was first, so that what comes in together stands together. A record says one message at most.
Entity seen_entity(std::int64_t day, MessageId message, const SeenMessage& seen) {
  if (seen.at == offset_none) return {seen_table(day), message.text(), seen.conversation.text()};
  return {seen_table(day), Id128<void>{0, static_cast<std::uint64_t>(seen.at)}.text().substr(16), message.text() + ' ' + seen.conversation.text()};
}

std::optional<std::pair<MessageId, SeenMessage>> seen_from_text(std::string_view key, std::string_view value) {
  if (const auto message = MessageId::parse(key)) {  // As version 1 wrote it.
    const auto conversation = ConversationId::parse(value);
    return conversation ? std::optional(std::pair(*message, SeenMessage{*conversation, offset_none})) : std::nullopt;
  }
  const auto at = Id128<void>::parse(std::string(16, '0') + std::string(key));
  const auto space = std::min(value.find(' '), value.size());
  const auto message = MessageId::parse(value.substr(0, space));
  const auto conversation = ConversationId::parse(value.substr(std::min(space + 1, value.size())));
  const bool is_offset = at && key.size() == 16 && at->low <= static_cast<std::uint64_t>(std::numeric_limits<Offset>::max());
  if (!is_offset || !message || !conversation) return std::nullopt;
  return std::pair(*message, SeenMessage{*conversation, static_cast<Offset>(at->low)});
}

// Rule I1: mail for longer, since a mailbox that is numbered anew, or put back from a copy, shows old mail again. It is kept
// with what was seen on a later day.
void Engine::State::remember_seen(MessageId message, ConversationId conversation_id, bool mail) {
  const auto longer = std::max(Milliseconds(limits::mail_dedupe_window) - policy.times.dedupe_window, Milliseconds{0});
  const auto day = day_of(mail ? now + longer : now);
  auto& bucket = seen[day];
  const auto [known, fresh] = bucket.seen.emplace(message, SeenMessage{conversation_id, offset});
  if (!fresh) return;
  ++seen_count;
  Stored stored;
  const auto entity = seen_entity(day, message, known->second);
  ledger.put(stored, entity.table, entity.key, entity.value);
  bucket.digest.sum.high += stored.hash.high;
  bucket.digest.sum.low += stored.hash.low;
  ++bucket.digest.count;
  if (seen_count > limits::dedupe_keys_max && seen.size() > 1) drop_oldest_seen();
  schedule_seen();
}

// Rule I1: whole days at once. The window counts from the end of the day, so it is never shorter than promised.
Instant Engine::State::seen_ends(std::int64_t day) const {
  return from_unix_ms((day + 1) * 86'400'000) + policy.times.dedupe_window;
}

void Engine::State::drop_old_seen() {
  while (!seen.empty() && seen_ends(seen.begin()->first) <= now) drop_oldest_seen();
  schedule_seen();
}

void Engine::State::drop_oldest_seen() {
  seen_count -= seen.begin()->second.seen.size();
  ledger.drop(seen_table(seen.begin()->first), seen.begin()->second.digest);
  seen.erase(seen.begin());
}

void Engine::State::schedule_seen() {
  move_timer(seen_timer, seen.empty() ? Instant{} : seen_ends(seen.begin()->first), TimerKind::dedupe, {}, {});
}

}  // namespace usher::engine
