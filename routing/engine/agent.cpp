// See agent.hpp.
#include "routing/engine/agent.hpp"

#include "routing/engine/entity_text.hpp"
#include "routing/message/plant.hpp"

namespace usher::engine {

int Agent::capacity(const std::string& channel) const {
  const auto found = policy->capacity.find(channel);
  return found == policy->capacity.end() ? policy->capacity_other : found->second;
}

bool Agent::has_room(const std::string& channel) const {
  if (planted(Plant::capacity_ignored)) return true;
  if (static_cast<int>(held.size()) >= policy->capacity_total) return false;
  const auto found = load.find(channel);
  return (found == load.end() ? 0 : found->second) < capacity(channel);
}

std::string to_text(const Agent& agent) {
  return EntityWriter{}
      .text("session", agent.session.text())
      .text("gateway", agent.gateway.text())
      .number("connected", agent.connected ? 1 : 0)
      .instant("grace_until", agent.grace_until)
      .number("presence", static_cast<int>(agent.presence))
      .text("reason", agent.reason)
      .number("frames", static_cast<std::int64_t>(agent.frames))
      .number("missed", agent.missed)
      .instant("idle_since", agent.idle_since)
      .number("excused", agent.excused)
      .number("commands", static_cast<std::int64_t>(agent.commands))
      .take();
}

Result<Agent> agent_from_text(std::string_view key, std::string_view text) {
  EntityReader reader(text);
  Agent agent;
  agent.id = AgentId{std::string(key)};
  agent.session = SessionId{reader.text("session")};
  agent.gateway = GatewayId{reader.text("gateway")};
  agent.connected = reader.number("connected") != 0;
  agent.grace_until = reader.instant("grace_until");
  agent.presence = reader.choice("presence", Presence::available);
  agent.reason = reader.text("reason");
  agent.frames = static_cast<std::uint64_t>(reader.number("frames"));
  agent.missed = static_cast<int>(reader.number("missed"));
  agent.idle_since = reader.instant("idle_since");
  agent.excused = static_cast<int>(reader.number("excused"));
  agent.commands = static_cast<std::uint64_t>(reader.number("commands"));
  if (!reader.good()) return fail(Fault::malformed, "agent " + std::string(key) + " cannot be read");
  return agent;
}

std::string to_text(const RememberedCommand& command) {
  return EntityWriter{}.text("id", command.id.text()).text("code", command.code).text("detail", command.detail).take();
}

std::string command_key(const AgentId& agent, std::size_t slot) { return agent.text() + "/" + std::to_string(slot); }

}  // namespace usher::engine
