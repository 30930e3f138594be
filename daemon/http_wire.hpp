// Small pure parts of HTTP: the head of a response, the handshake of WebSocket, and who the client is behind a proxy.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/http_message.hpp"

namespace usher::daemon {

// Appends status line and headers, with the headers every answer carries (no sniffing, no referrer, not stored).
void write_head(const Response& response, const std::string& date, bool keep_alive, std::string& out);
// `Date`, as RFC 9110 5.6.7 writes it.
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);
// True when `text` is `lower`, whatever the case of ASCII letters.
[[nodiscard]] bool is_word(std::string_view text, std::string_view lower);
// True when the comma-separated list `text` has `lower`, whatever the case.
[[nodiscard]] bool has_word(std::string_view text, std::string_view lower);
[[nodiscard]] bool wants_websocket(const Request& request);
// An IPv4 address in IPv6 clothes is shown as IPv4.
[[nodiscard]] std::string plain_address(const boost::asio::ip::address& address);
// X-Forwarded-For is read from the right, past trusted proxies; a peer that is not one of them is the client itself.
[[nodiscard]] std::string forwarded_address(const std::string& peer, std::string_view forwarded_for,
                                            const std::vector<std::string>& trusted);

}  // namespace usher::daemon
