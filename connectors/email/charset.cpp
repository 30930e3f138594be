// Character sets over iconv.
#include "connectors/email/charset.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "connectors/email/header_block.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

// Names that mail uses and iconv does not know, or means too narrowly: what says shift_jis is Microsoft's in practice.
constexpr auto aliases = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"us-ascii", ""},               {"ascii", ""},                {"ansi_x3.4-1968", ""},        {"utf8", "utf-8"},
    {"iso-8859-1", "windows-1252"}, {"iso8859-1", "windows-1252"}, {"latin1", "windows-1252"},   {"iso-8859-8-i", "iso-8859-8"},
    {"shift_jis", "cp932"},         {"shift-jis", "cp932"},       {"sjis", "cp932"},             {"x-sjis", "cp932"},
    {"ks_c_5601-1987", "cp949"},    {"euc-kr", "cp949"},          {"ks_c_5601", "cp949"},        {"gb2312", "gb18030"},
    {"gb_2312-80", "gb18030"},      {"gbk", "gb18030"},           {"x-gbk", "gb18030"},          {"x-mac-roman", "macintosh"},
    {"iso-2022-jp", "iso-2022-jp-3"}, {"windows-874", "cp874"},   {"x-user-defined", "windows-1252"}, {"unicode-1-1-utf-7", "utf-7"},
    {"latin2", "iso-8859-2"},       {"latin5", "iso-8859-9"},     {"latin9", "iso-8859-15"},     {"l1", "windows-1252"},
    {"iso_8859-1", "windows-1252"}, {"windows-31j", "cp932"},     {"ms932", "cp932"},            {"ms_kanji", "cp932"},
    {"x-ms-cp932", "cp932"},        {"eucjp", "euc-jp"},          {"x-euc-jp", "euc-jp"},
    {"cp51932", "euc-jp-ms"},          {"iso-2022-jp-ms", "iso-2022-jp-3"}, {"cp50220", "iso-2022-jp-3"},
    {"cp50221", "iso-2022-jp-3"},   {"uhc", "cp949"},             {"x-windows-949", "cp949"},    {"iso-ir-149", "cp949"},
    {"ksc5601", "cp949"},           {"ks_c_5601-1989", "cp949"},  {"euckr", "cp949"},            {"cn-gb", "gb18030"},
    {"euc-cn", "gb18030"},          {"x-euc-cn", "gb18030"},      {"cp936", "gb18030"},          {"chinesebig5", "big5"},
    {"x-x-big5", "big5"},           {"cn-big5", "big5"},                {"x-mac-cyrillic", "mac-cyrillic"},
    {"x-mac-ce", "mac-centraleurope"}, {"x-mac-centraleurroman", "mac-centraleurope"}, {"tis620", "tis-620"}, {"koi8r", "koi8-r"},
    {"koi8u", "koi8-u"},
});

// iconv would load any module whose name a stranger writes; these families are what mail is written in.
constexpr auto families = std::to_array<std::string_view>({"utf-8", "utf-16", "utf-7", "utf-32", "iso-8859-", "windows-12", "cp12", "cp87", "cp9", "koi8-",
                                                    "big5", "gb18030", "euc-", "iso-2022-", "tis-620", "macintosh", "ibm", "viscii",
                                                           "cp4", "cp7", "cp8", "johab", "mac-c"});

std::string known_name(std::string_view charset) {
  std::string name = ascii_lower(trimmed(charset));
  // "cp-1252", "x-windows-1252", "windows1252", "iso8859-2", "iso_8859-2".
  if (name.starts_with("x-windows-") || name.starts_with("x-cp")) name.erase(0, 2);
  for (const auto& [loose, exact] : {std::pair("cp-", "cp"), std::pair("windows1", "windows-1"), std::pair("iso8859", "iso-8859"), std::pair("iso_8859", "iso-8859")})
    if (name.starts_with(loose)) name.replace(0, std::string_view(loose).size(), exact);
  for (const auto& [from, to] : aliases)
    if (name == from) return std::string(to);
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  const bool known = plain && name.size() < 32 &&
                     std::any_of(families.begin(), families.end(), [&](std::string_view family) { return name.starts_with(family); });
  return known ? name : std::string();
}

// The length of the UTF-8 character at `at`, 0 when there is none (RFC 3629: shortest form, no surrogates, to U+10FFFF).
std::size_t character_size(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U; };
  const auto more = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return more(at + 1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!more(at + 1) || !more(at + 2)) return 0;
    const unsigned second = byte(at + 1);
    return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!more(at + 1) || !more(at + 2) || !more(at + 3)) return 0;
    const unsigned second = byte(at + 1);
    return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
  }
  return 0;
}

// NUL ends texts in other people's code, so it does not go on.
std::string repaired(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = character_size(bytes, at);
    if (size == 0) out += replacement;
    else if (bytes[at] != '\0') out += bytes.substr(at, size);
    at += std::max<std::size_t>(size, 1);
  }
  return out;
}

struct Converter {
  explicit Converter(const std::string& from) : handle(iconv_open("UTF-8", from.c_str())) {}
  ~Converter() {
    if (usable()) iconv_close(handle);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  [[nodiscard]] bool usable() const { return handle != reinterpret_cast<iconv_t>(-1); }
  iconv_t handle;
};

std::string converted(Converter& converter, std::string_view bytes) {
  std::string out;
  std::array<char, 4096> buffer{};
  char* in = const_cast<char*>(bytes.data());  // iconv's signature; it does not write.
  std::size_t left = bytes.size();
  while (true) {
    char* to = buffer.data();
    std::size_t room = buffer.size();
    const std::size_t done = iconv(converter.handle, left == 0 ? nullptr : &in, &left, &to, &room);
    const int error = errno;
    out.append(buffer.data(), buffer.size() - room);
    if (left == 0) break;
    if (done != static_cast<std::size_t>(-1) || error == E2BIG) continue;
    out += replacement;
    if (error != EILSEQ && error != EINVAL) break;
    ++in;
    --left;
  }
  // Some sets hold a letter back until they know that no mark follows it (windows-1255, windows-1258).
  char* to = buffer.data();
  std::size_t room = buffer.size();
  iconv(converter.handle, nullptr, nullptr, &to, &room);
  out.append(buffer.data(), buffer.size() - room);
  return out;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = character_size(bytes, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

std::string to_utf8(std::string_view bytes, std::string_view charset) {
  std::string name = known_name(charset);
  if (name.empty()) name = is_utf8(bytes) ? "utf-8" : "windows-1252";
  if (name == "utf-8") return repaired(bytes);
  Converter converter(name);
  if (!converter.usable()) return repaired(bytes);
  return repaired(converted(converter, bytes));
}

}  // namespace usher::connectors::email
