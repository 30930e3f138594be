// A blocking agent. Over a WebSocket it is a plain socket with the handshake and frames by hand (RFC 6455), so that a
// test may also send what a library would refuse to; over ZeroMQ a DEALER. Tests that name no transport run on both.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "tests/daemon/http_client.hpp"

namespace usher::testing {

struct Heard {
  int opcode = 0;  // 1 text, 8 close, 9 ping, 10 pong; 0: the connection is gone.
  std::string payload;
  // Of a close frame.
  [[nodiscard]] int code() const {
    if (opcode != 8 || payload.size() < 2) return 1006;
    return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  }
};

// Where agents come in: WebSockets at a port, ZeroMQ when `zmq` has an endpoint.
struct Door {
  std::uint16_t port = 0;
  std::string zmq;

  Door() = default;
  Door(std::uint16_t number) : port(number) {}
  operator std::uint16_t() const { return port; }
};

class AgentSocket {
 public:
  virtual ~AgentSocket() = default;
  virtual void frame(int opcode, const std::string& payload) = 0;
  virtual Heard hear() = 0;
};

class WebSocketAgent final : public AgentSocket {
 public:
  WebSocketAgent(std::uint16_t port, const std::string& headers, int receive_buffer) : http_(port, receive_buffer) {
    http_.send(
        "GET /v1/agent HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        headers + "\r\n");
    opened_ = http_.answer();
  }

  [[nodiscard]] const Answer& opened() const { return opened_; }

  void frame(int opcode, const std::string& payload) override {
    std::string out(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
      out += static_cast<char>(0x80 | payload.size());
    } else {
      // RFC 6455 5.2: the shortest form of a length is the only valid one.
      const bool large = payload.size() > 65'535;
      out += static_cast<char>(0x80 | (large ? 127 : 126));
      for (int shift = large ? 56 : 8; shift >= 0; shift -= 8)
        out += static_cast<char>((payload.size() >> shift) & 255);
    }
    out += std::string(4, '\0');  // A mask of zeros is a mask.
    http_.send(out + payload);
  }

  Heard hear() override {
    const auto head = http_.take(2);
    if (head.size() < 2) return {};
    Heard out{head[0] & 15, ""};
    std::size_t size = static_cast<unsigned char>(head[1]) & 127;
    const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more > 0) size = 0;
    for (const char c : http_.take(more)) size = size * 256 + static_cast<unsigned char>(c);
    out.payload = http_.take(size);
    return out;
  }

 private:
  HttpClient http_;
  Answer opened_;
};

// Vanishes when it is destroyed: nothing lingers. `keys`: CURVE, as set on the socket before it connects.
class ZmqAgent final : public AgentSocket {
 public:
  explicit ZmqAgent(const std::string& endpoint, int receive_buffer = 0,
                    const std::function<void(zmq::socket_t&)>& prepare = {}) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, 10'000);
    socket_.set(zmq::sockopt::sndtimeo, 10'000);
    if (receive_buffer > 0) {
      socket_.set(zmq::sockopt::rcvbuf, receive_buffer);
      socket_.set(zmq::sockopt::rcvhwm, 1);
    }
    if (prepare) prepare(socket_);
    socket_.connect(endpoint);
  }

  void frame(int, const std::string& payload) override { socket_.send(zmq::buffer(payload), zmq::send_flags::none); }

  // The last frame of a session is its close frame.
  Heard hear() override {
    zmq::message_t message;
    if (!socket_.recv(message)) throw std::runtime_error("nothing came within ten seconds");
    auto text = message.to_string();
    const auto said = boost::json::parse(text).as_object();
    if (said.at("type") != "session_closed") return {1, std::move(text)};
    const auto code = said.at("code").as_int64();
    return {8, std::string{static_cast<char>(code / 256), static_cast<char>(code % 256)}};
  }

  [[nodiscard]] zmq::socket_t& socket() { return socket_; }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::dealer};
};

class AgentClient {
 public:
  explicit AgentClient(const Door& door, const std::string& headers = "Sec-WebSocket-Protocol: usher.agent.v1\r\n",
                       int receive_buffer = 0) {
    if (!door.zmq.empty()) {
      socket_ = std::make_unique<ZmqAgent>(door.zmq, receive_buffer);
      return;
    }
    auto made = std::make_unique<WebSocketAgent>(door.port, headers, receive_buffer);
    opened_ = made->opened();
    socket_ = std::move(made);
  }
  explicit AgentClient(std::unique_ptr<AgentSocket> socket) : socket_(std::move(socket)) {}

  // The answer to the handshake; of WebSockets only.
  [[nodiscard]] const Answer& opened() const { return opened_; }

  void frame(int opcode, const std::string& payload) const { socket_->frame(opcode, payload); }
  void say(const std::string& text) const { frame(1, text); }
  void say(const boost::json::object& object) const { say(boost::json::serialize(object)); }
  void hello(const std::string& token) const {
    say(boost::json::object{{"type", "hello"}, {"v", 1}, {"token", token}});
  }

  // The next frame, whatever it is.
  Heard hear() { return socket_->hear(); }

  // The next text frame as JSON; pings are passed over.
  boost::json::object next() {
    for (;;) {
      const auto heard = hear();
      if (heard.opcode == 9) continue;
      if (heard.opcode != 1)
        throw std::runtime_error("no text came, but opcode " + std::to_string(heard.opcode) + ", code " +
                                 std::to_string(heard.code()));
      return boost::json::parse(heard.payload).as_object();
    }
  }

  // Reads on until the server closes.
  int close_code() {
    for (;;) {
      const auto heard = hear();
      if (heard.opcode == 8 || heard.opcode == 0) return heard.code();
    }
  }

 private:
  std::unique_ptr<AgentSocket> socket_;
  Answer opened_;
};

}  // namespace usher::testing
