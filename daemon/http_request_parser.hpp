// RequestParser: Beast's incremental parser, writing straight into a Request, so that nothing is stored twice.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/http_message.hpp"

namespace usher::daemon {

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  RequestParser();

  Request request;  // path holds the whole target until the connection splits it.
  std::string target;
  // Bytes over this end the parsing with http::error::body_limit. Set once the route is known.
  std::size_t body_bytes_max = 0;

 private:
  using Error = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, Text method, Text target, int version, Error& error) override;
  void on_response_impl(int, Text, int, Error&) override {}
  void on_field_impl(boost::beast::http::field, Text name, Text value, Error& error) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error& error) override;
  std::size_t on_body_impl(Text body, Error& error) override;
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t remain, Text body, Error& error) override;
  void on_finish_impl(Error&) override {}

  bool head_done_ = false;
};

}  // namespace usher::daemon
