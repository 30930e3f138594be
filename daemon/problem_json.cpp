// Problem documents; see problem_json.hpp. Pure.
#include "daemon/problem_json.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "routing/message/limits.hpp"

namespace usher::daemon {

using message::Fault;

Response problem(int status, std::string_view detail) {
  Response response;
  response.status = status;
  response.type = "application/problem+json";
  boost::json::object body;
  body["type"] = "about:blank";
  body["title"] = reason_phrase(status);
  body["status"] = status;
  body["detail"] = detail;
  response.body = boost::json::serialize(body);
  if (status == 503 || status == 429)
    response.with("Retry-After", std::to_string(message::limits::retry_after_seconds));
  // RFC 9110 11.6.1: a 401 says how to authenticate.
  if (status == 401) response.with("WWW-Authenticate", "Bearer");
  return response;
}

Response problem(const message::Error& error) { return problem(status_of(error.fault), error.detail); }

int status_of(Fault fault) {
  switch (fault) {
    case Fault::malformed:
      return 400;
    case Fault::unauthorised:
      return 401;
    case Fault::not_found:
      return 404;
    case Fault::too_large:
      return 413;
    case Fault::conflict:
      return 409;
    case Fault::overloaded:
      return 503;
    case Fault::unavailable:
      return 503;
  }
  return 500;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace usher::daemon
