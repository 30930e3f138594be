// Bodies: quoted-printable and base64 by hand, since lines are what matters here.
#include "connectors/email/mail_body.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "connectors/signature.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t line_bytes_max = 76;

std::string escaped(char c) {
  static constexpr char digits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return {'=', digits[byte >> 4], digits[byte & 15]};
}

}  // namespace

std::string quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n' || (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n')) {
      if (c == '\r') ++at;
      out += "\r\n";
      line = 0;
      continue;
    }
    const bool last = at + 1 == text.size() || text[at + 1] == '\n' || text[at + 1] == '\r';
    const bool blank = c == ' ' || c == '\t';
    // "From " at the beginning of a line is changed by old mailboxes.
    const bool first = line == 0 && (c == '.' || c == 'F');
    const bool plain = ((c > ' ' && c <= '~' && c != '=') || (blank && !last)) && !first;
    const std::string piece = plain ? std::string(1, c) : escaped(c);
    if (line + piece.size() >= line_bytes_max) {
      out += "=\r\n";
      line = 0;
      // The line that now begins has its own first byte.
      --at;
      continue;
    }
    out += piece;
    line += piece.size();
  }
  if (line > 0) out += "\r\n";
  return out;
}

std::string base64_lines(std::string_view bytes) {
  std::string out;
  constexpr std::size_t line_bytes = 57;  // 76 digits.
  for (std::size_t at = 0; at < bytes.size(); at += line_bytes) out += base64(bytes.substr(at, line_bytes)) + "\r\n";
  return out;
}

std::string mail_date(std::int64_t unix_seconds) {
  using namespace std::chrono;
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds at{seconds{unix_seconds}};
  const auto day = floor<std::chrono::days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%s, %u %s %d %02d:%02d:%02d +0000", days[weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return out.data();
}

}  // namespace usher::connectors::email
