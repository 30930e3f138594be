// JournalPlace: see mailbox_place.hpp.
#include "connectors/email/imap/mailbox_place.hpp"

#include <algorithm>

namespace usher::connectors::email::imap {

using journal::Stream;

Result<std::optional<Position>> JournalPlace::load() {
  const auto place = journal_.cursor(consumer_, Stream::outbound, partition_);
  if (!place) return place.error();
  if (!*place) return std::optional<Position>();
  const auto newest = journal_.cursor(consumer_, Stream::events, partition_);
  if (!newest) return newest.error();
  const auto bits = static_cast<std::uint64_t>(**place);
  const auto seconds = std::chrono::seconds(newest->value_or(0));
  return std::optional(Position{static_cast<Uid>(bits >> 32), static_cast<Uid>(bits), Instant(seconds)});
}

void JournalPlace::save(const Position& position) {
  const auto bits = (std::uint64_t{position.uid_validity} & 0x7fffffff) << 32 | position.last;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(position.newest.time_since_epoch()).count();
  // The date first: an older date than the place needs costs repeats, a newer one would pass over mail.
  journal_.save_cursor(consumer_, Stream::events, partition_, std::max<Offset>(seconds, 0));
  journal_.save_cursor(consumer_, Stream::outbound, partition_, static_cast<Offset>(bits));
}

}  // namespace usher::connectors::email::imap
