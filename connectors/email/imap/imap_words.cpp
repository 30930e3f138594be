// Command and the spellings; see imap_words.hpp.
#include "connectors/email/imap/imap_words.hpp"

#include <algorithm>

#include "connectors/email/unicode.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email::imap {

namespace {

// Everything that RFC 3501 lets a quoted string hold in ASCII, but for control characters that nobody needs.
bool can_be_quoted(std::string_view text) {
  return text.size() <= limits::quoted_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

Command& Command::add(std::string_view words) {
  pieces_.back() += words;
  return *this;
}

Command& Command::add_string(std::string_view text) {
  if (!can_be_quoted(text)) return add_literal(text);
  pieces_.back() += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') pieces_.back() += '\\';
    pieces_.back() += c;
  }
  pieces_.back() += '"';
  return *this;
}

Command& Command::add_literal(std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) sendable_ = false;
  pieces_.back() += '{' + std::to_string(bytes.size()) + "}\r\n";
  pieces_.emplace_back(bytes);
  return *this;
}

namespace {

// The character at `at`, which moves behind it; U+FFFD for what is none.
char32_t take_character(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const unsigned char first = byte(at++);
  if (first < 0x80) return first;
  const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
  if (more == 0 || first > 0xf4) return 0xfffd;
  char32_t code = first & (0x3f >> more);
  for (int i = 0; i < more; ++i) {
    if ((byte(at) & 0xc0) != 0x80) return 0xfffd;
    code = code << 6 | (byte(at++) & 0x3f);
  }
  return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code;
}

void put_utf16(std::string& out, char32_t code) {
  const auto put = [&](char32_t unit) { out += {static_cast<char>(unit >> 8), static_cast<char>(unit & 0xff)}; };
  if (code < 0x10000) return put(code);
  put(0xd800 + ((code - 0x10000) >> 10));
  put(0xdc00 + ((code - 0x10000) & 0x3ff));
}

// "&" base64 of UTF-16 with a comma for the slash and no padding, "-".
void put_shifted(std::string& out, std::string& utf16) {
  if (utf16.empty()) return;
  std::string text = base64(utf16);
  text.erase(std::min(text.find('='), text.size()));
  std::replace(text.begin(), text.end(), '/', ',');
  out += '&' + text + '-';
  utf16.clear();
}

}  // namespace

std::string folder_name(std::string_view utf8) {
  std::string out, utf16;
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t code = take_character(utf8, at);
    if (code < 0x20 || code >= 0x7f) {
      put_utf16(utf16, code);
      continue;
    }
    put_shifted(out, utf16);
    out += static_cast<char>(code);
    if (code == '&') out += '-';
  }
  put_shifted(out, utf16);
  return out;
}

std::string number_set(const std::vector<Uid>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!out.empty()) out += ',';
    out += std::to_string(numbers[i]);
    if (last > i) out += ':' + std::to_string(numbers[last]);
    i = last + 1;
  }
  return out;
}

std::string search_date(Instant at) {
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(at)};
  return std::to_string(static_cast<unsigned>(date.day())) + '-' +
         std::string(month_names[static_cast<unsigned>(date.month()) - 1]) + '-' + std::to_string(static_cast<int>(date.year()));
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (out.size() == limits::words_shown_max) return out + "…";
    out += c >= 0x20 && c < 0x7f ? c : ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 10 || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  if (value > 0xffffffff) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out;
  while (out.size() < limits::list_items_max) {
    const std::size_t begin = text.find_first_not_of(" ()");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const auto word = text.substr(0, text.find_first_of(" ()"));
    out.emplace_back(word);
    text.remove_prefix(word.size());
  }
  return out;
}

}  // namespace usher::connectors::email::imap
