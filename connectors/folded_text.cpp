// Folded text: a small decoder and a few ranges.
#include "connectors/folded_text.hpp"

#include <cstdint>

namespace usher::connectors {

namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 1;
};

constexpr char32_t no_character = 0x110000;

// The character that begins at `at`; a byte that begins none counts as no_character.
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const std::size_t size = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  if (byte < 0x80) return {byte, 1};
  if (size == 1 || at + size > text.size()) return {no_character, 1};
  char32_t code = byte & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) code = (code << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3f);
  return {code, size};
}

void put(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

bool within(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

// Simple case folding (Unicode CaseFolding.txt, status C) of the scripts named in the header.
char32_t lower(char32_t code) {
  if (within(code, 'A', 'Z')) return code + 32;
  if (within(code, 0xc0, 0xde) && code != 0xd7) return code + 32;
  if (code == 0x178) return 0xff;
  // Pairs of capital and small: capitals are even, but odd between 0x139 and 0x148 and between 0x179 and 0x17e.
  if (within(code, 0x139, 0x148) || within(code, 0x179, 0x17e)) return code % 2 == 1 ? code + 1 : code;
  if (within(code, 0x100, 0x177) && code != 0x130 && code != 0x131 && code != 0x138 && code != 0x149)
    return code % 2 == 0 ? code + 1 : code;
  if (code == 0x386) return 0x3ac;
  if (within(code, 0x388, 0x38a)) return code + 37;
  if (code == 0x38c) return 0x3cc;
  if (code == 0x38e || code == 0x38f) return code + 63;
  if (within(code, 0x391, 0x3ab) && code != 0x3a2) return code + 32;
  if (code == 0x3c2) return 0x3c3;  // Final sigma.
  if (within(code, 0x400, 0x40f)) return code + 80;
  if (within(code, 0x410, 0x42f)) return code + 32;
  if (within(code, 0x460, 0x481) || within(code, 0x48a, 0x4bf) || within(code, 0x4d0, 0x52f) || within(code, 0x1e00, 0x1e95) ||
      within(code, 0x1ea0, 0x1eff))
    return code % 2 == 0 ? code + 1 : code;
  return code;
}

bool is_space(char32_t code) {
  return within(code, 0x09, 0x0d) || code == ' ' || code == 0xa0 || within(code, 0x2000, 0x200a) || code == 0x202f || code == 0x3000;
}

// Thai to Myanmar, Khmer, and the East Asian scripts.
bool written_without_blanks(char32_t code) {
  return within(code, 0x0e00, 0x109f) || within(code, 0x1100, 0x11ff) || within(code, 0x1780, 0x17ff) ||
         within(code, 0x3040, 0x9fff) || within(code, 0xac00, 0xd7ff) || within(code, 0xf900, 0xfaff) || code >= 0x20000;
}

// A letter or digit that would make a neighbour part of its own word.
bool joins(char32_t code) {
  if (code < 0x80) return within(code, 'a', 'z') || within(code, 'A', 'Z') || within(code, '0', '9') || code == '_';
  if (within(code, 0x80, 0xbf)) return code == 0xaa || code == 0xb5 || code == 0xba;
  if (code == 0xd7 || code == 0xf7) return false;
  // Punctuation, symbols, arrows, emoji; and what has no blanks to go by.
  if (within(code, 0x2000, 0x2bff) || within(code, 0x3000, 0x303f) || within(code, 0xff00, 0xff0f) || within(code, 0xfe00, 0xfe0f))
    return false;
  if (within(code, 0x1f000, 0x1faff)) return false;
  return !written_without_blanks(code);
}

char32_t character_before(std::string_view text, std::size_t at) {
  std::size_t start = at - 1;
  while (start > 0 && at - start < 4 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
  return character_at(text, start).code;
}

}  // namespace

std::string fold(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool blank = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character next = character_at(text, at);
    if (is_space(next.code)) {
      blank = true;
    } else {
      if (blank && !out.empty()) out += ' ';
      blank = false;
      const char32_t folded = lower(next.code);
      if (folded == next.code) out.append(text.substr(at, next.size));
      else put(out, folded);
    }
    at += next.size;
  }
  return out;
}

bool holds_word(std::string_view text, std::string_view word) {
  const bool joins_left = joins(character_at(word, 0).code);
  const bool joins_right = joins(character_before(word, word.size()));
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool open_left = !joins_left || at == 0 || !joins(character_before(text, at));
    const bool open_right = !joins_right || end == text.size() || !joins(character_at(text, end).code);
    if (open_left && open_right) return true;
  }
  return false;
}

}  // namespace usher::connectors
