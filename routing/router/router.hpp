// Router: the loop of one partition. journal -> engine -> state commit -> delivery, in that order, for ever.
//
// A passive machine: pump() does what can be done now and never blocks or sleeps; router_thread.hpp runs it on a thread,
// the simulation runs it step by step. It keeps commits in flight while it applies the next batch (rule S4, decision 0025); frames
// and effects of a batch leave only after its commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "routing/delivery/delivery.hpp"
#include "routing/engine/engine.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

struct RouterOptions {
  Partition partition = 0;
  RouterId id;
  std::size_t batch_records_max = 0;  // 0: limits::batch_records_max.
  // Rule O2: says, on the router's thread and without waiting, whether this router may try to claim the partition now. While it
  // may not, the router follows the log, ready to take over. None: it always may (one process owns the data folder).
  std::function<bool()> may_claim = {};
  // Rule A1: the gateways that are alive, on the router's thread and without waiting; none: not known at this moment.
  // The owner ends the sessions of the others by GatewayLost. Not set: nobody but the one gateway of this process.
  std::function<std::optional<std::set<GatewayId>>()> live_gateways = {};
  // The journal keeps snapshots (rule X2): a lost store is rebuilt from one, version barriers and orderly ends write one.
  bool snapshots = false;
  // Rule J4: a record of the inbound log that is so far ahead of this process's clock stops the partition. Zero: any may be;
  // where this process gives the times itself, they cannot be wrong.
  Milliseconds clock_ahead_max{0};
  // For tests of the version barrier (rule O3).
  int engine_version = engine::engine_version;
};

enum class Phase {
  loading,    // Reading the store and what the journal has beyond it.
  standby,    // Another router owns the partition; this one folds the log along with it, and may take over.
  claiming,   // Its claim is appended, not yet read back (rule O1).
  routing,
  paused,     // Journal or store unavailable; tried again with backoff.
  stopped,    // Lost the partition, or told to stop.
  failed,     // Fails closed (rule J2): needs an operator. See RouterStatus::reason.
};

inline constexpr Phase phases[] = {Phase::loading, Phase::standby, Phase::claiming, Phase::routing,
                                   Phase::paused,  Phase::stopped, Phase::failed};
[[nodiscard]] std::string_view phase_name(Phase phase);

struct RouterStatus {
  Phase phase = Phase::loading;
  std::string reason;          // In words, for /readyz.
  Offset applied = offset_none;
  Offset committed = offset_none;
  std::uint64_t records = 0;   // Applied since start.
  std::uint64_t commits = 0;
  std::uint64_t dead_letters = 0;
  std::int64_t lag_records = 0;  // Journal end less committed.
  std::uint64_t rewrites = 0;    // Times that the store was written anew (rule S2).
  std::size_t texts_missing = 0; // Still to be written again after one.
  std::uint64_t texts_lost = 0;  // The journal no longer had them.
  std::uint64_t texts_mended = 0; // Found missing or changed in a store that was whole otherwise, and written again.
};

class Router {
 public:
  // All outlive the router.
  struct Ports {
    journal::Journal& journal;
    state::StateStore& store;
    delivery::Delivery& delivery;
    const Clock& clock;
  };

  Router(RouterOptions options, Ports ports);
  ~Router();

  // Does one round. Returns for how long nothing will be due if nothing wakes it: 0 means call again at once.
  Milliseconds pump();

  // `wake` is called, on any thread, when a commit or an append finished or a record arrived. Set before the first pump.
  void on_wake(std::function<void()> wake);

  // Applies no further record; pump() until drained(), then it may be destroyed.
  void stop();
  [[nodiscard]] bool drained() const;

  [[nodiscard]] RouterStatus status() const;
  // There is a state to show.
  [[nodiscard]] bool has_engine() const;
  // Requires: has_engine(). State as applied, which may be ahead of what is committed.
  [[nodiscard]] const engine::Engine& engine() const;

 private:
  struct Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace usher::router
