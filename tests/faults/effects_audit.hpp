// EffectsAudit: what left the router, compared with what the fold makes of the same records (rules E1..E4). Repeats by id are
// allowed, since consumers drop them; another content under a known id, an effect of no record, and one that is neither
// out nor waiting in the outbox are not. One thread; part of Audit.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "routing/engine/step.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::faults {

using namespace usher::message;

class EffectsAudit {
 public:
  // Both outlive it.
  EffectsAudit(journal::Journal& journal, state::StateStore& store) : journal_(journal), store_(store) {}

  // What is out by now. Requires: the stored state was read before, the journal is read after.
  [[nodiscard]] Result<void> read_streams();
  // What this record's step must have led to; `now` is the engine's.
  [[nodiscard]] Result<void> expect_of(const engine::Step& step, const journal::Stored& record, Instant now);
  // In words, what contradicts.
  [[nodiscard]] std::vector<std::string> contradictions() const;
  // In words, what `stored` should have let out and is neither out nor about to be.
  [[nodiscard]] std::vector<std::string> missing(const state::Loaded& stored) const;

 private:
  using Place = std::pair<journal::Stream, std::string>;  // The effect's id.
  struct Content {
    Offset offset = offset_none;  // Of its cause; not compared.
    std::string type;
    std::string value;  // Empty: its text is gone, so that only its type is known.
    [[nodiscard]] bool fits(const Content& other) const {
      return type == other.type && (value == other.value || value.empty());
    }
  };

  journal::Journal& journal_;
  state::StateStore& store_;
  std::map<Place, Content> expected_;
  std::multimap<Place, Content> out_;
};

}  // namespace usher::faults
