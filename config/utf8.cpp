// UTF-8 by the table of RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF.
#include "config/utf8.hpp"

#include <algorithm>

namespace usher::config {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// The length of the character at `at`; 0 when it is not one.
std::size_t character_size(std::string_view text, std::size_t at) {
  const auto first = byte_at(text, at);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > text.size()) return 0;
  const auto second = byte_at(text, at + 1);
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte_at(text, at + i) & 0xc0U) != 0x80U) return 0;
  }
  return size;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

}  // namespace

std::optional<Unprintable> first_unprintable(std::string_view text) {
  Unprintable here;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const auto size = character_size(text, at);
    if (size == 0) {
      here.sentence = "is not UTF-8 here";
      return here;
    }
    if (is_control(c) && c != '\t' && c != '\n' && c != '\r') {
      here.sentence = "holds a control character here";
      return here;
    }
    here.column += static_cast<int>(size);
    if (c == '\n') {
      ++here.line;
      here.column = 1;
    }
    at += size;
  }
  return std::nullopt;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto size = character_size(text, 0);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool has_control(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

}  // namespace usher::config
