// Requests and responses as values; see http_message.hpp. Pure, but for the Responder, which hands over to a
// connection.
#include "daemon/http_message.hpp"

#include <atomic>

#include "daemon/problem_json.hpp"

namespace usher::daemon {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool same_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

const std::string& Request::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const auto equals = pair.find('=');
    const auto key = percent_decode(pair.substr(0, equals), true);
    if (!key || *key != name) continue;
    if (equals == std::string_view::npos) return std::string{};
    return percent_decode(pair.substr(equals + 1), true);
  }
  return std::nullopt;
}

std::string_view Request::bearer() const {
  const std::string_view value = header("authorization");
  if (value.size() < 8 || !same_word(value.substr(0, 7), "bearer ")) return {};
  const auto start = value.find_first_not_of(' ', 7);
  return start == std::string_view::npos ? std::string_view{} : value.substr(start);
}

bool Request::wants_html() const { return header("accept").find("text/html") != std::string::npos; }

Response json_response(int status, std::string json) {
  Response response;
  response.status = status;
  response.type = "application/json";
  response.body = std::move(json);
  return response;
}

struct Responder::Once {
  std::shared_ptr<Exchange> exchange;
  std::uint64_t request = 0;
  std::atomic<bool> answered{false};

  ~Once() {
    if (!answered.exchange(true)) exchange->answer(request, problem(500, "The request was not answered."));
  }
};

Responder::Responder(std::shared_ptr<Exchange> exchange, std::uint64_t request) : once_(std::make_shared<Once>()) {
  once_->exchange = std::move(exchange);
  once_->request = request;
}

void Responder::operator()(Response response) const {
  if (!once_->answered.exchange(true)) once_->exchange->answer(once_->request, std::move(response));
}

std::optional<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus) {
      out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace usher::daemon
