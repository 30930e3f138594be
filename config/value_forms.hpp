// What single values look like: durations, addresses, names. Pure functions over text; no place, no problem, no YAML.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace usher::config {

// `250ms`, `30s`, `5m`, `4h`, `7d` as milliseconds; ten years at most.
[[nodiscard]] std::optional<long long> parse_duration(std::string_view text);
// The shortest way to write a duration, for sentences.
[[nodiscard]] std::string duration_text(long long milliseconds);
// A whole number in decimal that fits 64 bits.
[[nodiscard]] std::optional<long long> parse_number(std::string_view text);
// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. The host comes back without brackets.
[[nodiscard]] std::optional<Listen> parse_listen(std::string_view text);
[[nodiscard]] std::string listen_text(const Listen& listen);
// 0.0.0.0 or ::, which no customer can type into a browser.
[[nodiscard]] bool is_wildcard(const Listen& listen);
// Nobody on another machine reaches it.
[[nodiscard]] bool is_loopback(const Listen& listen);
[[nodiscard]] bool is_name(std::string_view text);
[[nodiscard]] bool is_language(std::string_view text);
[[nodiscard]] bool is_digest(std::string_view text);
// http:// or https://, a host, maybe a port and a path; no user, no spaces.
[[nodiscard]] bool is_url(std::string_view text);
// A URL that ends with its host or port, in lower case.
[[nodiscard]] bool is_origin(std::string_view text);
// `tcp://HOST:PORT`, as ZeroMQ and its users write it.
[[nodiscard]] std::optional<Listen> parse_endpoint(std::string_view text);
// `redis://[user@]host[:port][/database]` or `unix:///path`. No password: that is a secret of its own.
[[nodiscard]] std::optional<RedisSettings> parse_redis_url(std::string_view text);
// [A-Za-z0-9._-], 100 at most.
[[nodiscard]] bool is_topic_prefix(std::string_view text);
// The canonical text of an IPv4 or IPv6 address.
[[nodiscard]] std::optional<std::string> canonical_address(const std::string& text);
// Unquoted text that YAML 1.2 reads as a number or a flag.
[[nodiscard]] bool reads_as_number_or_flag(std::string_view text);
// yes, no, on, off …: flags in YAML 1.1 only.
[[nodiscard]] bool is_old_flag(std::string_view text);

}  // namespace usher::config
