// Encoded words: bytes of neighbours are joined before they become characters.
#include "connectors/email/encoded_words.hpp"

#include <optional>

#include "connectors/email/charset.hpp"
#include "connectors/email/header_block.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email {

namespace {

struct Word {
  std::string charset;
  std::string bytes;
  std::size_t end = 0;  // Behind its "?=".
};

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::string q_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = at + 2 < text.size() && text[at] == '=' ? digit_value(text[at + 1]) : -1;
    const int low = high >= 0 ? digit_value(text[at + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      out += text[at] == '_' ? ' ' : text[at];
    }
  }
  return out;
}

// The word that begins at `at`; none when it is only something like one.
std::optional<Word> word_at(std::string_view value, std::size_t at) {
  if (value.substr(at, 2) != "=?") return std::nullopt;
  const std::size_t first = value.find('?', at + 2);
  if (first == std::string_view::npos || first - at > 60 || first + 2 >= value.size() || value[first + 2] != '?') return std::nullopt;
  const char encoding = value[first + 1];
  const bool q = encoding == 'q' || encoding == 'Q';
  if (!q && encoding != 'b' && encoding != 'B') return std::nullopt;
  const std::size_t end = value.find("?=", first + 3);
  if (end == std::string_view::npos) return std::nullopt;
  Word word;
  // RFC 2231 5: a language may follow the set.
  word.charset = ascii_lower(value.substr(at + 2, first - at - 2));
  word.charset = word.charset.substr(0, word.charset.find('*'));
  const std::string_view text = value.substr(first + 3, end - first - 3);
  word.bytes = q ? q_decoded(text) : loose_base64(text);
  word.end = end + 2;
  return word;
}

// A run of words of one set from `at` on: blanks between words stand for nothing, and a character may be cut in two.
std::string run_at(std::string_view value, std::size_t& at) {
  std::string out;
  std::optional<Word> word = word_at(value, at);
  while (word) {
    std::string bytes = std::move(word->bytes);
    const std::string charset = word->charset;
    std::size_t next = 0;
    do {
      at = word->end;
      next = at;
      while (next < value.size() && (value[next] == ' ' || value[next] == '\t')) ++next;
      word = word_at(value, next);
      if (word && word->charset == charset) bytes += word->bytes;
    } while (word && word->charset == charset);
    out += to_utf8(bytes, charset);
    if (word) at = next;
  }
  return out;
}

template <class Show>
std::string replaced(std::string_view value, Show show) {
  std::string out;
  std::size_t misses = 0;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t begin = misses > 100 ? std::string_view::npos : value.find("=?", at);
    out += value.substr(at, begin == std::string_view::npos ? begin : begin - at);
    if (begin == std::string_view::npos) break;
    at = begin;
    if (word_at(value, at)) {
      out += show(run_at(value, at));
    } else {
      // Each miss looks to the end of the field, so there is a limit to them.
      ++misses;
      out += "=?";
      at += 2;
    }
  }
  return out;
}

}  // namespace

std::string loose_base64(std::string_view text) {
  std::string out;
  unsigned held = 0, bits = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (c == '=') held = bits = 0;
    if (value < 0) continue;
    held = ((held << 6) | static_cast<unsigned>(value)) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>((held >> bits) & 0xff);
  }
  return out;
}

std::string decode_words(std::string_view value) {
  const std::string text = replaced(value, [](std::string run) { return run; });
  std::string out;
  // A line end within a word would be one in the subject.
  for (const char c : to_utf8(text, "utf-8")) out += c == '\r' || c == '\n' || c == '\t' ? ' ' : c;
  return std::string(trimmed(out));
}

std::string mended_words(std::string_view value) {
  return replaced(value, [](const std::string& run) { return "=?utf-8?B?" + base64(run) + "?="; });
}

}  // namespace usher::connectors::email
