// State as entities and back: restore(serialize()) is the same engine.
#include <algorithm>
#include <charconv>

#include "routing/engine/engine_state.hpp"
#include "routing/engine/entity_text.hpp"
#include "routing/engine/policy_text.hpp"

namespace usher::engine {
namespace {

Error unreadable(const Entity& entity) { return fail(Fault::malformed, entity.table + " " + entity.key + " cannot be read"); }

// "AGENT/SLOT": agents' names hold no slash.
bool split_command_key(const std::string& key, AgentId& agent, std::size_t& slot) {
  const auto slash = key.rfind('/');
  if (slash == std::string::npos) return false;
  agent = AgentId{key.substr(0, slash)};
  const auto* end = key.data() + key.size();
  const auto parsed = std::from_chars(key.data() + slash + 1, end, slot);
  return parsed.ec == std::errc{} && parsed.ptr == end && slot < limits::commands_remembered;
}

}  // namespace

std::vector<Entity> Engine::serialize() const {
  const auto& s = *state_;
  std::vector<Entity> out;
  if (s.head_stored.present)
    out.push_back({"engine", "head",
                   EntityWriter{}.number("version", s.written_by).instant("now", s.now).number("epoch", s.epoch + 1)
                       .text("owner", s.owner.text()).number("owner_version", s.owner_version).text("policy", s.policy_hash)
                       .take()});
  if (!s.policy_hash.empty())
    for (auto& entity : policy_entities(s.policy)) out.push_back(std::move(entity));
  for (const auto& [id, agent] : s.agents) {
    if (agent.stored.present) out.push_back({"agent", id.text(), to_text(agent)});
    for (std::size_t slot = 0; slot < agent.slots.size(); ++slot)
      if (agent.slots[slot].stored.present)
        out.push_back({"command", command_key(id, slot), to_text(agent.slots[slot])});
  }
  for (const auto& [id, c] : s.conversations) out.push_back({"conversation", id.text(), to_text(c)});
  for (const auto& [id, reply] : s.replies) out.push_back({"reply", id.text(), to_text(reply)});
  for (const auto& [name, sender] : s.senders) out.push_back({"sender", Id128<void>{name.high, name.low}.text(), to_text(sender)});
  for (const auto& [day, bucket] : s.seen)
    for (const auto& [message, where] : bucket.seen) out.push_back(seen_entity(day, message, where));
  std::sort(out.begin(), out.end());  // Whatever the order above was.
  return out;
}

Result<Engine> Engine::restore(std::span<const Entity> entities) {
  Engine engine;
  const auto restored = engine.state_->restore(entities);
  if (!restored) return restored.error();
  return engine;
}

Result<void> Engine::State::restore(std::span<const Entity> entities) {
  std::vector<Entity> policy_parts;
  for (const auto& entity : entities)
    if (entity.table == "policy") policy_parts.push_back(entity);
  std::sort(policy_parts.begin(), policy_parts.end());
  auto read_policy = policy_from_entities(policy_parts);
  if (!read_policy) return read_policy.error();
  policy = std::move(*read_policy);
  for (const auto& part : policy_parts) ledger.adopt(policy_stored[part.key], part.table, part.key, part.value);
  index_queues();
  adopt_agents();
  // Agents before their commands and their conversations.
  for (const auto* table : {"engine", "agent", "command", "conversation", "reply", "sender"})
    for (const auto& entity : entities)
      if (entity.table == table)
        if (const auto taken = take(entity); !taken) return taken.error();
  for (const auto& entity : entities)
    if (entity.table.starts_with("seen:"))
      if (const auto taken = take(entity); !taken) return taken.error();
  if (ledger.digest().count != entities.size()) return fail(Fault::malformed, "an entity of an unknown table");
  return connect();
}

Result<void> Engine::State::take(const Entity& entity) {
  if (entity.table == "engine") {
    EntityReader reader(entity.value);
    const auto version = reader.number("version");
    if (entity.key != "head" || version < 1 || version > engine_version) return unreadable(entity);
    written_by = static_cast<int>(version);
    now = reader.instant("now");
    epoch = reader.number("epoch") - 1;
    owner = RouterId{reader.text("owner")};
    owner_version = static_cast<int>(reader.number("owner_version"));
    policy_hash = reader.text("policy");
    ledger.adopt(head_stored, entity.table, entity.key, entity.value);
    if (!reader.good() || (!policy_hash.empty() && policy_hash != message::policy_hash(policy))) return unreadable(entity);
  } else if (entity.table == "agent") {
    auto read = agent_from_text(entity.key, entity.value);
    const auto known = agents.find(AgentId{entity.key});
    if (!read || known == agents.end()) return unreadable(entity);
    read->policy = known->second.policy;
    known->second = std::move(*read);
    ledger.adopt(known->second.stored, entity.table, entity.key, entity.value);
  } else if (entity.table == "command") {
    AgentId id;
    std::size_t slot = 0;
    if (!split_command_key(entity.key, id, slot) || !agents.contains(id)) return unreadable(entity);
    auto& agent = agents.at(id);
    EntityReader reader(entity.value);
    if (agent.slots.size() <= slot) agent.slots.resize(slot + 1);
    auto& place = agent.slots[slot];
    place.id = CommandId{reader.text("id")};
    place.code = reader.text("code");
    place.detail = reader.text("detail");
    agent.slot_of[place.id] = slot;
    ledger.adopt(place.stored, entity.table, entity.key, entity.value);
    if (!reader.good()) return unreadable(entity);
  } else if (entity.table == "conversation") {
    auto read = conversation_from_text(entity.key, entity.value);
    if (!read || !queues.contains(read->queue)) return unreadable(entity);
    ledger.adopt(read->stored, entity.table, entity.key, entity.value);
    conversations.emplace(read->id, std::move(*read));
  } else if (entity.table == "reply") {
    auto read = reply_from_text(entity.key, entity.value);
    if (!read || !conversations.contains(read->conversation)) return unreadable(entity);
    ledger.adopt(read->stored, entity.table, entity.key, entity.value);
    conversations.at(read->conversation).replies.insert(read->id);
    replies.emplace(read->id, std::move(*read));
  } else if (entity.table == "sender") {
    auto read = sender_from_text(entity.key, entity.value);
    if (!read) return unreadable(entity);
    ledger.adopt(read->stored, entity.table, entity.key, entity.value);
    const auto name = Id128<void>::parse(entity.key).value_or(Id128<void>{});
    senders.emplace(Hash128{name.high, name.low}, std::move(*read));
  } else {
    std::int64_t day = 0;
    const auto digits = std::string_view(entity.table).substr(5);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), day);
    const auto read = parsed.ec == std::errc{} ? seen_from_text(entity.key, entity.value) : std::nullopt;
    if (!read) return unreadable(entity);
    Stored stored;
    ledger.adopt(stored, entity.table, entity.key, entity.value);
    auto& bucket = seen[day];
    bucket.seen.insert(*read);
    ++bucket.digest.count;
    bucket.digest.sum.high += stored.hash.high;
    bucket.digest.sum.low += stored.hash.low;
    ++seen_count;
  }
  return {};
}

