// PoisonGuard (rule X1): a record that crashes the engine must not kill router after router.
//
// Normally it costs one small write a start. When a start finds that an earlier one came no further, it goes carefully:
// each record is announced on the control stream before it is applied. An announcement that is followed by another start
// instead of the next record is a crash; after limits::poison_attempts_max of them the record is skipped, for every later
// fold of this log, and its bytes go to the dead letters. All on the router's thread.
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

class PoisonGuard {
 public:
  // Both outlive the guard; letters reach it through the mailbox.
  PoisonGuard(journal::Journal& journal, state::StateStore& store, Partition partition, std::shared_ptr<Mailbox> mailbox);

  // At each load, before any record is applied. `at`: the stored offset.
  [[nodiscard]] Result<void> begin(Offset at);
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
  [[nodiscard]] Result<void> read_control();
  void append(const char* type, Offset offset, bool wait);

  journal::Journal& journal_;
  state::StateStore& store_;
  const Partition partition_;
  const std::shared_ptr<Mailbox> mailbox_;
  bool careful_ = false;
  std::set<Offset> skipped_;
  std::map<Offset, int> crashes_;
  std::optional<Offset> announced_;
  std::shared_ptr<bool> waiting_ = std::make_shared<bool>(false);
  std::shared_ptr<bool> failed_ = std::make_shared<bool>(false);
};

}  // namespace usher::router
