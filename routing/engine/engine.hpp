// Engine: a pure function of the journal. No clock, no I/O, no randomness, no text: the same records give the same steps
// on any machine, at any later date. Owned by one router thread.
//
// Journey: journal -> [engine.apply] -> state commit -> delivery.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "routing/engine/step.hpp"
#include "routing/message/record.hpp"
#include "routing/message/result.hpp"

namespace usher::engine {

// 2: caps on mail. 3: machines' mail is not what a reply answers. 4: a reply that is put off waits for those before it. State of
// older versions is read as it stands: what it does not say is nothing.
inline constexpr int engine_version = 4;

struct AgentView {
  AgentId id;
  Presence presence = Presence::offline;  // Declared.
  bool connected = false;                 // Has a live session (false in grace).
  bool in_grace = false;
  int held = 0;                           // Offered, assigned and wrapping up.
  int capacity_total = 0;
  int missed_offers = 0;
};

struct QueueView {
  QueueId id;
  std::uint64_t waiting = 0, offered = 0, assigned = 0, snoozed = 0, wrap_up = 0;
  std::optional<Instant> oldest_waiting_since;
};

// Why a conversation waits, or has whom it has.
struct Explanation {
  ConversationView conversation;
  std::map<std::string, std::int64_t> agents_by_reason;  // skill, presence, capacity, declined, available
  std::uint64_t ahead = 0;                               // Waiting conversations of its class before it.
};

// Where in the journal a text stands that the store holds as a body.
struct TextPlace {
  Offset offset = offset_none;
  ConversationId conversation;
  std::uint32_t sequence = 0;
  friend auto operator<=>(const TextPlace&, const TextPlace&) = default;
};
// The id of an agent's reply or note (BodyKept::id), from the record at `offset`.
[[nodiscard]] MessageId text_id(BodyKind kind, ConversationId conversation, const AgentId& agent, const CommandId& command,
                                Offset offset);

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Requires: arrival.offset grows. Never fails: a record that says something impossible changes nothing, or is
  // dead-lettered.
  [[nodiscard]] Step apply(const Arrival& arrival);

  // When the router must append a tick, by the engine's own time; none: nothing is due, ever.
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  // The largest append time applied.
  [[nodiscard]] Instant now() const;
  [[nodiscard]] Offset epoch() const;           // Offset of the current claim.
  [[nodiscard]] RouterId owner() const;         // Router of the current claim.
  [[nodiscard]] int owner_version() const;      // Its engine version (rule O3); 0 before the first claim.
  [[nodiscard]] std::string policy_hash() const;  // "" before the first policy.

  [[nodiscard]] Digest state_hash() const;
  // All tracked entities, sorted. restore(serialize()) is this engine.
  [[nodiscard]] std::vector<Entity> serialize() const;
  // Fails with `malformed` when an entity cannot be read: the store was written by another version or damaged.
  [[nodiscard]] static Result<Engine> restore(std::span<const Entity> entities);

  // The texts of all conversations, the newest limits::texts_remembered of each, by offset: to write them again into a store
  // that has lost them.
  [[nodiscard]] std::vector<TextPlace> texts() const;
  [[nodiscard]] std::vector<TextPlace> texts(ConversationId conversation) const;
  // Of all conversations, sorted.
  [[nodiscard]] std::vector<ConversationId> conversation_ids() const;
  // Gateways that hold live sessions.
  [[nodiscard]] std::set<GatewayId> gateways() const;

  // As the policy names the agent; the id where it names none.
  [[nodiscard]] std::string display_name(const AgentId& agent) const;

  // For operators and tests.
  [[nodiscard]] std::vector<AgentView> agents() const;
  [[nodiscard]] std::vector<QueueView> queues() const;
  // Newest activity first.
  [[nodiscard]] std::vector<ConversationView> conversations(std::size_t limit) const;
  [[nodiscard]] std::optional<ConversationView> conversation(ConversationId id) const;
  [[nodiscard]] std::optional<ConversationView> conversation_of(MessageId message) const;
  [[nodiscard]] std::optional<Explanation> explain(ConversationId id) const;
  // Checks the rules of architecture.md that one state can show; the first broken rule, or nothing. Costly: for tests.
  [[nodiscard]] std::optional<std::string> broken_rule() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace usher::engine
