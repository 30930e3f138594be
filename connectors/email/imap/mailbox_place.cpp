// JournalPlace: see mailbox_place.hpp.
#include "connectors/email/imap/mailbox_place.hpp"

#include <algorithm>
#include <utility>

namespace usher::connectors::email::imap {

using journal::Stream;

namespace {

Offset unix_seconds(Instant at) { return std::max<Offset>(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count(), 0); }

}  // namespace

Result<std::optional<Position>> JournalPlace::load() {
  const auto place = journal_.cursor(consumer_, Stream::outbound, partition_);
  if (!place) return place.error();
  if (!*place) return std::optional<Position>();
  const auto bits = static_cast<std::uint64_t>(**place);
  Position position{static_cast<Uid>(bits >> 32), static_cast<Uid>(bits), {}};
  for (const auto& [stream, date] : {std::pair(Stream::events, &position.newest), std::pair(Stream::control, &position.begun),
                                     std::pair(Stream::dead_letters, &position.settled)}) {
    const auto seconds = journal_.cursor(consumer_, stream, partition_);
    if (!seconds) return seconds.error();
    *date = Instant(std::chrono::seconds(seconds->value_or(0)));
  }
  return std::optional(position);
}

void JournalPlace::save(const Position& position) {
  const auto bits = (std::uint64_t{position.uid_validity} & 0x7fffffff) << 32 | position.last;
  // The dates first: an older date than the place needs costs repeats, a newer one would pass over mail.
  journal_.save_cursor(consumer_, Stream::control, partition_, unix_seconds(position.begun));
  journal_.save_cursor(consumer_, Stream::dead_letters, partition_, unix_seconds(position.settled));
  journal_.save_cursor(consumer_, Stream::events, partition_, unix_seconds(position.newest));
  journal_.save_cursor(consumer_, Stream::outbound, partition_, static_cast<Offset>(bits));
}

// Without the dates it would be a place, too, but from a new numbering on mail that was there before would be new mail.
Result<bool> JournalPlace::outlives_a_crash() {
  for (const Stream stream : {Stream::control, Stream::dead_letters, Stream::events, Stream::outbound}) {
    const auto mark = journal_.durable_cursor(consumer_, stream, partition_);
    if (!mark) return mark.error();
    if (!*mark) return false;
  }
  return true;
}

}  // namespace usher::connectors::email::imap
