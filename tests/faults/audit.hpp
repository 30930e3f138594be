// Audit: the whole journal of a stopped data folder, or of servers at work, folded once more with the real engine, and how
// what is stored and what went out differ from that fold. Knows what a store must never hold; tests/faults/node.py knows
// what the clients were told.
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
#include "tests/faults/effects_audit.hpp"

namespace usher::faults {

using namespace usher::message;

// What stood in the store's meta at some moment while routers were at work: at each offset there is one epoch and one digest
// that may, whoever wrote it.
struct Sighting {
  Offset epoch = offset_none;
  engine::Digest digest;
};
using Sightings = std::multimap<Offset, Sighting>;

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
  std::int64_t sightings = 0;            // Compared with the fold.
  std::int64_t effects_lost = 0;         // Neither out nor in the outbox.
  std::vector<std::string> remarks;      // What the counts above are about, in words.
  std::vector<std::string> differences;  // Of what is stored from the fold, in words; empty: none.
};

class Audit {
 public:
  // Both outlive the audit.
  Audit(journal::Journal& journal, state::StateStore& store, Sightings sightings = {})
      : journal_(journal), store_(store), sightings_(std::move(sightings)), effects_(journal, store) {}

  // An error: the journal or the state cannot be read at all.
  [[nodiscard]] Result<Findings> run();

 private:
  [[nodiscard]] Result<void> read_skipped();
  [[nodiscard]] Result<void> fold();
  [[nodiscard]] Result<void> fold_one(const journal::Stored& record);
  void compare_sightings(Offset at);
  void compare_effects();
  void follow_holders(const engine::Step& step);
  void keep_bodies(const engine::Step& step, const journal::Stored& record);
  [[nodiscard]] Result<void> compare();
  [[nodiscard]] Result<void> compare_bodies();

  journal::Journal& journal_;
  state::StateStore& store_;
  const Sightings sightings_;
  EffectsAudit effects_;
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
