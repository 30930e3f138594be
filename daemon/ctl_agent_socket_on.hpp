// SocketOn: the WebSocket of the terminal agent over any stream: TCP (ctl_agent_socket.cpp) or TLS (ctl_agent_tls.cpp). One
// write at a time; the rest waits in a queue that the user's typing cannot fill. Internal to daemon/ctl_agent*.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <deque>

#include "daemon/ctl_agent_socket.hpp"

namespace usher::daemon {

template <class Stream>
class SocketOn : public AgentSocket {
 public:
  // `more`: what the stream is made of besides the loop.
  template <class... More>
  SocketOn(boost::asio::io_context& loop, AgentAddress address, Events events, More&... more)
      : resolver_(loop), stream_(loop, more...), address_(std::move(address)), events_(std::move(events)) {}

  void open() override {
    resolver_.async_resolve(address_.host, address_.port,
                            [self = shared()](ErrorCode wrong, boost::asio::ip::tcp::resolver::results_type found) {
                              if (wrong) return self->end(wrong);
                              self->connect(found);
                            });
  }

  void send(std::string frame) override {
    if (over_) return;
    waiting_.push_back(std::move(frame));
    if (waiting_.size() == 1 && ready_) write();
  }

  void close() override {
    if (over_ || !ready_) return end({});
    stream_.async_close(boost::beast::websocket::close_code::normal, [self = shared()](ErrorCode) { self->end({}); });
  }

 protected:
  using ErrorCode = boost::system::error_code;
  static constexpr auto open_within = std::chrono::seconds(10);
  static constexpr std::size_t frame_bytes_max = 16 * 1024 * 1024;  // A welcome carries every conversation held.

  // The line is there: make it safe, then shake_hands() or end().
  virtual void secure() = 0;
  [[nodiscard]] const AgentAddress& address() const { return address_; }
  [[nodiscard]] auto& line() { return stream_.next_layer(); }
  std::shared_ptr<SocketOn> shared() { return std::static_pointer_cast<SocketOn>(shared_from_this()); }

  void connect(const boost::asio::ip::tcp::resolver::results_type& found) {
    auto& lowest = boost::beast::get_lowest_layer(stream_);
    lowest.expires_after(open_within);
    lowest.async_connect(found, [self = shared()](ErrorCode wrong, const boost::asio::ip::tcp::endpoint&) {
      if (wrong) return self->end(wrong);
      self->secure();
    });
  }

  void shake_hands() {
    boost::beast::get_lowest_layer(stream_).expires_never();
    auto timeouts = boost::beast::websocket::stream_base::timeout::suggested(boost::beast::role_type::client);
    timeouts.keep_alive_pings = true;  // Notices a line that died without a word.
    stream_.set_option(timeouts);
    stream_.set_option(boost::beast::websocket::stream_base::decorator([](boost::beast::websocket::request_type& request) {
      request.set(boost::beast::http::field::sec_websocket_protocol, "usher.agent.v1");
      request.set(boost::beast::http::field::user_agent, "usherctl");
    }));
    stream_.read_message_max(frame_bytes_max);
    stream_.async_handshake(address_.host + ":" + address_.port, address_.path, [self = shared()](ErrorCode wrong) {
      if (wrong) return self->end(wrong);
      self->events_.opened();
      if (self->over_) return;
      // Only now, so that what opened() sent is still waiting: two writes at once are not allowed.
      self->ready_ = true;
      if (!self->waiting_.empty()) self->write();
      self->read();
    });
  }

  void read() {
    stream_.async_read(buffer_, [self = shared()](ErrorCode wrong, std::size_t) {
      if (wrong) return self->end(wrong);
      auto frame = boost::beast::buffers_to_string(self->buffer_.data());
      self->buffer_.consume(self->buffer_.size());
      self->events_.received(std::move(frame));
      if (!self->over_) self->read();
    });
  }

  void write() {
    stream_.text(true);
    stream_.async_write(boost::asio::buffer(waiting_.front()), [self = shared()](ErrorCode wrong, std::size_t) {
      // The reader reports why the line ended, close code included.
      if (wrong || self->over_) return;
      self->waiting_.pop_front();
      if (!self->waiting_.empty()) self->write();
    });
  }

  void end(ErrorCode why) {
    const auto& said = stream_.reason();
    std::string reason(said.reason.data(), said.reason.size());
    if (reason.empty() && why) reason = why.message();
    end(said.code, std::move(reason));
  }

  void end(int code, std::string reason) {
    if (over_) return;
    over_ = true;
    ErrorCode ignored;
    boost::beast::get_lowest_layer(stream_).socket().close(ignored);
    // Moved out: the events may hold what holds this socket.
    const auto events = std::move(events_);
    events.closed(code, std::move(reason));
  }

 private:
  boost::asio::ip::tcp::resolver resolver_;
  boost::beast::websocket::stream<Stream> stream_;
  AgentAddress address_;
  Events events_;
  boost::beast::flat_buffer buffer_;
  std::deque<std::string> waiting_;
  bool ready_ = false;
  bool over_ = false;
};

}  // namespace usher::daemon
