// The limits every journal holds its entries to, checked before anything is queued.
#pragma once

#include <optional>
#include <string>

#include "routing/journal/journal.hpp"
#include "routing/message/limits.hpp"

namespace usher::journal {

// Empty: the entry may be appended.
[[nodiscard]] inline std::optional<Error> refuse_oversize(const Entry& entry) {
  if (entry.value.size() <= limits::record_bytes_max && entry.id.size() <= limits::short_field_bytes_max &&
      entry.type.size() <= limits::short_field_bytes_max)
    return std::nullopt;
  return fail(Fault::too_large, "a journal record of " + std::to_string(entry.value.size()) + " bytes");
}

}  // namespace usher::journal
