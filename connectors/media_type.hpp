// A media type and its parameters (RFC 9110 8.3), as Content-Type and Content-Disposition carry them. Pure: any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

struct MediaType {
  std::string value;                              // "text/plain", "form-data": lower case.
  std::map<std::string, std::string> parameters;  // Names in lower case; quotes removed.

  // "" when absent.
  [[nodiscard]] const std::string& parameter(std::string_view name) const;
};

// malformed: an open quote, a parameter without a name or given twice.
[[nodiscard]] Result<MediaType> parse_media_type(std::string_view text);

// True for the character sets whose every text is UTF-8 already; "" counts.
[[nodiscard]] bool is_utf8_charset(std::string_view charset);

}  // namespace usher::connectors
