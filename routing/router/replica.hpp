// Replica: an engine that folds the log as far as the owner of the partition has committed, never further, and compares
// itself with what the owner stored (rule X2). A router that stands by owns one, and so does the maker of snapshots.
// One thread.
#pragma once

#include <optional>
#include <set>

#include "routing/engine/engine.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

class Replica {
 public:
  // Both outlive it.
  Replica(journal::Journal& journal, state::StateStore& store, Partition partition)
      : journal_(journal), store_(store), partition_(partition) {}

  // Folds on towards what is stored now, by at most so many records; the first time, loads what is stored. True: engine()
  // stands where the store stands, and their digests agree. After any fault but `unavailable` it begins anew with a load:
  // not_found: nothing is stored. conflict: the store stands before the replica; it was wiped or an old copy was put back.
  // malformed: the digests differ, or the journal is not the one of this state.
  [[nodiscard]] Result<bool> catch_up(std::size_t records_max);

  [[nodiscard]] bool loaded() const { return engine_.has_value(); }
  // Requires: loaded(). Where engine() stands.
  [[nodiscard]] const state::Meta& at() const { return at_; }
  [[nodiscard]] const engine::Engine& engine() const { return *engine_; }
  // Requires: loaded(). Gives the engine away; the replica begins anew.
  [[nodiscard]] engine::Engine take();
  void forget();

 private:
  [[nodiscard]] Result<bool> advance(const state::Meta& stored, std::size_t records_max);
  [[nodiscard]] Result<void> load();

  journal::Journal& journal_;
  state::StateStore& store_;
  const Partition partition_;
  std::optional<engine::Engine> engine_;
  state::Meta at_;
  std::set<Offset> skipped_;    // Rule X1: what the owner has set aside.
  Offset control_next_ = 0;
};

}  // namespace usher::router
