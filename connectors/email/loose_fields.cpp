// Loose fields: pieces between commas, then what looks like an address in each; dates by their marks.
#include "connectors/email/loose_fields.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "connectors/email/email_limits.hpp"
#include "connectors/email/encoded_words.hpp"
#include "connectors/email/header_block.hpp"

namespace usher::connectors::email {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool ends_word(char c) { return c == ' ' || c == '\t' || c == '<' || c == '>' || c == '"' || c == '(' || c == ')' || c == ','; }

// Calls `found` with each piece between commas and semicolons that stand in no quotes and no angle brackets.
template <class Found>
void each_piece(std::string_view value, Found found) {
  bool quoted = false, bracketed = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == '\\' && quoted) ++at;
    else if (c == '"') quoted = !quoted;
    else if (!quoted && c == '<') bracketed = true;
    else if (!quoted && c == '>') bracketed = false;
    else if (!quoted && !bracketed && (c == ',' || c == ';')) {
      found(value.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  found(value.substr(std::min(begin, value.size())));
}

// The address of one piece without the name; "" when there is none.
std::string_view address_of(std::string_view piece) {
  if (const std::size_t open = piece.rfind('<'); open != std::string_view::npos) {
    std::string_view inner = piece.substr(open + 1);
    inner = trimmed(inner.substr(0, inner.find('>')));
    if (starts_with_nocase(inner, "mailto:")) inner.remove_prefix(7);
    return inner.find('@') == std::string_view::npos || inner.find_first_of(" \t") != std::string_view::npos ? std::string_view() : inner;
  }
  const std::size_t sign = piece.find('@');
  if (sign == std::string_view::npos) return {};
  std::size_t begin = sign, end = sign + 1;
  while (begin > 0 && !ends_word(piece[begin - 1])) --begin;
  while (end < piece.size() && !ends_word(piece[end])) ++end;
  std::string_view word = piece.substr(begin, end - begin);
  if (starts_with_nocase(word, "mailto:")) word.remove_prefix(7);
  return word;
}

// Hours east of Greenwich of the zones that mail names; those that mean several places are not here.
constexpr std::array<std::pair<std::string_view, int>, 22> zones{{
    {"CET", 100},  {"CEST", 200}, {"MET", 100},  {"MEST", 200}, {"WET", 0},    {"WEST", 100}, {"EET", 200},  {"EEST", 300}, {"BST", 100},   {"MSK", 300},   {"MSD", 400},
    {"JST", 900},  {"KST", 900},  {"HKT", 800},  {"SGT", 800},  {"AEST", 1000}, {"AEDT", 1100}, {"NZST", 1200}, {"NZDT", 1300}, {"HST", -1000}, {"AKST", -900}, {"AKDT", -800},
}};

std::string offset_text(int offset) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), "%c%04d", offset < 0 ? '-' : '+', offset < 0 ? -offset : offset);
  return out.data();
}

// "2025-02-03T10:00:00.5+01:00" as "3 Feb 2025 10:00:00+01:00"; what is none comes back as it is.
std::string without_iso(std::string_view value) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto digits = [&](std::size_t at, std::size_t count) { return value.size() >= at + count && std::all_of(value.begin() + static_cast<std::ptrdiff_t>(at), value.begin() + static_cast<std::ptrdiff_t>(at + count), is_digit); };
  if (value.size() < 16 || !digits(0, 4) || value[4] != '-' || !digits(5, 2) || value[7] != '-' || !digits(8, 2) || (value[10] != 'T' && value[10] != ' ')) return std::string(value);
  const int month = (value[5] - '0') * 10 + (value[6] - '0');
  if (month < 1 || month > 12) return std::string(value);
  std::string_view time = value.substr(11);
  std::string rest(time);
  if (const std::size_t dot = rest.find('.'); dot != std::string::npos) {
    std::size_t end = dot + 1;
    while (end < rest.size() && is_digit(rest[end])) ++end;
    rest.erase(dot, end - dot);
  }
  if (rest.ends_with('Z')) rest.replace(rest.size() - 1, 1, " +0000");
  return std::string(value.substr(8, 2)) + ' ' + std::string(months[static_cast<std::size_t>(month - 1)]) + ' ' + std::string(value.substr(0, 4)) + ' ' + rest;
}

// "10.00.00" as "10:00:00".
void mend_clock(std::string& text) {
  for (std::size_t at = 0; at + 8 <= text.size(); ++at) {
    const auto two = [&](std::size_t i) { return is_digit(text[at + i]) && is_digit(text[at + i + 1]); };
    if (!two(0) || text[at + 2] != '.' || !two(3) || text[at + 5] != '.' || !two(6)) continue;
    // A day, a month and a year are no time of day; "10.00.00" has nothing of either beside it.
    if ((at > 0 && text[at - 1] != ' ') || (at + 8 < text.size() && text[at + 8] != ' ') || text.find(':') < at) continue;
    text[at + 2] = text[at + 5] = ':';
    return;
  }
}

// "+01:00" and "GMT+0100" as "+0100".
void mend_offset(std::string& text) {
  const std::size_t clock = text.find(':');
  const std::size_t sign = clock == std::string::npos ? clock : text.find_first_of("+-", clock);
  if (sign == std::string::npos || sign + 5 > text.size()) return;
  if (is_digit(text[sign + 1]) && is_digit(text[sign + 2]) && text[sign + 3] == ':') text.erase(sign + 3, 1);
  for (const std::string_view name : {"GMT", "UTC"})
    if (sign >= 3 && std::string_view(text).substr(sign - 3, 3) == name) {
      text.erase(sign - 3, 3);
      return;
    }
  if (text[sign - 1] != ' ') text.insert(sign, " ");
}

void mend_zone(std::string& text) {
  if (text.find_first_of("+") != std::string::npos) return;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = std::string_view(text).substr(at, end - at);
    for (const auto& [name, offset] : zones)
      if (word == name) {
        text.replace(at, word.size(), offset_text(offset));
        return;
      }
    at = end + 1;
  }
}

}  // namespace

std::string mended_list(std::string_view value) {
  // The colon of a group, or of a route; both have their own use for the semicolon.
  if (value.find(';') == std::string_view::npos || value.find(':') != std::string_view::npos) return std::string(value);
  std::string out;
  each_piece(value, [&](std::string_view piece) {
    if (trimmed(piece).empty()) return;
    if (!out.empty()) out += ", ";
    out += trimmed(piece);
  });
  return out;
}

std::vector<Mailbox> loose_mailboxes(std::string_view value) {
  std::vector<Mailbox> out;
  each_piece(value, [&](std::string_view piece) {
    const std::string_view address = address_of(piece);
    const std::size_t sign = address.rfind('@');
    if (sign == std::string_view::npos || sign == 0 || sign + 1 == address.size() || out.size() >= limits::mailboxes_max) return;
    std::string_view name = trimmed(piece.substr(0, std::min(piece.find('<'), piece.size())));
    if (piece.find('<') == std::string_view::npos) name = {};
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    out.push_back({decode_words(name), ascii_lower(address)});
  });
  return out;
}

std::string mended_date(std::string_view value) {
  std::string text = without_iso(trimmed(value));
  mend_clock(text);
  mend_offset(text);
  mend_zone(text);
  return text;
}

}  // namespace usher::connectors::email
