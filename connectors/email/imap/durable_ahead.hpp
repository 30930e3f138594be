// DurableAhead: mails that are durable while the place has not moved behind them, since one before them is not. A connection that
// ends meanwhile takes none of them twice. On the reader's thread.
#pragma once

#include <set>
#include <vector>

#include "connectors/email/imap/mailbox_intake.hpp"

namespace usher::connectors::email::imap {

class DurableAhead {
 public:
  // False: it was known.
  bool add(Uid uid) { return known_.insert(uid).second; }
  [[nodiscard]] bool contains(Uid uid) const { return known_.contains(uid); }
  // How far the batch is dealt with without a gap: its last number before that, 0: not at all. What is not ahead of it any more is
  // forgotten, or a mailbox that is read for years would fill the memory. Requires: numbers grow.
  Uid pass(const std::vector<BatchMail>& batch);
  // The numbering is another one: these numbers are other mails now, which nobody has taken.
  void forget() { known_.clear(); }
  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  std::set<Uid> known_;
};

}  // namespace usher::connectors::email::imap
