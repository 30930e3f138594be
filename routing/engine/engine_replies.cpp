// Replies on their way to the customer: one attempt an effect, retries held here (rule E5), states merged so that they
// only go forward.
#include <algorithm>

#include "routing/engine/engine_state.hpp"
#include "routing/engine/entity_text.hpp"

namespace usher::engine {
namespace {

// 5 s, 10 s, 20 s ... up to an hour; a provider's own wish counts when it is longer.
Milliseconds retry_after(int attempt, Milliseconds asked) {
  constexpr Milliseconds first = limits::retry_first;
  constexpr Milliseconds longest = limits::retry_longest;
  const auto wait = first * (std::int64_t{1} << std::min(attempt - 1, 16));
  return std::min(std::max(wait, asked), longest);
}

int rank(DeliveryState state) {
  switch (state) {
    case DeliveryState::deferred: return 0;
    case DeliveryState::sent: return 1;
    case DeliveryState::delivered: return 2;
    case DeliveryState::read: return 3;
    case DeliveryState::failed: return 4;
  }
  return 0;
}

}  // namespace

void Engine::State::want(const TrackedReply& reply) {
  const auto& c = conversation(reply.conversation);
  step.effects.push_back(ReplyWanted{reply.id, c.id, c.connector, c.channel, reply.in_reply_to, reply.author, reply.attempt});
}

// Of first attempts egress keeps the order itself; one whose report was lost with its log holds up nothing.
bool Engine::State::tries_again(const Conversation& c) const {
  return std::any_of(c.replies.begin(), c.replies.end(), [&](const auto& id) {
    const auto& reply = replies.at(id);
    return reply.state == DeliveryState::deferred && (reply.attempt > 1 || reply.retry_at != Instant{});
  });
}

// What was written before it is tried still, or waits for that itself.
bool Engine::State::is_behind(const TrackedReply& reply) const {
  const auto& c = conversations.at(reply.conversation);
  return std::any_of(c.replies.begin(), c.replies.end(), [&](const auto& id) {
    const auto& other = replies.at(id);
    return other.sequence < reply.sequence && other.state == DeliveryState::deferred &&
           (other.held || other.attempt > 1 || other.retry_at != Instant{});
  });
}

// A customer reads replies in the order in which they were written, however often the first of them has to be tried.
void Engine::State::hold(TrackedReply& reply) {
  reply.held = true;
  reply.retry_at = now + limits::held_reply_look_every;
}

void Engine::State::let_next_leave(Conversation& c, bool stuck) {
  TrackedReply* next = nullptr;
  for (const auto& id : c.replies) {
    auto& reply = replies.at(id);
    if (reply.held && (next == nullptr || reply.sequence < next->sequence)) next = &reply;
  }
  if (next == nullptr || (!stuck && is_behind(*next))) return;
  next->held = false;
  next->retry_at = {};
  dirty_replies.insert(next->id);
  want(*next);
}

// Its time to look: what it waits for is tried still, or the same attempt is out as the last time, so that nobody will ever say
// what became of it.
void Engine::State::look_at_held(TrackedReply& reply) {
  auto& c = conversation(reply.conversation);
  std::int64_t attempts = 0;
  bool waits = false;
  for (const auto& id : c.replies) {
    const auto& other = replies.at(id);
    if (other.held || other.state != DeliveryState::deferred) continue;
    attempts += other.attempt;
    waits = waits || other.retry_at != Instant{};
  }
  const bool stuck = !waits && attempts == reply.attempts_seen;
  reply.attempts_seen = attempts;
  reply.retry_at = now + limits::held_reply_look_every;
  dirty_replies.insert(reply.id);
  if (stuck) let_next_leave(c, true);
}

void Engine::State::on(const DeliveryReported& record) {
  const auto found = replies.find(record.reply);
  if (record.attempt == 0) return returned(record, found == replies.end() ? nullptr : &found->second);
  if (found == replies.end()) return;  // Forgotten with its conversation, or final already.
  auto& reply = found->second;
  if (record.state == DeliveryState::deferred || record.state == DeliveryState::failed) {
    // An older attempt's bad news, or one that was sent after all: not news.
    if (record.attempt != reply.attempt || reply.retry_at != Instant{} || rank(reply.state) > 0) return;
    if (record.state == DeliveryState::failed) return reply_failed(reply, record.detail);
    if (reply.attempt >= attempts_max(reply)) return reply_failed(reply, "given up: " + record.detail);
    if (is_behind(reply)) {  // It was on its way when the one before it was put off.
      ++reply.attempt;
      hold(reply);
    } else {
      reply.retry_at = now + retry_after(reply.attempt, record.retry_after);
    }
    dirty_replies.insert(reply.id);
    return tell_holder(reply, DeliveryState::deferred, record.detail);
  }
  if (rank(record.state) <= rank(reply.state)) return;
  reply_left(reply, record);
}

void Engine::State::reply_left(TrackedReply& reply, const DeliveryReported& record) {
  const bool first_news = reply.state == DeliveryState::deferred;
  reply.state = record.state;
  reply.retry_at = {};
  reply.held = false;  // Another process had tried it, and was heard of late.
  dirty_replies.insert(reply.id);
  tell_holder(reply, record.state, record.detail);
  if (first_news) let_next_leave(conversation(reply.conversation));
}

// A mail that was sent came back, or is said to be on its way still. Which attempt it was, its report cannot say; where it
// names no reply, it names the conversation. The mail that says so may be read twice; it is believed once (rule I1).
void Engine::State::returned(const DeliveryReported& record, TrackedReply* reply) {
  if (reply != nullptr && reply->held) return;  // Nobody can have it yet.
  if (record.message) {
    const auto said = derived_id<MessageId>("report", record.message->text(), 0, 0);
    for (const auto& [day, bucket] : seen)
      if (bucket.seen.contains(said)) return;
    const auto about = reply == nullptr ? ConversationId{record.reply.high, record.reply.low} : reply->conversation;
    if (conversations.contains(about)) remember_seen(said, about, true);
  }
  if (reply == nullptr) {
    const auto named = conversations.find(ConversationId{record.reply.high, record.reply.low});
    if (named != conversations.end() && record.state == DeliveryState::failed) unanswered(named->second, record.detail);
    return;
  }
  if (record.state == DeliveryState::failed) {
    if (reply->state == DeliveryState::deferred || reply->state == DeliveryState::sent) reply_failed(*reply, record.detail);
  } else if (record.state == DeliveryState::deferred) {
    if (reply->state == DeliveryState::sent) tell_holder(*reply, DeliveryState::deferred, record.detail);
  } else if (rank(record.state) > rank(reply->state)) {
    reply_left(*reply, record);
  }
}

int Engine::State::attempts_max(const TrackedReply& reply) const {
  return conversations.at(reply.conversation).channel == "email" ? limits::mail_attempts_max : policy.send_attempts_max;
}

void Engine::State::reply_failed(TrackedReply& reply, const std::string& detail) {
  reply.state = DeliveryState::failed;
  reply.retry_at = {};
  dirty_replies.insert(reply.id);
  tell_holder(reply, DeliveryState::failed, detail);
  auto& c = conversation(reply.conversation);
  unanswered(c, detail);
  let_next_leave(c);
}

void Engine::State::unanswered(Conversation& c, const std::string& detail) {
  happened("usher.message.failed.v1", c, detail);
  if (c.state == ConversationState::assigned || c.state == ConversationState::offered ||
      c.state == ConversationState::waiting)
    return;
  // The customer has no answer and nobody is looking: it is work again.
  if (c.state == ConversationState::wrap_up) {
    auto& agent = agents.at(c.agent);
    release(c);
    send(agent, ReleasedFrame{c.id, "reopened", std::nullopt});
  }
  c.answered = false;
  c.waiting_since = now;
  enqueue(c);
}

void Engine::State::tell_holder(const TrackedReply& reply, DeliveryState state, const std::string& detail) {
  const auto& c = conversation(reply.conversation);
  if (!c.agent.empty() && c.state != ConversationState::offered)
    send(agents.at(c.agent), DeliveryFrame{c.id, reply.id, state, detail});
}

std::string to_text(const TrackedReply& reply) {
  return EntityWriter{}
      .id("conversation", reply.conversation)
      .text("author", reply.author.text())
      .id("in_reply_to", reply.in_reply_to)
      .number("sequence", reply.sequence)
      .number("held", reply.held ? 1 : 0)
      .number("attempts_seen", reply.attempts_seen)
      .number("attempt", reply.attempt)
      .number("state", static_cast<int>(reply.state))
      .instant("retry_at", reply.retry_at)
      .take();
}

Result<TrackedReply> reply_from_text(std::string_view key, std::string_view text) {
  EntityReader reader(text);
  const auto id = MessageId::parse(key);
  TrackedReply reply;
  reply.id = id.value_or(MessageId{});
  reply.conversation = reader.id<ConversationId>("conversation");
  reply.author = AgentId{reader.text("author")};
  reply.in_reply_to = reader.id<MessageId>("in_reply_to");
  reply.sequence = reader.number("sequence");
  reply.held = reader.number("held") != 0;
  reply.attempts_seen = reader.number("attempts_seen");
  reply.attempt = static_cast<int>(reader.number("attempt"));
  reply.state = reader.choice("state", DeliveryState::failed);
  reply.retry_at = reader.instant("retry_at");
  if (!id || !reader.good()) return fail(Fault::malformed, "reply " + std::string(key) + " cannot be read");
  return reply;
}

}  // namespace usher::engine
