// The WebSocket of an agent on Beast, the only file that instantiates it; see agent_session.hpp.
#include "daemon/agent_session.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

#include "daemon/http_wire.hpp"

namespace usher::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace limits = message::limits;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view protocol = "usher.agent.v1";
constexpr auto cut_after = 2s;
constexpr int close_wrong_kind = 1003;

class WebSocketSession final : public AgentSession, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Upgrade upgrade, std::chrono::milliseconds idle_max)
      : request_(std::move(upgrade.request)), socket_(std::move(upgrade.socket)), cutter_(socket_.get_executor()) {
    websocket::stream_base::timeout times{};
    times.handshake_timeout = limits::http_header_within;
    times.idle_timeout = idle_max;
    times.keep_alive_pings = true;
    socket_.set_option(times);
    socket_.read_message_max(limits::agent_frame_bytes_max);
    socket_.auto_fragment(false);
  }

  void start(AgentSessionEvents events) override {
    events_ = std::move(events);
    http::request<http::empty_body> handshake{http::verb::get, request_.path, 11};
    for (const auto& [name, value] : request_.headers) handshake.set(name, value);
    if (has_word(request_.header("sec-websocket-protocol"), protocol))
      socket_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
        response.set(http::field::sec_websocket_protocol, beast::string_view(protocol.data(), protocol.size()));
      }));
    socket_.async_accept(handshake, [self = shared_from_this()](beast::error_code error) {
      if (error) return self->ended(close_vanished);
      self->open_ = true;
      self->events_.opened();
      self->write();
      self->read();
    });
  }

  void send(std::string text) override {
    if (closing_) return;
    queued_bytes_ += text.size();
    queue_.push_back(std::move(text));
    if (queue_.size() > limits::session_send_queue_max || queued_bytes_ > limits::session_send_bytes_max)
      return close(close_too_slow, "too slow");
    if (open_ && !writing_) write();
  }

  void close(int code, const std::string& reason) override {
    if (closing_) return;
    closing_ = true;
    code_ = code;
    // The frame under way stays: its bytes are being written from there.
    while (queue_.size() > (writing_ ? 1U : 0U)) queue_.pop_back();
    if (!open_) return cut();
    cutter_.expires_after(cut_after);
    cutter_.async_wait([self = shared_from_this()](beast::error_code error) {
      if (!error) self->cut();
    });
    const websocket::close_reason why(static_cast<websocket::close_code>(code), reason);
    socket_.async_close(why, [self = shared_from_this()](beast::error_code) { self->ended(self->code_); });
  }

  void cut() override {
    closing_ = true;
    beast::error_code ignored;
    socket_.next_layer().close(ignored);
    ended(code_);
  }

 private:
  void read() {
    socket_.async_read(in_, [self = shared_from_this()](beast::error_code error, std::size_t) { self->heard(error); });
  }

  void heard(beast::error_code error) {
    if (error == websocket::error::message_too_big) return ended(1009);
    if (error) return ended(closing_ ? code_ : error == websocket::error::closed ? peer_code() : close_vanished);
    if (closing_) {
      in_.consume(in_.size());
      return read();
    }
    if (!socket_.got_text()) {
      close(close_wrong_kind, "text frames only");
    } else {
      const auto bytes = in_.data();
      events_.text({static_cast<const char*>(bytes.data()), bytes.size()});
    }
    in_.consume(in_.size());
    // One large frame must not keep its memory for the whole shift.
    if (in_.capacity() > limits::agent_frame_bytes_max / 4) in_.shrink_to_fit();
    if (!ended_) read();
  }

  void write() {
    if (queue_.empty() || closing_) return;
    writing_ = true;
    socket_.text(true);
    socket_.async_write(asio::buffer(queue_.front()),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          self->writing_ = false;
                          self->queued_bytes_ -= std::min(self->queued_bytes_, self->queue_.front().size());
                          self->queue_.pop_front();
                          // A failed write is noticed by the read as well, which says how it ended.
                          if (!error) self->write();
                        });
  }

  [[nodiscard]] int peer_code() const {
    const auto code = socket_.reason().code;
    return code == 0 ? 1005 : static_cast<int>(code);
  }

  void ended(int code) {
    if (std::exchange(ended_, true)) return;
    closing_ = true;
    cutter_.cancel();
    beast::error_code ignored;
    socket_.next_layer().close(ignored);
    const auto events = std::exchange(events_, {});
    if (events.closed) events.closed(code);
  }

  AgentSessionEvents events_;
  Request request_;
  websocket::stream<asio::ip::tcp::socket> socket_;
  asio::steady_timer cutter_;
  beast::flat_buffer in_;
  std::deque<std::string> queue_;  // The front is under way while writing_.
  std::size_t queued_bytes_ = 0;
  int code_ = close_vanished;
  bool open_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool ended_ = false;
};

}  // namespace

std::shared_ptr<AgentSession> make_agent_session(Upgrade upgrade, std::chrono::milliseconds idle_max) {
  return std::make_shared<WebSocketSession>(std::move(upgrade), idle_max);
}

}  // namespace usher::daemon
