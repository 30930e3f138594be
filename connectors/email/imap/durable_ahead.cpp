// DurableAhead: see durable_ahead.hpp.
#include "connectors/email/imap/durable_ahead.hpp"

namespace usher::connectors::email::imap {

Uid DurableAhead::pass(const std::vector<BatchMail>& batch) {
  Uid last = 0;
  for (const BatchMail& mail : batch) {
    if (mail.fate == Fate::untaken) break;
    last = mail.uid;
  }
  known_.erase(known_.begin(), known_.upper_bound(last));
  return last;
}

}  // namespace usher::connectors::email::imap
