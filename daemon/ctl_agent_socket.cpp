// AgentSocket on Beast. One write at a time; the rest waits in a queue that the user's typing cannot fill.
#include "daemon/ctl_agent_socket.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>

namespace usher::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr auto open_within = std::chrono::seconds(10);
constexpr std::size_t frame_bytes_max = 16 * 1024 * 1024;  // A welcome carries every conversation held.

class BeastSocket final : public AgentSocket {
 public:
  BeastSocket(asio::io_context& loop, AgentAddress address, Events events)
      : resolver_(loop), stream_(loop), address_(std::move(address)), events_(std::move(events)) {}

  void open() override {
    resolver_.async_resolve(address_.host, address_.port,
                            [self = shared()](error_code wrong, asio::ip::tcp::resolver::results_type found) {
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
    stream_.async_close(websocket::close_code::normal, [self = shared()](error_code) { self->end({}); });
  }

 private:
  std::shared_ptr<BeastSocket> shared() { return std::static_pointer_cast<BeastSocket>(shared_from_this()); }

  void connect(const asio::ip::tcp::resolver::results_type& found) {
    auto& lowest = beast::get_lowest_layer(stream_);
    lowest.expires_after(open_within);
    lowest.async_connect(found, [self = shared()](error_code wrong, const asio::ip::tcp::endpoint&) {
      if (wrong) return self->end(wrong);
      self->shake_hands();
    });
  }

  void shake_hands() {
    beast::get_lowest_layer(stream_).expires_never();
    auto timeouts = websocket::stream_base::timeout::suggested(beast::role_type::client);
    timeouts.keep_alive_pings = true;  // Notices a line that died without a word.
    stream_.set_option(timeouts);
    stream_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(beast::http::field::sec_websocket_protocol, "usher.agent.v1");
      request.set(beast::http::field::user_agent, "usherctl");
    }));
    stream_.read_message_max(frame_bytes_max);
    stream_.async_handshake(address_.host + ":" + address_.port, address_.path, [self = shared()](error_code wrong) {
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
    stream_.async_read(buffer_, [self = shared()](error_code wrong, std::size_t) {
      if (wrong) return self->end(wrong);
      auto frame = beast::buffers_to_string(self->buffer_.data());
      self->buffer_.consume(self->buffer_.size());
      self->events_.received(std::move(frame));
      if (!self->over_) self->read();
    });
  }

  void write() {
    stream_.text(true);
    stream_.async_write(asio::buffer(waiting_.front()), [self = shared()](error_code wrong, std::size_t) {
      // The reader reports why the line ended, close code included.
      if (wrong || self->over_) return;
      self->waiting_.pop_front();
      if (!self->waiting_.empty()) self->write();
    });
  }

  void end(error_code why) {
    if (over_) return;
    over_ = true;
    const auto& said = stream_.reason();
    const int code = said.code;
    std::string reason(said.reason.data(), said.reason.size());
    if (reason.empty() && why) reason = why.message();
    error_code ignored;
    beast::get_lowest_layer(stream_).socket().close(ignored);
    // Moved out: the events may hold what holds this socket.
    const auto events = std::move(events_);
    events.closed(code, std::move(reason));
  }

  asio::ip::tcp::resolver resolver_;
  websocket::stream<beast::tcp_stream> stream_;
  AgentAddress address_;
  Events events_;
  beast::flat_buffer buffer_;
  std::deque<std::string> waiting_;
  bool ready_ = false;
  bool over_ = false;
};

}  // namespace

Result<AgentAddress> parse_agent_address(std::string_view url) {
  const auto bad = [&] {
    return fail(Fault::malformed, "not an address of a daemon (http://HOST:PORT): " + std::string(url));
  };
  auto rest = url;
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  else if (rest.starts_with("ws://")) rest.remove_prefix(5);
  else return bad();
  AgentAddress address;
  const auto slash = rest.find('/');
  address.path = slash == std::string_view::npos ? std::string() : std::string(rest.substr(slash));
  if (address.path.empty() || address.path == "/") address.path = "/v1/agent";
  auto authority = rest.substr(0, slash);
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad();
    address.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    address.host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(address.host.size());
  }
  address.port = authority.starts_with(':') ? std::string(authority.substr(1)) : "80";
  if (address.host.empty() || address.port.empty() ||
      address.port.find_first_not_of("0123456789") != std::string::npos)
    return bad();
  return address;
}

std::shared_ptr<AgentSocket> make_agent_socket(boost::asio::io_context& loop, AgentAddress address,
                                               AgentSocket::Events events) {
  return std::make_shared<BeastSocket>(loop, std::move(address), std::move(events));
}

}  // namespace usher::daemon
