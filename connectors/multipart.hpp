// multipart/form-data (RFC 7578 over RFC 2046), strictly and bounded: no recursion, one pass, every part has its
// Content-Disposition, every line of structure ends with CRLF, and the closing delimiter must be there, so that an
// upload cut short is refused instead of half taken. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

struct FormPart {
  std::string name;
  bool is_file = false;     // It has a file name, be it an empty one.
  std::string file_name;
  std::string type;         // Content-Type without parameters; "" when absent.
  std::string_view bytes;   // Within the body that was parsed.
};

// Requires: `body` outlives the parts. malformed, or too_large over the limits (256 parts, 8 KiB of headers each).
[[nodiscard]] Result<std::vector<FormPart>> parse_multipart(std::string_view body, std::string_view boundary);

}  // namespace usher::connectors
