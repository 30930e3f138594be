// Engine::State: the engine's inside. Facts (what the store keeps) and what is derived from them; its functions are the
// journey's stages, one file each: messages, offers, commands, sessions, replies, timers, policy, restore, views.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "routing/engine/agent.hpp"
#include "routing/engine/conversation.hpp"
#include "routing/engine/engine.hpp"
#include "routing/engine/ledger.hpp"
#include "routing/engine/matcher.hpp"

namespace usher::engine {

// A reply on its way out: kept until read, failed, or its conversation is forgotten.
struct TrackedReply {
  MessageId id;
  ConversationId conversation;
  AgentId author;
  MessageId in_reply_to;
  std::int64_t sequence = 0;  // Of its text in the conversation: replies leave in this order.
  bool held = false;          // An earlier reply of the conversation is tried again and has not left yet.
  std::int64_t attempts_seen = 0;  // Of those it waits for, when it last looked.
  int attempt = 1;
  DeliveryState state = DeliveryState::deferred;  // deferred: no attempt has succeeded yet.
  Instant retry_at;                               // 0: an attempt is out. Of one that is held: when to look again.
  Instant timer;
  Stored stored;
};

// Order of things due at the same instant.
enum class TimerKind { dedupe, grace, conversation, reply, sender };
struct Timer {
  Instant at;
  TimerKind kind;
  Hash128 id;
  AgentId agent;
  friend auto operator<=>(const Timer&, const Timer&) = default;
};

// Of one address that writes mail: when it opened conversations that nobody has answered, within the last hour.
struct MailSender {
  std::vector<Instant> opened;  // Oldest first, at most limits::mails_calling_max; never empty between records.
  Instant timer;
  Stored stored;
};

struct SeenMessage {
  ConversationId conversation;
  Offset at = offset_none;  // Of the record that was first; none: version 1 saw it.
};
struct SeenBucket {
  std::unordered_map<MessageId, SeenMessage> seen;  // Never iterated for decisions: only looked up.
  Digest digest;
};

struct CommandResult {
  std::string code;  // Empty: ok.
  std::string detail;
};

struct Engine::State {
  // --- Facts.
  Instant now;
  Offset epoch = offset_none;
  RouterId owner;
  int owner_version = 0;  // Engine version of the owner's claim (rule O3).
  int written_by = engine_version;  // Whose form the head stands in: an older one's until the first record.
  std::string policy_hash;
  Policy policy;
  std::map<std::string, Stored> policy_stored;  // By key of table "policy".
  std::unordered_map<ConversationId, Conversation> conversations;
  std::map<AgentId, Agent> agents;
  std::unordered_map<MessageId, TrackedReply> replies;
  std::map<Hash128, MailSender> senders;
  std::map<std::int64_t, SeenBucket> seen;  // By day of the append time.

  // --- Derived.
  Stored head_stored;
  std::map<Hash128, ConversationId> anchors;
  std::unordered_map<OfferId, ConversationId> offers;  // Only looked up.
  std::set<Timer> timers;
  Matcher matcher;
  std::map<AgentId, std::set<std::pair<std::int64_t, ConversationId>>> reserved;
  std::map<QueueId, const QueuePolicy*> queues;
  std::size_t seen_count = 0;
  std::uint64_t offers_made_in_memory = 0;  // Only for a planted fault.
  Instant seen_timer;

  // --- Of the record being applied.
  Ledger ledger;
  Step step;
  Offset offset = offset_none;
  Partition partition = 0;
  std::set<ConversationId> dirty_conversations;
  std::set<AgentId> dirty_agents;
  std::set<MessageId> dirty_replies;
  std::set<Hash128> dirty_senders;

  // engine.cpp
  Step apply(const Arrival& arrival);
  void flush();
  void dead_letter(std::string reason) { step.effects.push_back(DeadLettered{std::move(reason)}); }
  void happened(std::string type, const Conversation& c, std::string detail = {}, std::optional<Why> why = {});
  void send(Agent& agent, Frame frame);
  void touch(const Conversation& c) { dirty_conversations.insert(c.id); }
  void touch(const Agent& a) { dirty_agents.insert(a.id); }
  Conversation& conversation(ConversationId id);

  // engine_messages.cpp
  void on(const MessageReceived& record);
  void route(Conversation& c, const Message& message);
  void derive(Conversation& c) const;  // Urgency and requirements from policy and rules.
  Conversation* thread_of(const Message& message);
  void anchor(Conversation& c, Hash128 name);
  void anchor_mail(Conversation& c, const Message& message);
  void answer_goes_to(Conversation& c, const Message& message, bool opened);
  void customer_wrote(Conversation& c, const Message& message, bool asks);
  void asked_anew(Conversation& c);      // The wait for the next answer begins, unless it lasts already.

  // engine_caps.cpp
  void sender_wrote(Conversation& c, Hash128 sender, bool opened);
  [[nodiscard]] bool may_wake(Conversation& c);
  void wake(Conversation& c);
  void agent_answered(Conversation& c);
  void forget_sender(Hash128 sender);
  void write_sender(Hash128 name);

