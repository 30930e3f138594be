// Step: what one record does. Changes to tracked state, bodies to keep, frames for agents, effects on the world.
// Plain data; the router commits it, then sends it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/policy.hpp"
#include "routing/message/record.hpp"
#include "routing/message/siphash.hpp"

namespace usher::engine {

using namespace usher::message;  // The vocabulary: this layer speaks nothing else.

// One entity of tracked state. `value` is canonical text (docs/state-format.md), readable with redis-cli or sqlite3.
struct Entity {
  std::string table;
  std::string key;
  std::string value;
  friend auto operator<=>(const Entity&, const Entity&) = default;
};

// Absolute, never an increment (rule S1). No value: the entity is gone. Key "*" with no value: the whole table is gone.
struct Change {
  std::string table;
  std::string key;
  std::optional<std::string> value;
  friend bool operator==(const Change&, const Change&) = default;
};

// Number and order-free hash of all entities (rule S2): equal digests, equal state.
struct Digest {
  std::uint64_t count = 0;
  Hash128 sum;
  friend bool operator==(const Digest&, const Digest&) = default;
};
// What one entity adds to Digest::sum (each half summed modulo 2^64).
[[nodiscard]] Hash128 entity_hash(std::string_view table, std::string_view key, std::string_view value);

// The text of this record's message, reply or note is to be kept as entry `sequence` of the conversation.
enum class BodyKind { from_customer, reply, note };
struct BodyKept {
  ConversationId conversation;
  std::uint32_t sequence = 0;
  MessageId id;
  BodyKind kind = BodyKind::from_customer;
  AgentId author;  // Empty for customers.
};

enum class ConversationState { waiting, offered, assigned, snoozed, wrap_up, closed };
[[nodiscard]] std::string_view state_name(ConversationState state);

// Why mail of it calls later, or stands last: it came in numbers that no person writes, and no agent has replied since.
enum class Flood { none, conversation, sender };
[[nodiscard]] std::string_view flood_name(Flood flood);

// What an agent, an operator or an event may see of a conversation. Ids and labels, never text (rule X4).
struct ConversationView {
  ConversationId id;
  ConnectorId connector;
  std::string channel;
  QueueId queue;
  Urgency urgency = Urgency::normal;
  std::vector<Requirement> requirements;
  ConversationState state = ConversationState::waiting;
  std::optional<AgentId> agent;   // Holder, or whom it is offered to.
  std::optional<OfferId> offer;
  Instant opened_at;
  Instant waiting_since;          // Original age: kept over declines, time-outs and requeues.
  std::optional<Instant> answer_due;
  std::optional<Instant> state_until;  // Offer expiry, snooze end, wrap-up end.
  std::uint32_t messages = 0;
  MessageId last_from_customer;
  Flood flood = Flood::none;
};

// Why this agent (rule X4). Scores are the matcher's own integers; lower is better.
struct Candidate {
  AgentId agent;
  std::int64_t load_permille = 0;
  std::int64_t proficiency = 0;
  std::int64_t idle_ms = 0;
};
struct Why {
  std::string policy;                     // policy_hash.
  std::int64_t waited_ms = 0;
  std::int64_t order_key = 0;             // Unix ms of waiting_since, less what its urgency is worth.
  bool preferred = false;                 // The winner held this conversation before.
  Candidate winner;
  std::vector<Candidate> runners_up;      // At most limits::runners_up_max.
  std::map<std::string, std::int64_t> excluded;  // Agents by reason: skill, presence, capacity, declined.
};

// --- Frames for one agent's session. Never in the outbox (rule A1). -------------------------------------------------
struct OfferView { OfferId offer; Milliseconds expires_in{0}; ConversationView conversation; Why why; };
struct WelcomeFrame { Presence presence = Presence::offline; std::vector<OfferView> offers; std::vector<ConversationView> conversations; };
struct PresenceFrame { Presence state = Presence::offline; std::string reason; };
struct OfferFrame { OfferView offer; };
struct OfferRevokedFrame { OfferId offer; std::string reason; };  // expired, accepted, declined, transferred, closed, presence
struct AssignedFrame { ConversationView conversation; };
// The record's own text, or a reply or note of the agent; the gateway reads the body.
struct MessageFrame { ConversationId conversation; MessageId message; BodyKind kind = BodyKind::from_customer; std::uint32_t sequence = 0; };
struct DeliveryFrame { ConversationId conversation; MessageId message; DeliveryState state = DeliveryState::sent; std::string detail; };
// The conversation left this agent: closed, wrapped_up, transferred, requeued, snoozed.
struct ReleasedFrame { ConversationId conversation; std::string reason; std::optional<Instant> wrap_up_until; };
// Outcome of a command: code empty means ok. Codes: docs/agent-protocol.md.
struct OutcomeFrame { CommandId command; std::string code; std::string detail; };
// This session is replaced by a newer one (rule A3) or its gateway is told to close it.
struct SessionEndedFrame { std::string reason; };
using Frame = std::variant<WelcomeFrame, PresenceFrame, OfferFrame, OfferRevokedFrame, AssignedFrame, MessageFrame,
                           DeliveryFrame, ReleasedFrame, OutcomeFrame, SessionEndedFrame>;

struct AgentFrame {
  AgentId agent;
  SessionId session;
  GatewayId gateway;
  std::uint64_t number = 0;  // Counts the frames of this session from 0 (the welcome); a gap means one was lost.
  Frame frame;
  // Of the owner who sent it. A gateway drops frames older than its session's welcome: a router that was paused may let
  // out late what it had rightly committed, after a newer owner has welcomed the session anew.
  Offset epoch = offset_none;
};

// --- Effects on the world: published after the commit, repeatable by id (rules E1..E4). -----------------------------
// One attempt to send a reply. The router adds the text.
struct ReplyWanted {
  MessageId reply;           // Semantic id, stable over attempts and engine versions (rule E4).
  ConversationId conversation;
  ConnectorId connector;
  std::string channel;
  MessageId in_reply_to;     // The customer's message whose sender gets it: the reply's route is pinned to it.
  AgentId author;
  int attempt = 1;
};
// A decision or a change of state, for the events topic.
struct Happened {
  std::string type;          // usher.work.queued.v1, .offered, .accepted, .declined, .expired, .assigned, .requeued, .transferred, .closed ...
  ConversationView conversation;
  std::optional<Why> why;
  std::string detail;
};
// This record cannot be applied; its bytes go to the dead letters. The router adds them.
struct DeadLettered { std::string reason; };
using Effect = std::variant<ReplyWanted, Happened, DeadLettered>;

struct Step {
  std::vector<Change> changes;
  std::vector<BodyKept> bodies;
  std::vector<ConversationId> bodies_gone;  // Forgotten conversations: their texts go with them (rule S5).
  std::vector<AgentFrame> frames;
  std::vector<Effect> effects;  // The index here is the index of the effect's id: partition/offset/index.
};

}  // namespace usher::engine
