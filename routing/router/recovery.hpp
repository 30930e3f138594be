// Recovery (rule J2): goes on with a log that is not the one the tracked state was made from: its topic was deleted and made
// anew, or the cluster lost its end. What an operator asks for by `usherctl recover`; no router does it by itself.
//
// The tracked state, or the newest snapshot when that is newer or all there is, stays as it is; the log becomes the next
// incarnation of the partition (routing/journal/continued_journal.hpp). docs/decisions/0018.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "routing/journal/continued_journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

enum class LogFound {
  made_anew,  // None of its records is known: all of them count.
  cut_off,    // The log of the state without its end: what is younger than the state counts.
  note_lost,  // The log of the state; only the note which incarnation it is has gone.
};

struct RecoveryPlan {
  journal::Incarnation next;     // What is noted.
  LogFound found = LogFound::made_anew;
  bool from_snapshot = false;    // Else from the tracked state.
  Instant as_of;                 // The append time of the last record that is in the state.
  std::uint64_t conversations = 0;
  std::uint64_t unpublished = 0; // Effects that the state still holds; they go out.
  std::int64_t records = 0;      // In this log, to be applied.
};

// Looks and changes nothing. `log`: not a ContinuedJournal. `conflict`: there is nothing to recover. `not_found`: there is neither
// state nor snapshot to go on from. `malformed`: too many incarnations; or what the log is cannot be told, in words. `from`: the
// first record that counts, as the log numbers it, where a person knows better than what can be found out.
[[nodiscard]] Result<RecoveryPlan> plan_recovery(journal::Journal& log, state::StateStore& store, Partition partition,
                                                 std::optional<Offset> from = {});

// Notes it. Requires: nobody routes the partition. `unavailable`: it was not durable in time; it may be found later all the same,
// which does no harm.
[[nodiscard]] Result<void> recover(journal::Journal& log, Partition partition, const RecoveryPlan& plan);

}  // namespace usher::router
