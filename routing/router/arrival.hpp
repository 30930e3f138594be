// What a journal record says, ready for the engine: every fold of the log reads records in this one way.
#pragma once

#include "routing/journal/journal.hpp"
#include "routing/message/record.hpp"
#include "routing/message/siphash.hpp"

namespace usher::router {

using namespace usher::message;

// `skip`: set aside by rule X1; its bytes are not looked at. What cannot be read becomes Unreadable.
[[nodiscard]] Arrival read_arrival(Partition partition, const journal::Stored& stored, bool skip);

// What a store remembers of the last record it applied, to notice a journal that is not the one it came from (rule J2).
[[nodiscard]] Hash128 fingerprint(const journal::Entry& entry);

// The fingerprint of the record that was applied last, made when somebody asks: of a commit only that of its last record counts,
// and hashing each would be a twentieth of the router's time.
class AppliedMark {
 public:
  void is(const Hash128& mark) { mark_ = mark, known_ = true; }
  void is_of(const journal::Entry& entry);
  [[nodiscard]] const Hash128& value();

 private:
  std::string bytes_;  // Of the record, while its mark is not known.
  Hash128 mark_;
  bool known_ = true;
};

// Fails with `malformed` unless the record at `at` is the one of that fingerprint, or the log goes on behind it as a new
// incarnation (rule J2).
[[nodiscard]] Result<void> same_journal(journal::Journal& journal, Partition partition, Offset at, const Hash128& mark);

}  // namespace usher::router
