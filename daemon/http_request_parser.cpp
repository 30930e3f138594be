// Beast's callbacks; see http_request_parser.hpp. Network thread.
#include "daemon/http_request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/error.hpp>

#include "routing/message/limits.hpp"

namespace usher::daemon {

namespace http = boost::beast::http;

RequestParser::RequestParser() {
  eager(true);
  // The connection and on_body keep the route's own limit, which is not known before the head is read.
  body_limit(boost::none);
  header_limit(static_cast<std::uint32_t>(message::limits::http_header_bytes_max));
}

void RequestParser::on_request_impl(http::verb, Text method, Text whole_target, int, Error&) {
  request.method.assign(method.data(), method.size());
  target.assign(whole_target.data(), whole_target.size());
}

void RequestParser::on_field_impl(http::field, Text name, Text value, Error&) {
  // Trailers after a chunked body are dropped: nothing that follows the head may change how the request is understood.
  if (head_done_) return;
  std::string key(name.data(), name.size());
  for (char& c : key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  auto& slot = request.headers[std::move(key)];
  if (!slot.empty()) slot += ", ";
  slot.append(value.data(), value.size());
}

void RequestParser::on_header_impl(Error&) { head_done_ = true; }

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, Error&) {
  // A promise of much is not believed before it is kept.
  constexpr std::uint64_t reserve_max = 64 * 1024;
  if (length) request.body.reserve(static_cast<std::size_t>(std::min(*length, reserve_max)));
}

std::size_t RequestParser::on_body_impl(Text body, Error& error) {
  if (request.body.size() + body.size() > body_bytes_max) {
    error = http::error::body_limit;
    return 0;
  }
  request.body.append(body.data(), body.size());
  return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, Text body, Error& error) {
  return on_body_impl(body, error);
}

}  // namespace usher::daemon
