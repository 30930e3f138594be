// Bytes in some character set as UTF-8 text, whatever was declared: unknown names, wrong names and broken bytes happen
// daily. The sets are a fixed list; a byte that means nothing becomes U+FFFD. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// Always valid UTF-8 without NUL. An unknown or missing `charset`: UTF-8 when the bytes are, else windows-1252.
[[nodiscard]] std::string to_utf8(std::string_view bytes, std::string_view charset);

[[nodiscard]] bool is_utf8(std::string_view bytes);

// `text` cut to at most `bytes_max` bytes, between two characters. Requires: UTF-8.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

}  // namespace usher::connectors::email
