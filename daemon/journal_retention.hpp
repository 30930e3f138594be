// JournalRetention: the embedded journal forgets what is old (rule X6), as Kafka does by itself: what customers and agents
// wrote after `kept_for`, effects and dead letters after twice that. Never what is still to be read: nothing from the
// record at which the state stands, and no reply that egress has not reported. A thread of its own, in nobody's way.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::daemon {

using namespace usher::message;

struct RetentionPorts {
  journal::Journal& journal;
  state::StateStore& store;
  const Clock& clock;
  // Records with smaller offsets go for good; texts that the state points at are copied first. Waits for the writer.
  std::function<Result<void>(journal::Stream, Partition, Offset)> erase_before;
  // Records of one step. Each walks through all texts once, so there are few; the writer is free for others meanwhile.
  Offset at_once = 250'000;
};

// One look: erases what may go, in steps between which `stop` is asked. How many records went, by stream; streams of which
// nothing went are absent. `unavailable`: the disk did not answer, and the rest stays for the next look.
[[nodiscard]] Result<std::map<journal::Stream, Offset>> forget_old(const RetentionPorts& ports, Partition partition,
                                                                   Milliseconds kept_for,
                                                                   const std::function<bool()>& stop = [] { return false; });

class JournalRetention {
 public:
  // What is in `ports` outlives it. Looks first after limits::retention_first_look, then every retention_look_every.
  JournalRetention(RetentionPorts ports, Partition partition, Milliseconds kept_for);
  // Waits for the step under way.
  ~JournalRetention();

  // After a reload: looks at once. Any thread.
  void use(Milliseconds kept_for);

 private:
  struct Keeper;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace usher::daemon