  // engine_offers.cpp
  void enqueue(Conversation& c);              // To waiting, and to an agent at once if one is free.
  void leave_waiting(Conversation& c);        // Out of the places where waiting ones stand.
  bool try_offer(Conversation& c);
  void make_offer(Conversation& c, Agent& agent, Why why);
  void revoke_offer(Conversation& c, const std::string& reason);  // Then the caller says where it goes.
  void hold(Conversation& c, Agent& agent);
  void release(Conversation& c);              // From its agent; then the caller says where it goes.
  void offer_work(Agent& agent);              // Until it has no room or there is nothing for it.
  void agent_changed(Agent& agent);
  void finish(Conversation& c);               // To closed.
  void forget(Conversation& c);

  // engine_commands.cpp
  void on(const CommandIssued& record);
  CommandResult run(Agent& agent, const CommandIssued& record);
  CommandResult carry(Agent& agent, const SetPresence& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Accept& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Decline& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Reply& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Note& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Transfer& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Snooze& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const Close& command, const CommandIssued& record);
  CommandResult carry(Agent& agent, const WrappedUp& command, const CommandIssued& record);
  void remember(Agent& agent, const CommandId& id, const CommandResult& result);
  Conversation* held_by(const Agent& agent, ConversationId id, CommandResult& refusal);
  MessageId keep_body(Conversation& c, const CommandIssued& record, BodyKind kind);

  // engine_sessions.cpp
  void on(const SessionOpened& record);
  void on(const SessionClosed& record);
  void on(const GatewayLost& record);
  void welcome(Agent& agent);
  void session_lost(Agent& agent);
  void grace_over(Agent& agent);
  void set_presence(Agent& agent, Presence state, std::string reason);

  // engine_replies.cpp
  void on(const DeliveryReported& record);
  void want(const TrackedReply& reply);
  [[nodiscard]] bool tries_again(const Conversation& c) const;  // One of its replies was put off and has not left since.
  void hold(TrackedReply& reply);
  void look_at_held(TrackedReply& reply);
  [[nodiscard]] bool is_behind(const TrackedReply& reply) const;
  void let_next_leave(Conversation& c, bool stuck = false);
  [[nodiscard]] int attempts_max(const TrackedReply& reply) const;
  void returned(const DeliveryReported& record, TrackedReply* reply);
  void reply_left(TrackedReply& reply, const DeliveryReported& record);
  void reply_failed(TrackedReply& reply, const std::string& detail);
  void unanswered(Conversation& c, const std::string& detail);
  void tell_holder(const TrackedReply& reply, DeliveryState state, const std::string& detail);

  // engine_timers.cpp
  void on(const Tick&) { fire_timers(); }
  void on(const Claimed& record);
  void on(const Unreadable& record) { dead_letter(record.reason); }
  void fire_timers();
  void fire(const Timer& timer);
  void conversation_due(Conversation& c, bool overdue);
  [[nodiscard]] static Instant due(const Conversation& c);
  void schedule(Conversation& c);
  void schedule(Agent& agent);
  void schedule(TrackedReply& reply);
  void move_timer(Instant& stands, Instant at, TimerKind kind, Hash128 id, const AgentId& agent);
  void remember_seen(MessageId message, ConversationId conversation, bool mail);
  [[nodiscard]] Instant seen_ends(std::int64_t day) const;
  void drop_old_seen();
  void drop_oldest_seen();
  void schedule_seen();

  // engine_policy.cpp
  void on(const PolicyActivated& record);
  void store_policy(const Policy& fresh, const std::string& hash);
  void index_queues();
  void drop_agents(const Policy& fresh, std::set<ConversationId>& waiting);
  void adopt_agents();                   // One Agent for each of the policy's, with its policy set.
  void rebuild_matcher(const std::set<ConversationId>& waiting);

  // engine_restore.cpp
  Result<void> restore(std::span<const Entity> entities);
  Result<void> take(const Entity& entity);
  Result<void> connect();                // What is derived from the facts taken.

  // engine_views.cpp
  ConversationView view(const Conversation& c) const;
  OfferView offer_view(const Conversation& c, Why why) const;
};

[[nodiscard]] Hash128 mail_sender_name(const std::string& address);
[[nodiscard]] std::string to_text(const MailSender& sender);
[[nodiscard]] Result<MailSender> sender_from_text(std::string_view key, std::string_view text);
[[nodiscard]] std::string to_text(const TrackedReply& reply);
[[nodiscard]] Result<TrackedReply> reply_from_text(std::string_view key, std::string_view text);
[[nodiscard]] std::string seen_table(std::int64_t day);
// None: it cannot be read.
[[nodiscard]] std::optional<std::pair<MessageId, SeenMessage>> seen_from_text(std::string_view key, std::string_view value);
[[nodiscard]] Entity seen_entity(std::int64_t day, MessageId message, const SeenMessage& seen);
[[nodiscard]] std::int64_t day_of(Instant at);

// Ids that the engine derives: from its own ids and the record's offset, so that a replay makes the same.
template <class Id>
[[nodiscard]] Id derived_id(std::string_view what, std::string_view of, Offset offset, std::uint32_t ordinal) {
  std::string bytes(what);
  bytes.append(1, '\0').append(of).append(1, '\0').append(std::to_string(offset)).append(1, '\0').append(std::to_string(ordinal));
  const auto hash = siphash128(bytes, 0x7573686572, 0x6964);
  return Id{hash.high, hash.low};
}

}  // namespace usher::engine
