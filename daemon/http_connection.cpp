// One client's connection; see http_connection.hpp. Callbacks rather than coroutines: a request then costs no
// allocation for frames, and the compiler's handling of temporaries in co_await does not come into it.
#include "daemon/http_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "daemon/http_upgrade.hpp"
#include "daemon/http_wire.hpp"
#include "daemon/problem_json.hpp"

namespace usher::daemon {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
namespace limits = message::limits;

namespace {
constexpr std::size_t small_read = 4 * 1024;
constexpr std::size_t large_read = 64 * 1024;
constexpr auto linger_within = 2s;
// Bodies up to this are counted by the number of connections; larger ones take room, and are written, in steps of this.
constexpr std::size_t body_step = 256 * 1024;
}  // namespace

HttpConnection::HttpConnection(asio::ip::tcp::socket socket, std::shared_ptr<HttpHost> host)
    : socket_(std::move(socket)), host_(std::move(host)), chunk_(small_read) {}

void HttpConnection::start() {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  // A first request has no idle time before it: who connects and says nothing is a slow client.
  enter(Phase::head, host_->options().header_within);
  read();
}

void HttpConnection::enter(Phase phase, std::chrono::milliseconds within) {
  phase_ = phase;
  deadline_ = std::chrono::steady_clock::now() + within;
}

void HttpConnection::read() {
  auto self = shared_from_this();
  socket_.async_read_some(asio::buffer(chunk_), [this, self](boost::system::error_code error, std::size_t size) {
    if (phase_ == Phase::closed) return;
    if (error) return close();
    if (phase_ == Phase::lingering) return read();
    in_.append(chunk_.data(), size);
    if (phase_ == Phase::idle) enter(Phase::head, host_->options().header_within);
    advance();
  });
}

void HttpConnection::advance() {
  if (phase_ == Phase::head) return read_head();
  if (phase_ == Phase::body) return read_body();
}

void HttpConnection::read_head() {
  // RFC 9112 2.2: an empty line before a request is skipped.
  if (in_.starts_with("\r\n")) in_.erase(0, 2);
  const auto found = find_head(std::string_view(in_).substr(0, limits::http_header_bytes_max));
  if (found.problem) return refuse(found.problem->status, found.problem->detail);
  if (found.end) return begin(std::string_view(in_).substr(0, *found.end));
  if (in_.size() >= limits::http_header_bytes_max) return refuse(431, "The request's head is too large.");
  read();
}

void HttpConnection::begin(std::string_view head) {
  if (const auto found = check_head(head)) return refuse(found->status, found->detail);
  parser_.emplace();
  boost::system::error_code error;
  parser_->put(asio::buffer(head.data(), head.size()), error);
  if ((error && error != http::error::need_more) || !parser_->is_header_done())
    return refuse(400, "The request's head is malformed.");
  if (!split_target()) return refuse(400, "The target is malformed.");
  if (!find_route()) return;
  in_.erase(0, head.size());
  if (route_->upgrade) return upgrade();
  if (start_body()) read_body();
}

bool HttpConnection::split_target() {
  std::string_view target = parser_->target;
  // RFC 9112 3.2.2: a server accepts the absolute form as well.
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const auto slash = target.find('/', target.find("//") + 2);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  if (!target.starts_with('/')) return false;
  const auto mark = target.find('?');
  auto& request = parser_->request;
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  return true;
}

bool HttpConnection::find_route() {
  auto& request = parser_->request;
  head_only_ = request.method == "HEAD";
  auto match = host_->routes().find(request.path);
  route_ = match.route;
  if (!route_) return refuse(404, "There is no such path."), false;
  request.arguments = std::move(match.arguments);
  request.remote = client_address();
  endpoint_ = route_->endpoint(request.method);
  if (endpoint_ || (route_->upgrade && request.method == "GET")) return true;
  auto response = problem(405, "The path does not take this method.");
  response.with("Allow", route_->allow());
  keep_alive_ = false;
  write(std::move(response));
  return false;
}

bool HttpConnection::start_body() {
  const auto length = parser_->content_length();
  if (length && *length > endpoint_->body_bytes_max) return refuse(413, "The body is too large."), false;
  parser_->body_bytes_max = endpoint_->body_bytes_max;
  const auto& expects = parser_->request.header("expect");
  enter(Phase::body, host_->options().idle_max);
  if (expects.empty()) return true;
  if (!is_word(expects, "100-continue")) return refuse(417, "Only 100-continue can be expected."), false;
  if (parser_->is_done() || !in_.empty()) return true;
  auto self = shared_from_this();
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(go_on), [this, self](boost::system::error_code error, std::size_t) {
    if (phase_ == Phase::closed) return;
    if (error) return close();
    read_body();
  });
  return false;
}

void HttpConnection::read_body() {
  if (!parser_->is_done() && !in_.empty()) {
    boost::system::error_code error;
    const auto used = parser_->put(asio::buffer(in_), error);
    in_.erase(0, used);
    if (error == http::error::body_limit) return refuse(413, "The body is too large.");
    if (error && error != http::error::need_more) return refuse(400, "The body's framing is malformed.");
    // What the parser could not yet use is part of a chunk's head: that is never long.
    if (in_.size() > limits::http_header_bytes_max && !parser_->is_done())
      return refuse(400, "A chunk's head is too long.");
  }
  if (!take_room()) return refuse(503, "Too many large requests at once.");
  if (parser_->is_done()) return handle();
  if (chunk_.size() < large_read && parser_->content_length_remaining().value_or(0) > small_read)
    chunk_.resize(large_read);
  read();
}

