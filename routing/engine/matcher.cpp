// See matcher.hpp.
#include "routing/engine/matcher.hpp"

#include <algorithm>
#include <array>

namespace usher::engine {
namespace {

// The sum of required levels when `skills` satisfies all of them.
std::optional<std::int64_t> proficiency_for(const std::vector<Proficiency>& skills,
                                            const std::vector<Requirement>& requirements) {
  std::int64_t sum = 0;
  for (const auto& required : requirements) {
    const auto found = std::find_if(skills.begin(), skills.end(),
                                    [&](const Proficiency& one) { return one.skill == required.skill; });
    if (found == skills.end() || found->level < required.level_min) return std::nullopt;
    sum += found->level;
  }
  return sum;
}

std::int64_t load_permille(const Agent& agent) {
  return static_cast<std::int64_t>(agent.held.size()) * 1000 / std::max(1, agent.policy->capacity_total);
}

}  // namespace

std::int64_t order_key(const Conversation& conversation, Milliseconds urgency_step) {
  return unix_ms(conversation.waiting_since) - static_cast<std::int64_t>(conversation.urgency) * urgency_step.count();
}

void Matcher::reset(const std::map<AgentId, Agent>& agents) {
  agents_ = &agents;
  class_index_.clear();
  classes_.clear();
  group_index_.clear();
  groups_.clear();
  places_.clear();
  for (const auto& [id, agent] : agents) {
    auto skills = agent.policy->skills;
    std::sort(skills.begin(), skills.end());
    const auto [at, fresh] = group_index_.emplace(skills, groups_.size());
    if (fresh) {
      groups_.push_back({std::move(skills), 0, 0, {}, {}});
      groups_.back().free.resize(channels_.size());
    }
    ++groups_[at->second].members;
    auto& place = places_[id];
    place.group = at->second;
    place.in.resize(channels_.size());
    agent_changed(agent);
  }
}

void Matcher::agent_changed(const Agent& agent) {
  auto& place = places_.at(agent.id);
  auto& group = groups_[place.group];
  const Free key{load_permille(agent), agent.idle_since, agent.id};
  const bool available = agent.available();
  group.available += (available ? 1 : 0) - (place.available ? 1 : 0);
  place.available = available;
  for (const auto& [name, channel] : channels_) {
    const bool free = available && agent.has_room(name);
    auto& there = group.free[channel];
    if (place.in[channel] && free) {
      if (key == place.key) continue;
      auto moved = there.extract(place.key);
      moved.value() = key;
      there.insert(std::move(moved));
    } else if (place.in[channel]) {
      there.erase(place.key);
    } else if (free) {
      there.insert(key);
    }
    place.in[channel] = free;
  }
  place.key = key;
}

std::size_t Matcher::channel_of(const std::string& channel) {
  const auto [at, fresh] = channels_.try_emplace(channel, channels_.size());
  if (fresh) {
    for (auto& group : groups_) group.free.resize(channels_.size());
    for (auto& [id, place] : places_) {
      place.in.resize(channels_.size());
      agent_changed(agents_->at(id));
    }
  }
  return at->second;
}

Matcher::Class& Matcher::class_of(const Conversation& conversation) {
  const auto channel = channel_of(conversation.channel);
  const auto known = class_index_.find(std::pair<std::size_t, const std::vector<Requirement>&>(channel, conversation.requirements));
  if (known != class_index_.end()) return classes_[known->second];
  const auto index = classes_.size();
  class_index_.emplace(std::pair{channel, conversation.requirements}, index);
  classes_.push_back({channel, conversation.requirements, {}, {}});
  for (std::size_t group = 0; group < groups_.size(); ++group) link(index, group);
  return classes_[index];
}

const Matcher::Class* Matcher::find_class(const Conversation& conversation) const {
  const auto channel = channels_.find(conversation.channel);
  if (channel == channels_.end()) return nullptr;
  const auto at = class_index_.find(std::pair<std::size_t, const std::vector<Requirement>&>(channel->second, conversation.requirements));
  return at == class_index_.end() ? nullptr : &classes_[at->second];
}

void Matcher::link(std::size_t class_index, std::size_t group_index) {
  auto& one = classes_[class_index];
  const auto proficiency = proficiency_for(groups_[group_index].skills, one.requirements);
  if (!proficiency) return;
  one.servers.push_back({group_index, *proficiency});
  groups_[group_index].classes.push_back(class_index);
}

void Matcher::add(const Conversation& conversation, std::int64_t key) {
  const bool fresh = class_of(conversation).waiting.insert({key, conversation.id, &conversation}).second;
  expect(fresh, "a conversation waits in one place");
}

void Matcher::remove(const Conversation& conversation, std::int64_t key) {
  const auto gone = class_of(conversation).waiting.erase({key, conversation.id, &conversation});
  expect(gone == 1, "a conversation leaves the place where it waits");
}

std::optional<AgentId> Matcher::best_agent(const Conversation& conversation, Instant now, Why& why) {
  const auto& wanted = class_of(conversation);
  std::array<Contender, limits::runners_up_max + 1> best;  // Sorted: the winner and the runners-up.
  std::size_t count = 0;
  for (const auto& server : wanted.servers) {
    for (const auto& free : groups_[server.group].free[wanted.channel]) {
      if (!conversation.declined.empty() && conversation.declined_by(free.agent, now)) continue;
      const Contender one{&free, server.proficiency};
      // Within a group contenders only get worse, so the first that does not fit ends it.
      if (count == best.size() && !(one < best.back())) break;
      if (count < best.size()) ++count;
      std::size_t at = count - 1;
      for (; at > 0 && one < best[at - 1]; --at) best[at] = best[at - 1];
      best[at] = one;
    }
  }
  why.excluded = excluded_by(conversation, &wanted, now);
  why.excluded.erase("available");
  if (count == 0) return std::nullopt;
  const auto told = [&](const Contender& one) {
    return Candidate{one.free->agent, one.free->load, one.proficiency, (now - one.free->idle_since).count()};
  };
  why.winner = told(best.front());
  why.runners_up.reserve(count - 1);
  for (std::size_t i = 1; i < count; ++i) why.runners_up.push_back(told(best[i]));
  return why.winner.agent;
}

const Conversation* Matcher::best_conversation(const Agent& agent, Instant now) const {
  const auto& place = places_.at(agent.id);
  const Waiting* best = nullptr;
  for (const auto index : groups_[place.group].classes) {
    const auto& one = classes_[index];
    if (one.waiting.empty() || !place.in[one.channel]) continue;
    for (const auto& waiting : one.waiting) {
      if (best && !(waiting < *best)) break;
      if (waiting.conversation->declined_by(agent.id, now)) continue;
      best = &waiting;
      break;
    }
  }
  return best ? best->conversation : nullptr;
}

bool Matcher::may_serve(const Agent& agent, const Conversation& conversation, Instant now) const {
  return agent.available() && agent.has_room(conversation.channel) && !conversation.declined_by(agent.id, now) &&
         proficiency_for(groups_[places_.at(agent.id).group].skills, conversation.requirements).has_value();
}

std::map<std::string, std::int64_t> Matcher::exclusions(const Conversation& conversation, Instant now) const {
  return excluded_by(conversation, find_class(conversation), now);
}

std::map<std::string, std::int64_t> Matcher::excluded_by(const Conversation& conversation, const Class* known, Instant now) const {
  std::int64_t skilled = 0, present = 0, free = 0, declined = 0;
  const auto channel = channels_.find(conversation.channel);
  const auto count_group = [&](const Group& group) {
    skilled += group.members;
    present += group.available;
    if (channel != channels_.end()) free += static_cast<std::int64_t>(group.free[channel->second].size());
  };
  if (known != nullptr) {
    for (const auto& server : known->servers) count_group(groups_[server.group]);
  } else {
    for (const auto& group : groups_)
      if (proficiency_for(group.skills, conversation.requirements)) count_group(group);
  }
  for (const auto& one : conversation.declined) {
    const auto agent = agents_->find(one.agent);
    if (one.until > now && agent != agents_->end() && agent->second.available() &&
        agent->second.has_room(conversation.channel) &&
        proficiency_for(groups_[places_.at(one.agent).group].skills, conversation.requirements))
      ++declined;
  }
  std::map<std::string, std::int64_t> counts;
  const auto note = [&](const char* reason, std::int64_t count) { if (count != 0) counts[reason] = count; };
  note("skill", static_cast<std::int64_t>(places_.size()) - skilled);
  note("presence", skilled - present);
  note("capacity", present - free);
  note("declined", declined);
  note("available", free - declined);
  return counts;
}

bool Matcher::has_servers(const Conversation& conversation) { return !class_of(conversation).servers.empty(); }

std::uint64_t Matcher::ahead(const Conversation& conversation, std::int64_t key, std::uint64_t most) const {
  const auto* wanted = find_class(conversation);
  std::uint64_t count = 0;
  if (!wanted) return 0;
  for (const auto& waiting : wanted->waiting) {
    if (count >= most || waiting.key > key || waiting.id == conversation.id) break;
    ++count;
  }
  return count;
}

}  // namespace usher::engine
