// Audit: the whole journal of a stopped data folder, folded once more with the real engine, and how what is stored differs
// from that fold. Knows what a store must never hold; tests/faults/faults.py knows what the clients were told.
// One thread; end of the journey, looking back.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routing/engine/engine.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::faults {

using namespace usher::message;

struct Findings {
  std::int64_t records = 0;
  std::int64_t unreadable = 0;
  state::Position position;                                      // As stored.
  std::vector<MessageId> messages;                               // Taken in by the fold, in its order; repeats are not.
  std::vector<std::pair<AgentId, CommandId>> commands;           // In the journal, repeats included.
  std::map<ConversationId, AgentId> assigned;                    // At the journal's end.
  std::set<std::pair<ConversationId, AgentId>> assignments;      // Ever made.
  std::int64_t assigned_twice = 0;
  std::int64_t stale_writes = 0;
  std::vector<std::string> differences;  // Of what is stored from the fold, in words; empty: none.
};

class Audit {
 public:
  // Both outlive the audit.
  Audit(journal::Journal& journal, state::StateStore& store) : journal_(journal), store_(store) {}

  // An error: the journal or the state cannot be read at all.
  [[nodiscard]] Result<Findings> run();

 private:
  [[nodiscard]] Result<void> read_skipped();
  [[nodiscard]] Result<void> fold();
  void fold_one(const journal::Stored& record);
  void follow_holders(const engine::Step& step);
  void keep_bodies(const engine::Step& step, const journal::Stored& record);
  [[nodiscard]] Result<void> compare();
  [[nodiscard]] Result<void> compare_bodies();

  journal::Journal& journal_;
  state::StateStore& store_;
  engine::Engine engine_;
  std::set<Offset> skipped_;
  state::Loaded stored_;
  bool compared_ = false;
  std::map<ConversationId, AgentId> holders_;
  struct Kept {
    ConversationId conversation;
    std::string json;  // Of a customer's message: as it stands in the journal.
  };
  std::map<MessageId, Kept> bodies_;  // Up to the stored offset.
  Findings found_;
};

}  // namespace usher::faults
