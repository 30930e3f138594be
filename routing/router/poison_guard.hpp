// PoisonGuard (rule X1): a record that crashes the engine must not kill router after router.
//
// Normally it costs one small write a start. When a start finds that an earlier one came no further, it goes carefully:
// each record is announced on the control stream, under the router's name, before it is applied. A router whose last word
// is such an announcement died of that record, or so it seems; after limits::poison_attempts_max of them the record is
// skipped, for every later fold of this log, and its bytes go to the dead letters. What was applied before is never skipped.
// Other routers may do the same at the same time: names keep their words apart. All on the router's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "routing/journal/journal.hpp"
#include "routing/router/mailbox.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

// Adds to `skipped` what the control stream sets aside from `next` on, and moves `next` to its end.
[[nodiscard]] Result<void> read_skips(journal::Journal& journal, Partition partition, Offset& next, std::set<Offset>& skipped);

class PoisonGuard {
 public:
  // Both outlive the guard; letters reach it through the mailbox.
  PoisonGuard(journal::Journal& journal, state::StateStore& store, Partition partition, RouterId router,
              std::shared_ptr<Mailbox> mailbox);

  // At each load, before any record is applied. `at`: the offset that it begins behind. `proven`: some router has applied
  // everything up to there.
  [[nodiscard]] Result<void> begin(Offset at, Offset proven);
  enum class Verdict { apply, skip, wait };
  // May this record be applied now? `wait`: ask again after the next letter.
  [[nodiscard]] Verdict look(Offset offset);
  // What was feared is behind us.
  void settled();
  [[nodiscard]] bool waiting() const { return *waiting_; }
  [[nodiscard]] bool careful() const { return careful_; }
  // The control stream could not be written: the caller loads anew later.
  [[nodiscard]] bool failed() const { return *failed_; }

 private:
  [[nodiscard]] Result<void> read_control(Offset at);
  void append(const char* type, Offset offset, bool wait);

  journal::Journal& journal_;
  state::StateStore& store_;
  const Partition partition_;
  const RouterId router_;
  const std::shared_ptr<Mailbox> mailbox_;
  bool begun_ = false;       // By this process: what it loads again is no crash.
  bool careful_ = false;
  bool unfinished_ = false;  // Somebody's last word is an announcement of what lies ahead.
  Offset proven_ = offset_none;
  std::set<Offset> skipped_;
  std::map<Offset, int> crashes_;
  std::optional<Offset> announced_;
  std::shared_ptr<bool> waiting_ = std::make_shared<bool>(false);
  std::shared_ptr<bool> failed_ = std::make_shared<bool>(false);
};

}  // namespace usher::router
