// Reading one stream of the audited partition from its oldest record to the end that it has now. One thread.
#pragma once

#include <cstddef>

#include "routing/journal/journal.hpp"

namespace usher::faults {

using namespace usher::message;

inline constexpr Partition audited_partition = 0;
inline constexpr std::size_t records_at_once = 512;

// Calls `each` with every record; its first error ends the reading.
template <class Each>
[[nodiscard]] Result<void> read_stream(journal::Journal& journal, journal::Stream stream, const Each& each) {
  const auto bounds = journal.bounds(stream, audited_partition);
  if (!bounds) return bounds.error();
  for (Offset from = bounds->first; from < bounds->end;) {
    const auto records = journal.read(stream, audited_partition, from, records_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) {
      if (const Result<void> done = each(record); !done) return done.error();
    }
    from = records->back().offset + 1;
  }
  return {};
}

}  // namespace usher::faults
