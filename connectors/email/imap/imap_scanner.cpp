// Scanner: one response from left to right. Nothing here calls itself, so depth costs no stack.
#include "connectors/email/imap/imap_scanner.hpp"

#include <algorithm>

#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/imap/imap_reply.hpp"
#include "connectors/email/imap/imap_words.hpp"

namespace usher::connectors::email::imap {

bool Scanner::take(char wanted) {
  if (left_.empty() || left_.front() != wanted) return false;
  left_.remove_prefix(1);
  return true;
}

bool Scanner::blank() {
  const std::size_t end = std::min(left_.find_first_not_of(' '), left_.size());
  left_.remove_prefix(end);
  return end > 0;
}

std::string Scanner::atom() {
  const std::size_t end = std::min(left_.find_first_of(" ()\"{\r\n"), left_.size());
  std::string text(left_.substr(0, end));
  left_.remove_prefix(end);
  return text;
}

std::string Scanner::item_name() {
  std::size_t end = 0;
  while (end < left_.size() && std::string_view(" ()\"{\r\n").find(left_[end]) == std::string_view::npos) {
    if (left_[end] == '[') {
      // A header's name may be quoted, and then hold a bracket; it never holds a line end.
      bool in_quotes = false;
      for (++end; end < left_.size() && (in_quotes || left_[end] != ']'); ++end) {
        if (left_[end] == '"') in_quotes = !in_quotes;
        if (left_[end] == '\n') return {};
      }
      if (end == left_.size()) return {};
    }
    ++end;
  }
  std::string name = upper(left_.substr(0, end));
  left_.remove_prefix(end);
  return name;
}

std::optional<std::uint64_t> Scanner::big_number() {
  const std::string text = atom();
  if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoull(text);
}

bool Scanner::string_or_nil(std::optional<std::string>& out) {
  std::string text;
  if (peek() == '"') {
    if (!quoted(&text)) return false;
  } else if (peek() == '{' || left_.starts_with("~{")) {
    if (!literal(&text)) return false;
  } else {
    text = atom();
    if (text.empty()) return false;
    if (upper(text) == "NIL") {
      out.reset();
      return true;
    }
  }
  out = std::move(text);
  return true;
}

bool Scanner::skip() {
  int depth = 0;
  std::size_t items = 0;
  do {
    while (depth > 0 && blank()) {
    }
    if (++items > limits::list_items_max) over_limit_ = true;
    if (over_limit_) return false;
    if (take('(')) {
      if (++depth > limits::depth_max) over_limit_ = true;
    } else if (take(')')) {
      if (--depth < 0) return false;
    } else if (peek() == '"') {
      if (!quoted(nullptr)) return false;
    } else if (peek() == '{' || left_.starts_with("~{")) {
      if (!literal(nullptr)) return false;
    } else if (item_name().empty()) {
      return false;
    }
  } while (depth > 0);
  return true;
}

bool Scanner::quoted(std::string* out) {
  if (!take('"')) return false;
  while (!left_.empty()) {
    char c = left_.front();
    left_.remove_prefix(1);
    if (c == '"') return true;
    if (c == '\r' || c == '\n') return false;
    if (c == '\\') {
      if (left_.empty()) return false;
      c = left_.front();
      left_.remove_prefix(1);
    }
    if (out != nullptr) *out += c;
  }
  return false;
}

bool Scanner::literal(std::string* out) {
  take('~');
  if (!take('{')) return false;
  const std::size_t brace = left_.find('}');
  if (brace == std::string_view::npos || brace > 20) return false;
  auto digits = left_.substr(0, brace);
  if (digits.ends_with('+')) digits.remove_suffix(1);
  const auto count = parse_number(digits);
  left_.remove_prefix(brace + 1);
  take('\r');
  if (!count || !take('\n') || *count > left_.size()) return false;
  if (out != nullptr) out->assign(left_.substr(0, *count));
  left_.remove_prefix(*count);
  return true;
}

std::optional<Instant> parse_internal_date(std::string_view text) {
  // " 7-Jul-1996 02:44:25 -0700": 26 characters, the first may be a blank.
  if (text.size() == 25) return parse_internal_date(" " + std::string(text));
  if (text.size() != 26) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t size) -> int {
    int value = 0;
    for (const char c : text.substr(at, size)) {
      if (c == ' ' && value == 0) continue;
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const std::string month_name = upper(text.substr(3, 3));
  int month = 0;
  while (month < 12 && upper(month_names[static_cast<std::size_t>(month)]) != month_name) ++month;
  const int day = number(0, 2), year = number(7, 4), hour = number(12, 2), minute = number(15, 2), second = number(18, 2);
  const int zone_hours = number(22, 2), zone_minutes = number(24, 2);
  const bool right = month < 12 && day > 0 && day <= 31 && year >= 1970 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 &&
                     second >= 0 && second <= 60 && zone_hours >= 0 && zone_hours < 24 && zone_minutes >= 0 && zone_minutes < 60 &&
                     text[2] == '-' && text[6] == '-' && (text[21] == '+' || text[21] == '-');
  if (!right) return std::nullopt;
  const auto date = std::chrono::year{year} / std::chrono::month{static_cast<unsigned>(month + 1)} / std::chrono::day{static_cast<unsigned>(day)};
  const std::chrono::minutes zone = std::chrono::hours{zone_hours} + std::chrono::minutes{zone_minutes};
  const auto local = std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
  return std::chrono::time_point_cast<Milliseconds>(text[21] == '+' ? local - zone : local + zone);
}

}  // namespace usher::connectors::email::imap