bool HttpConnection::take_room() {
  while (parser_->request.body.size() > body_room_ + body_step) {
    if (!host_->take_body(body_step)) return false;
    body_room_ += body_step;
    // Who keeps sending may send as long as it takes; a large mail does not come in a minute on every line.
    enter(Phase::body, host_->options().idle_max);
  }
  return true;
}

void HttpConnection::give_room() {
  if (body_is_out_ || body_room_ == 0) return;
  host_->give_body(std::exchange(body_room_, 0));
}

void HttpConnection::give_answer() {
  if (out_room_ > 0) host_->give_answer(std::exchange(out_room_, 0));
}

void HttpConnection::handle() {
  body_is_out_ = true;
  keep_alive_ = parser_->keep_alive() && !host_->closing();
  enter(Phase::handling, endpoint_->answer_within);
  endpoint_->handle(std::move(parser_->request), Responder(shared_from_this(), ++number_));
}

void HttpConnection::upgrade() {
  if (!wants_websocket(parser_->request)) {
    auto response = problem(426, "This path speaks WebSocket, version 13.");
    response.with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13");
    keep_alive_ = false;
    return write(std::move(response));
  }
  if (host_->closing()) return refuse(503, "The service is stopping.");
  // RFC 6455 4.1: a client says nothing before the handshake is answered.
  if (!in_.empty()) return refuse(400, "Bytes follow the handshake before it was answered.");
  if (auto refused = route_->check ? route_->check(parser_->request) : std::nullopt) {
    keep_alive_ = false;
    return write(std::move(*refused));
  }
  phase_ = Phase::closed;
  host_->answered(route_->pattern, 101);
  const auto self = shared_from_this();
  host_->gone(*this);
  route_->upgrade(Upgrade{std::move(socket_), std::move(parser_->request)});
}

void HttpConnection::answer(std::uint64_t request, Response response) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), request, held = std::move(response)]() mutable {
    self->body_is_out_ = false;
    self->give_room();
    if (self->phase_ == Phase::handling && self->number_ == request) self->write(std::move(held));
  });
}

void HttpConnection::refuse(int status, std::string_view detail) {
  keep_alive_ = false;
  write(problem(status, detail));
}

void HttpConnection::write(Response response) {
  give_room();
  // Who takes it slowly holds it for long: a few links to files must not fill the memory, or the room of who sends.
  if (!head_only_ && response.body.size() > body_step) {
    if (host_->take_answer(response.body.size()))
      out_room_ = response.body.size();
    else
      response = problem(503, "Too many large answers at once.");
  }
  // After an error nobody can be sure where the next request begins.
  if (response.status >= 400 || host_->closing()) keep_alive_ = false;
  host_->answered(route_ ? route_->pattern : "none", response.status);
  out_head_.clear();
  write_head(response, host_->date(), keep_alive_, out_head_);
  out_body_ = head_only_ ? std::string{} : std::move(response.body);
  out_taken_ = 0;
  write_on(out_head_.size());
}

// A step at a time, and the head with the first: who keeps taking may take as long as it needs, since a large file does not
// go in a minute over every line.
void HttpConnection::write_on(std::size_t head) {
  enter(Phase::writing, host_->options().idle_max);
  const auto step = std::min(out_body_.size() - out_taken_, body_step);
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(out_head_.data(), head),
                                                  asio::buffer(out_body_.data() + out_taken_, step)};
  out_taken_ += step;
  auto self = shared_from_this();
  asio::async_write(socket_, buffers, [this, self](boost::system::error_code error, std::size_t) {
    if (phase_ == Phase::closed) return;
    if (error) return close();
    if (out_taken_ < out_body_.size()) return write_on(0);
    written();
  });
}

void HttpConnection::written() {
  if (out_body_.capacity() > large_read) out_body_ = {};
  give_answer();
  if (!keep_alive_) return linger();
  parser_.reset();
  route_ = nullptr;
  head_only_ = false;
  if (chunk_.size() > small_read) chunk_ = std::vector<char>(small_read);
  if (host_->closing() && in_.empty()) return linger();
  enter(in_.empty() ? Phase::idle : Phase::head,
        in_.empty() ? host_->options().idle_max : host_->options().header_within);
  if (in_.empty()) return read();
  read_head();
}

void HttpConnection::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  in_.clear();
  enter(Phase::lingering, linger_within);
  read();
}

void HttpConnection::sweep(Time now) {
  if (phase_ == Phase::closed || now < deadline_) return;
  if (phase_ == Phase::handling) {
    ++number_;
    return refuse(503, "The answer took too long.");
  }
  // A read is pending: its handler finds the connection closed, or lingering.
  if ((phase_ == Phase::head && !in_.empty()) || phase_ == Phase::body)
    return refuse(408, "The request took too long.");
  close();
}

void HttpConnection::close_when_idle() {
  if (phase_ == Phase::idle || (phase_ == Phase::head && in_.empty())) close();
  keep_alive_ = false;
}

void HttpConnection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  give_room();
  give_answer();
  boost::system::error_code ignored;
  socket_.close(ignored);
  host_->gone(*this);
}

std::string HttpConnection::client_address() const {
  boost::system::error_code error;
  const auto peer = socket_.remote_endpoint(error);
  if (error) return {};
  const auto address = plain_address(peer.address());
  return forwarded_address(address, parser_->request.header("x-forwarded-for"), host_->options().trusted_proxies);
}

}  // namespace usher::daemon
