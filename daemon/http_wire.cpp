// Small pure parts of HTTP; see http_wire.hpp.
#include "daemon/http_wire.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "daemon/problem_json.hpp"

namespace usher::daemon {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A header made of parts that came from outside must not grow a second line.
void append_value(std::string_view value, std::string& out) {
  for (const char c : value)
    if (c != '\r' && c != '\n' && c != '\0') out += c;
}

}  // namespace

void write_head(const Response& response, const std::string& date, bool keep_alive, std::string& out) {
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: ";
  out += date;
  if (!response.type.empty()) {
    out += "\r\nContent-Type: ";
    append_value(response.type, out);
  }
  // RFC 9110 8.6: a 204 has no Content-Length.
  if (response.status != 204) {
    out += "\r\nContent-Length: ";
    out += std::to_string(response.body.size());
  }
  bool cached = false;
  for (const auto& [name, value] : response.headers) {
    out += "\r\n";
    out += name;
    out += ": ";
    append_value(value, out);
    cached = cached || name == "Cache-Control";
  }
  if (!cached) out += "\r\nCache-Control: no-store";
  out += "\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer";
  if (!keep_alive) out += "\r\nConnection: close";
  out += "\r\n\r\n";
}

std::string http_date(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 40> text{};
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

bool is_word(std::string_view text, std::string_view lower) {
  return std::ranges::equal(
      text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

bool has_word(std::string_view text, std::string_view lower) {
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (is_word(trimmed(text.substr(0, comma)), lower)) return true;
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return false;
}

bool wants_websocket(const Request& request) {
  return request.method == "GET" && has_word(request.header("upgrade"), "websocket") &&
         has_word(request.header("connection"), "upgrade") && request.header("sec-websocket-version") == "13" &&
         request.header("sec-websocket-key").size() == 24;
}

std::string plain_address(const boost::asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

std::string forwarded_address(const std::string& peer, std::string_view forwarded_for,
                              const std::vector<std::string>& trusted) {
  const auto is_trusted = [&](std::string_view address) {
    return std::ranges::find(trusted, address) != trusted.end();
  };
  std::string client = peer;
  while (is_trusted(client) && !forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const auto hop = trimmed(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(hop, error);
    // A hop that is no address was written by somebody else than the proxy: stop at what is known.
    if (error) break;
    client = plain_address(address);
    forwarded_for = comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace usher::daemon
