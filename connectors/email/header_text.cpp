// Header text: the only place that decides which bytes a field may hold.
#include "connectors/email/header_text.hpp"

#include <algorithm>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/signature.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t line_bytes_soft = 76;
constexpr std::size_t encoded_bytes_max = 45;  // In base64 60 bytes, with its frame below the 75 of RFC 2047.
constexpr std::size_t words_bytes_max = 2'000;
constexpr std::size_t address_bytes_max = 254;

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

// One line of valid UTF-8 without controls, blanks merged.
std::string one_line(std::string_view text) {
  const std::string valid = to_utf8(text, "utf-8");
  std::string out;
  for (const char c : valid) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
    if (!blank) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return std::string(cut_utf8(out, words_bytes_max));
}

std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view part = cut_utf8(text, encoded_bytes_max);
    if (!out.empty()) out += ' ';
    out += "=?utf-8?B?" + base64(part) + "?=";
    text.remove_prefix(part.size());
  }
  return out;
}

// A word longer than a line may be would be folded nowhere.
bool has_long_word(std::string_view text) {
  std::size_t length = 0;
  for (const char c : text) {
    length = c == ' ' ? 0 : length + 1;
    if (length > 400) return true;
  }
  return false;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (plain) out += c;
    else out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

}  // namespace

HeaderText::HeaderText(std::string text) : text_(std::move(text)) {
  usher::message::expect(text_.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos, "a header field is one line");
}

HeaderText HeaderText::words(std::string_view text) {
  const std::string line = one_line(text);
  const bool plain = is_ascii(line) && line.find("=?") == std::string::npos && !has_long_word(line);
  return HeaderText(plain ? line : encoded_words(line));
}

std::optional<HeaderText> HeaderText::mailbox(std::string_view name, std::string_view address) {
  if (!is_mail_address(address)) return std::nullopt;
  const std::string line = one_line(name);
  if (line.empty()) return HeaderText("<" + std::string(address) + ">");
  const bool plain = is_ascii(line) && line.find("=?") == std::string::npos && !has_long_word(line);
  return HeaderText((plain ? quoted(line) : encoded_words(line)) + " <" + std::string(address) + ">");
}

HeaderText HeaderText::list(const std::vector<HeaderText>& items, std::string_view between) {
  std::string out;
  for (const HeaderText& item : items) {
    if (!out.empty()) out += between;
    out += item.text();
  }
  return HeaderText(std::move(out));
}

std::optional<HeaderText> HeaderText::id(std::string_view id) {
  const bool good = !id.empty() && id.size() <= 900 && std::all_of(id.begin(), id.end(), [](char c) { return is_printable(c) && c != ' ' && c != '<' && c != '>'; });
  return good ? std::optional(HeaderText("<" + std::string(id) + ">")) : std::nullopt;
}

HeaderText HeaderText::constant(std::string_view text) { return HeaderText(std::string(text)); }

HeaderText HeaderText::file_parameter(std::string_view name) {
  const std::string line = one_line(name);
  const bool plain = is_ascii(line) && line.size() <= 60 && line.find_first_of("\"\\%") == std::string::npos;
  if (line.empty()) return HeaderText("");
  return HeaderText(plain ? "; filename=" + quoted(line) : "; filename*=utf-8''" + percent_encoded(cut_utf8(line, 250)));
}

std::string header_field(std::string_view name, const HeaderText& value) {
  std::string out(name);
  out += ':';
  std::size_t line = out.size();
  for (std::string_view rest = value.text(); !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (line + 1 + end > line_bytes_soft && line > name.size() + 1) {
      out += "\r\n";
      line = 0;
    }
    out += ' ';
    out += rest.substr(0, end);
    line += 1 + end;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out + "\r\n";
}

bool is_mail_address(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size() || address.size() > address_bytes_max || !is_utf8(address)) return false;
  constexpr std::string_view refused = "<>()[]\\,;:\"@";
  const auto good = [&](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f' && refused.find(c) == std::string_view::npos; };
  const std::string_view local = address.substr(0, at), domain = address.substr(at + 1);
  return std::all_of(local.begin(), local.end(), good) && std::all_of(domain.begin(), domain.end(), good) && local.front() != '-' && domain.front() != '.' &&
         domain.find("..") == std::string_view::npos;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace usher::connectors::email
