// Text rules.
#include "connectors/text_rules.hpp"

#include <algorithm>

#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Error bad(Fault fault, std::string_view field, const char* what) {
  return fail(fault, std::string(field) + ": " + what);
}

}  // namespace

Result<void> check_text(std::string_view field, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return bad(Fault::too_large, field, "too long");
  if (text.find('\0') != std::string_view::npos) return bad(Fault::malformed, field, "holds a NUL");
  if (!valid_utf8(text)) return bad(Fault::malformed, field, "not UTF-8");
  return {};
}

Result<void> check_line(std::string_view field, std::string_view text) {
  if (text.find_first_of("\r\n") != std::string_view::npos) return bad(Fault::malformed, field, "holds a line break");
  return check_text(field, text, limits::short_field_bytes_max);
}

Identity email_identity(std::string_view text) {
  const std::string_view address = trim(text);
  const std::size_t at = address.rfind('@');
  const bool two_halves = at != std::string_view::npos && at > 0 && at + 1 < address.size();
  const bool plain = std::none_of(address.begin(), address.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || std::string_view("<>(),;:\\[]\"").find(c) != std::string_view::npos;
  });
  if (!two_halves || !plain || address.find('@') != at) return Identity{"form", std::string(text), false};
  std::string value(address);
  for (std::size_t i = at; i < value.size(); ++i)
    if (value[i] >= 'A' && value[i] <= 'Z') value[i] = static_cast<char>(value[i] - 'A' + 'a');
  return Identity{"email", std::move(value), false};
}

Identity phone_identity(std::string_view text) {
  std::string digits;
  bool plausible = true;
  for (const char c : trim(text)) {
    if (is_digit(c) || (c == '+' && digits.empty())) digits += c;
    else if (std::string_view(" -./()\t").find(c) == std::string_view::npos) plausible = false;
  }
  // E.164: at most 15 digits, and no country's code begins with 0.
  plausible = plausible && digits.size() >= 9 && digits.size() <= 16 && digits[0] == '+' && digits[1] != '0';
  if (!plausible) return Identity{"form", std::string(text), false};
  return Identity{"phone", std::move(digits), false};
}

}  // namespace usher::connectors
