// A file of a customer or of an agent: what its name may be, how large and how many. Of its bytes only the first are looked at, for
// what it is called (file_type.hpp); they are never parsed.
// Pure: any thread.
#pragma once

#include <string>
#include <string_view>

#include "connectors/connector.hpp"

namespace usher::connectors {

// The last part of a path of any system, without control characters and without those that reverse the reading
// direction; at most 255 bytes; "file" when nothing is left.
[[nodiscard]] std::string safe_file_name(std::string_view name);

// A file as it is named from now on: a safe name, the type its bytes show, its size and its blob.
[[nodiscard]] Attachment file_of(std::string_view name, std::string_view type, std::string_view bytes);

// Adds a file to `parsed` and its attachment and part to `message`. malformed: the name is not UTF-8. too_large: over
// limits::attachments_max or attachment_bytes_max.
[[nodiscard]] Result<void> attach_file(Parsed& parsed, Message& message, std::string_view name, std::string_view type,
                                       std::string bytes);

}  // namespace usher::connectors
