// Small parsers, strict on purpose: what is not exactly of the form is refused rather than guessed.
#include "config/value_forms.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace usher::config {
namespace {

constexpr std::pair<std::string_view, long long> units[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr long long duration_max = 3650 * units[0].second;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

template <class Test>
bool all(std::string_view text, Test test) {
  return !text.empty() && std::all_of(text.begin(), text.end(), test);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = text.size() <= 5 && all(text, is_digit) ? parse_number(text) : std::nullopt;
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

// A DNS name or an IPv4 address: what looks like an address must be one.
bool is_host(std::string_view text) {
  const auto part_of_name = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; };
  if (!all(text, part_of_name) || text.size() > 253) return false;
  if (text.front() == '.' || text.front() == '-' || text.find("..") != text.npos) return false;
  if (!all(text, [](char c) { return is_digit(c) || c == '.'; })) return true;
  in_addr address{};
  return inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

// HOST, HOST:PORT, [V6], [V6]:PORT.
std::optional<std::pair<std::string, std::optional<std::uint16_t>>> parse_authority(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const auto host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == text.npos) return std::nullopt;
  const auto host = bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
  if (bracketed ? !is_ipv6(host) : !is_host(host)) return std::nullopt;
  const auto rest = host_end == text.npos ? std::string_view{} : text.substr(host_end + (bracketed ? 1 : 0));
  if (rest.empty()) return std::pair{std::string(host), std::optional<std::uint16_t>{}};
  const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) return std::nullopt;
  return std::pair{std::string(host), port};
}

std::optional<std::string_view> without_scheme(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (url.starts_with(scheme)) return url.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace

std::optional<long long> parse_duration(std::string_view text) {
  const auto digits = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  if (digits == 0 || digits > 12) return std::nullopt;
  const auto count = parse_number(text.substr(0, digits));
  for (const auto& [unit, milliseconds] : units) {
    if (count && text.substr(digits) == unit && *count <= duration_max / milliseconds) return *count * milliseconds;
  }
  return std::nullopt;
}

std::string duration_text(long long milliseconds) {
  for (const auto& [unit, size] : units) {
    if (milliseconds != 0 && milliseconds % size == 0) return std::to_string(milliseconds / size) + std::string(unit);
  }
  return "0s";
}

std::optional<long long> parse_number(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Listen> parse_listen(std::string_view text) {
  const auto authority = parse_authority(text);
  if (!authority || !authority->second) return std::nullopt;
  return Listen{authority->first, *authority->second};
}

std::string listen_text(const Listen& listen) {
  const bool v6 = listen.host.find(':') != std::string::npos;
  return (v6 ? "[" + listen.host + "]" : listen.host) + ":" + std::to_string(listen.port);
}

bool is_wildcard(const Listen& listen) {
  const auto address = canonical_address(listen.host);
  return address == "0.0.0.0" || address == "::";
}

bool is_loopback(const Listen& listen) {
  const auto address = canonical_address(listen.host);
  return listen.host == "localhost" || (address && (*address == "::1" || address->starts_with("127.")));
}

std::optional<Listen> parse_endpoint(std::string_view text) {
  constexpr std::string_view scheme = "tcp://";
  if (!text.starts_with(scheme)) return std::nullopt;
  return parse_listen(text.substr(scheme.size()));
}

std::optional<RedisSettings> parse_redis_url(std::string_view text) {
  RedisSettings out;
  constexpr std::string_view socket_scheme = "unix://", scheme = "redis://";
  if (text.starts_with(socket_scheme)) {
    out.unix_socket = text.substr(socket_scheme.size());
    return out.unix_socket.starts_with('/') && out.unix_socket.size() > 1 ? std::optional(out) : std::nullopt;
  }
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  if (const auto at = text.find('@'); at != text.npos) {
    out.user = text.substr(0, at);
    if (out.user.empty() || out.user.find(':') != out.user.npos) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  if (const auto slash = text.find('/'); slash != text.npos) {
    const auto database = parse_number(text.substr(slash + 1));
    if (!database || *database < 0 || *database > redis_database_max) return std::nullopt;
    out.database = static_cast<int>(*database);
    text = text.substr(0, slash);
  }
  const auto authority = parse_authority(text);
  if (!authority || (authority->second && *authority->second == 0)) return std::nullopt;
  out.host = authority->first;
  out.port = authority->second.value_or(out.port);
  return out;
}

bool is_topic_prefix(std::string_view text) {
  return text.size() <= 100 &&
         all(text, [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_name(std::string_view text) {
  const auto start = [](char c) { return is_lower(c) || is_digit(c); };
  return text.size() <= 64 && all(text, [&](char c) { return start(c) || c == '_' || c == '-'; }) &&
         start(text.front());
}

bool is_language(std::string_view text) {
  const auto primary = text.substr(0, text.find('-'));
  if (primary.size() < 2 || primary.size() > 3 || !all(primary, is_lower) || text.size() > 35) return false;
  auto rest = text.substr(primary.size());
  while (!rest.empty()) {
    const auto part = rest.substr(1, rest.find('-', 1) - 1);
    if (part.size() < 2 || part.size() > 8 || !all(part, [](char c) { return is_letter(c) || is_digit(c); }))
      return false;
    rest.remove_prefix(1 + part.size());
  }
  return true;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 &&
         all(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

bool is_url(std::string_view text) {
  const auto rest = without_scheme(text);
  if (!rest || text.size() > 2048) return false;
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; };
  return all(*rest, visible) && parse_authority(rest->substr(0, rest->find_first_of("/?#"))).has_value();
}

bool is_origin(std::string_view text) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto rest = without_scheme(text);
  return rest && is_url(text) && rest->find_first_of("/?#") == rest->npos &&
         std::none_of(text.begin(), text.end(), upper);
}

std::optional<std::string> canonical_address(const std::string& text) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) continue;
    return std::string(inet_ntop(family, bytes.data(), out.data(), static_cast<socklen_t>(out.size())));
  }
  return std::nullopt;
}

bool reads_as_number_or_flag(std::string_view text) {
  for (const std::string_view flag : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == flag) return true;
  }
  auto digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0o")) return false;  // Rare, and read as text by most.
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() ||
      !(is_digit(digits.front()) || (digits.size() > 1 && digits.front() == '.' && is_digit(digits[1]))))
    return false;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return end == digits.data() + digits.size() && error != std::errc::invalid_argument;
}

bool is_old_flag(std::string_view text) {
  auto lower = std::string(text);
  for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const std::string_view flag : {"yes", "no", "on", "off", "y", "n", "true", "false"}) {
    if (lower == flag) return true;
  }
  return false;
}

}  // namespace usher::config
