// Is this text a person could have written? Well-formed UTF-8 without control characters, checked before any parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace usher::config {

struct Unprintable {
  int line = 1;
  int column = 1;  // In bytes.
  std::string sentence;
};

// The first byte that is not UTF-8 (RFC 3629) or is a control character other than tab and line ends.
[[nodiscard]] std::optional<Unprintable> first_unprintable(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

// Any control character at all: what must never reach a header, a log line or a terminal.
[[nodiscard]] bool has_control(std::string_view text);

}  // namespace usher::config
