// SnapshotMaker: follows a partition with an engine of its own, on a thread of its own, writes a snapshot now and then, and
// says so when its engine and the owner's differ (rule X2). Runs in the process that owns the partition.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "routing/journal/journal.hpp"
#include "routing/message/limits.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

struct SnapshotOptions {
  Partition partition = 0;
  Milliseconds every{5 * 60'000};
  Milliseconds look_every{250};
  // Any thread: true while this process owns the partition.
  std::function<bool()> owning;
  // Any thread: is that this process's router?
  std::function<bool(const RouterId&)> ours = [](const RouterId& owner) { return !owner.empty(); };
};

struct SnapshotStatus {
  Offset last = offset_none;      // Of the newest written by this maker.
  std::uint64_t written = 0;
  std::uint64_t differences = 0;  // Times that the store was not what the journal makes of it. Anything but 0 is an alarm.
  std::string trouble;            // Why there is none, in words; empty when all is well.
};

class SnapshotMaker {
 public:
  // All outlive it.
  SnapshotMaker(SnapshotOptions options, journal::Journal& journal, state::StateStore& store, const Clock& clock);
  ~SnapshotMaker();
  // Ends its thread; what is half written does not count. The status stays.
  void stop();
  // Any thread: one as soon as the replica has caught up.
  void make_one_now();
  [[nodiscard]] SnapshotStatus status() const;

 private:
  struct Runner;
  std::unique_ptr<Runner> runner_;
};

}  // namespace usher::router
