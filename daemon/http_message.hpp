// What a route handler sees of HTTP: plain structs, no library type. A request is whole (its body is read and within
// the route's limit) before a handler runs; the answer may come later and from another thread, through the Responder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace usher::daemon {

struct Request {
  std::string method;
  std::string path;                            // As sent: still percent-encoded, without the query.
  std::string query;                           // As sent, without '?'.
  std::map<std::string, std::string> headers;  // Names in lower case; a repeated header's values are joined by ", ".
  std::string body;
  std::string remote;                  // The peer's address; behind a trusted proxy, the address that the proxy names.
  std::vector<std::string> arguments;  // What stood for the {names} of the route's pattern, percent-decoded.

  // "" when absent. `name` in lower case.
  [[nodiscard]] const std::string& header(const std::string& name) const;
  // The first value of a query parameter, decoded; none when absent.
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  // The token of `Authorization: Bearer TOKEN`; "" when there is none.
  [[nodiscard]] std::string_view bearer() const;
  [[nodiscard]] bool wants_html() const;
};

struct Response {
  int status = 200;
  std::string type;  // Content-Type; "" for none.
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  Response& with(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

[[nodiscard]] Response json_response(int status, std::string json);

// Where an answer goes. Implemented by the connection.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void answer(std::uint64_t request, Response response) = 0;
};

// Answers one request, once; any thread. Later answers are ignored. If every copy is dropped unanswered, the client
// gets 500: a forgotten answer must not leave a client hanging.
class Responder {
 public:
  Responder(std::shared_ptr<Exchange> exchange, std::uint64_t request);
  void operator()(Response response) const;

 private:
  struct Once;
  std::shared_ptr<Once> once_;
};

// RFC 3986 percent-decoding; none when malformed. `plus`: '+' is a space (query strings and forms).
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus);

}  // namespace usher::daemon
