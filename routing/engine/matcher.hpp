// Matcher: who gets what, without scanning agents or items. Derived from state, rebuilt on load and on a new policy.
//
// Waiting conversations with the same channel and requirements form a class, ordered by (order key, id). Agents with the
// same skills form a group, whose free members stand ordered by (load, idle since, id) for each channel they have room on.
// A class knows the groups that satisfy it and a group the classes it may serve, so an arriving conversation looks at the
// heads of a few groups, and a freed agent at the heads of a few classes: FCFS, longest idle (Adan, Weiss). An item that
// nobody can serve stands in a class of its own kind and blocks no other.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "routing/engine/agent.hpp"
#include "routing/engine/conversation.hpp"

namespace usher::engine {

// Unix milliseconds of waiting_since less what its urgency is worth. Constant while it waits, so nothing is re-sorted,
// and nothing starves: whoever comes `urgency difference x urgency_step` later can no longer pass.
[[nodiscard]] std::int64_t order_key(const Conversation& conversation, Milliseconds urgency_step);

class Matcher {
 public:
  // Agents outlive the matcher or the next reset(); each has its policy set.
  void reset(const std::map<AgentId, Agent>& agents);
  // To be called after anything that available(), has_room() or idle_since show has changed.
  void agent_changed(const Agent& agent);

  // Requires: the conversation is not in. It stays where it is and keeps its requirements until remove().
  void add(const Conversation& conversation, std::int64_t key);
  void remove(const Conversation& conversation, std::int64_t key);

  // The least loaded, then most proficient, then longest idle free agent who satisfies it and has not declined it.
  // `why` gets winner, runners-up and exclusions.
  [[nodiscard]] std::optional<AgentId> best_agent(const Conversation& conversation, Instant now, Why& why);
  // The first waiting conversation that this agent may serve now, with its key.
  [[nodiscard]] const Conversation* best_conversation(const Agent& agent, Instant now) const;
  // Is this agent free for it, by skill, presence, room and memory of declines?
  [[nodiscard]] bool may_serve(const Agent& agent, const Conversation& conversation, Instant now) const;
  // Agents by reason: skill, presence, capacity, declined, available.
  [[nodiscard]] std::map<std::string, std::int64_t> exclusions(const Conversation& conversation, Instant now) const;
  // Is there any agent with the skills, present or not?
  [[nodiscard]] bool has_servers(const Conversation& conversation);
  // How many stand before it in its class (counts up to `most`).
  [[nodiscard]] std::uint64_t ahead(const Conversation& conversation, std::int64_t key, std::uint64_t most) const;

 private:
  struct Waiting {
    std::int64_t key;
    ConversationId id;
    const Conversation* conversation;
    friend bool operator<(const Waiting& a, const Waiting& b) { return a.key != b.key ? a.key < b.key : a.id < b.id; }
  };
  struct Free {
    std::int64_t load = 0;
    Instant idle_since;
    AgentId agent;
    friend auto operator<=>(const Free&, const Free&) = default;
  };
  struct Server {
    std::size_t group;
    std::int64_t proficiency;
  };
  // A free agent as best_agent() compares it.
  struct Contender {
    const Free* free = nullptr;
    std::int64_t proficiency = 0;
    friend bool operator<(const Contender& a, const Contender& b) {
      if (a.free->load != b.free->load) return a.free->load < b.free->load;
      if (a.proficiency != b.proficiency) return a.proficiency > b.proficiency;
      if (a.free->idle_since != b.free->idle_since) return a.free->idle_since < b.free->idle_since;
      return a.free->agent < b.free->agent;
    }
  };
  struct Class {
    std::size_t channel = 0;
    std::vector<Requirement> requirements;
    std::set<Waiting> waiting;
    std::vector<Server> servers;
  };
  struct Group {
    std::vector<Proficiency> skills;
    std::int64_t members = 0;
    std::int64_t available = 0;
    std::vector<std::set<Free>> free;  // By channel.
    std::vector<std::size_t> classes;
  };
  struct Place {
    std::size_t group = 0;
    bool available = false;
    Free key;
    std::vector<bool> in;  // By channel.
  };

  std::size_t channel_of(const std::string& channel);
  Class& class_of(const Conversation& conversation);
  [[nodiscard]] const Class* find_class(const Conversation& conversation) const;
  // `known`: its class, if there is one.
  [[nodiscard]] std::map<std::string, std::int64_t> excluded_by(const Conversation& conversation, const Class* known, Instant now) const;
  void link(std::size_t class_index, std::size_t group_index);

  const std::map<AgentId, Agent>* agents_ = nullptr;
  std::map<std::string, std::size_t> channels_;
  // Looked up without a copy of the requirements.
  struct ByNeed {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.first != b.first ? a.first < b.first : a.second < b.second;
    }
  };
  std::map<std::pair<std::size_t, std::vector<Requirement>>, std::size_t, ByNeed> class_index_;
  std::vector<Class> classes_;
  std::map<std::vector<Proficiency>, std::size_t> group_index_;
  std::vector<Group> groups_;
  std::map<AgentId, Place> places_;
};

}  // namespace usher::engine
