// Agent: who may be offered work, as the journal left them: session, presence, and the outcomes of the last commands.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "routing/engine/ledger.hpp"
#include "routing/engine/step.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/result.hpp"

namespace usher::engine {

// Rule A2: a repeated command is answered with its first outcome.
struct RememberedCommand {
  CommandId id;
  std::string code;  // Empty: ok.
  std::string detail;
  Stored stored;
};

struct Agent {
  AgentId id;
  SessionId session;       // The current one, also in grace; empty: none.
  GatewayId gateway;
  bool connected = false;
  Instant grace_until;     // 0: not in grace.
  Presence presence = Presence::offline;
  std::string reason;
  std::uint64_t frames = 0;    // Sent to this session so far: the next frame's number.
  int missed = 0;              // Offers in a row unanswered.
  Instant idle_since;          // Became available or was last offered something: the longest idle is asked first.
  int excused = 0;             // Held over capacity since a policy lowered it.
  std::uint64_t commands = 0;  // Remembered so far; slot = commands % limits::commands_remembered.

  // Derived.
  const AgentPolicy* policy = nullptr;   // Never null while the agent exists: the policy names it.
  std::set<ConversationId> held;         // Offered, assigned, wrapping up.
  std::map<std::string, int> load;       // Of held, by channel.
  std::vector<RememberedCommand> slots;  // By slot.
  std::map<CommandId, std::size_t> slot_of;
  Instant timer;                         // When it stands in the timers; 0: not.
  Stored stored;

  // May be offered new work (rule A3: not in grace).
  [[nodiscard]] bool available() const { return connected && presence == Presence::available; }
  [[nodiscard]] int capacity(const std::string& channel) const;
  [[nodiscard]] bool has_room(const std::string& channel) const;
};

[[nodiscard]] std::string to_text(const Agent& agent);
[[nodiscard]] Result<Agent> agent_from_text(std::string_view key, std::string_view text);

// Table "command", key AGENT "/" SLOT.
[[nodiscard]] std::string to_text(const RememberedCommand& command);
[[nodiscard]] std::string command_key(const AgentId& agent, std::size_t slot);

}  // namespace usher::engine