Result<void> Engine::State::connect() {
  std::set<ConversationId> ids;
  for (const auto& [id, c] : conversations) ids.insert(id);
  for (const auto& id : ids) {
    auto& c = conversation(id);
    derive(c);
    for (const auto& name : c.anchors) anchors.emplace(name, id);
    if (!c.offer.empty()) offers.emplace(c.offer, id);
    schedule(c);
    if (!c.held()) continue;
    const auto agent = agents.find(c.agent);
    if (agent == agents.end()) return fail(Fault::malformed, "conversation " + id.text() + " cannot be read: nobody holds it");
    agent->second.held.insert(id);
    ++agent->second.load[c.channel];
  }
  for (auto& [id, agent] : agents) schedule(agent);
  for (auto& [id, reply] : replies) schedule(reply);  // Order is free: timers are ordered.
  for (auto& [name, sender] : senders)
    move_timer(sender.timer, sender.opened.back() + Milliseconds(limits::mails_calling_within), TimerKind::sender, name, {});
  schedule_seen();
  matcher.reset(agents);
  for (const auto& id : ids) {
    auto& c = conversation(id);
    if (c.state != ConversationState::waiting) continue;
    const auto key = order_key(c, policy.urgency_step);
    if (c.reserved.empty()) matcher.add(c, key);
    else reserved[c.reserved].emplace(key, id);
  }
  return {};
}

}  // namespace usher::engine
