// HttpConnection: one client's socket, one request at a time: head, body, handler, answer, and again. Keeps every limit
// and deadline of its phase; the host's sweep ends what is late. All on the loop's thread, but for answer().
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http_head.hpp"
#include "daemon/http_request_parser.hpp"
#include "daemon/http_routes.hpp"
#include "daemon/http_server.hpp"

namespace usher::daemon {

class HttpConnection;

// What a connection needs of its server.
class HttpHost {
 public:
  virtual ~HttpHost() = default;
  [[nodiscard]] virtual const RouteTable& routes() const = 0;
  [[nodiscard]] virtual const HttpServerOptions& options() const = 0;
  [[nodiscard]] virtual const std::string& date() const = 0;  // Of the `Date` header, renewed by the sweep.
  [[nodiscard]] virtual bool closing() const = 0;
  // Room for so much more of a body; false: there is none now. What was taken is given back.
  [[nodiscard]] virtual bool take_body(std::size_t bytes) = 0;
  virtual void give_body(std::size_t bytes) = 0;
  // The same of an answer's body, which is there whole: of one room with requests, of which answers get half at most.
  [[nodiscard]] virtual bool take_answer(std::size_t bytes) = 0;
  virtual void give_answer(std::size_t bytes) = 0;
  virtual void answered(const std::string& route, int status) = 0;
  virtual void gone(HttpConnection& connection) = 0;
};

class HttpConnection final : public Exchange, public std::enable_shared_from_this<HttpConnection> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  HttpConnection(boost::asio::ip::tcp::socket socket, std::shared_ptr<HttpHost> host);

  void start();
  // Ends what is late. Called by the host every now and then.
  void sweep(Time now);
  // The server stops: closes at once when idle, else after the answer.
  void close_when_idle();
  void close();
  void answer(std::uint64_t request, Response response) override;

 private:
  enum class Phase {
    idle,  // Between requests: nothing read yet.
    head,
    body,
    handling,  // A handler has the request.
    writing,
    lingering,  // Answered and shut for writing: reads the rest away, so that the answer is not lost to a reset.
    closed,
  };

  void enter(Phase phase, std::chrono::milliseconds within);
  void read();
  void advance();
  void read_head();
  void begin(std::string_view head);
  [[nodiscard]] bool split_target();
  [[nodiscard]] bool find_route();
  [[nodiscard]] bool start_body();
  void upgrade();
  void read_body();
  [[nodiscard]] bool take_room();
  void give_room();
  void give_answer();
  void handle();
  void refuse(int status, std::string_view detail);
  void write(Response response);
  void write_on(std::size_t head);
  void written();
  void linger();
  [[nodiscard]] std::string client_address() const;

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<HttpHost> host_;
  Phase phase_ = Phase::idle;
  Time deadline_;
  std::string in_;           // Read, not yet consumed.
  std::vector<char> chunk_;  // Where the socket reads to.
  std::optional<RequestParser> parser_;
  const Route* route_ = nullptr;
  const Endpoint* endpoint_ = nullptr;
  std::uint64_t number_ = 0;  // Of the request at hand: a late answer to an earlier one is ignored.
  std::size_t body_room_ = 0;  // Taken of the host for the body at hand.
  bool body_is_out_ = false;   // A handler has it, who answers even when nobody listens any more.
  bool keep_alive_ = false;
  bool head_only_ = false;  // HEAD: the answer's body stays here.
  std::string out_head_;
  std::string out_body_;
  std::size_t out_room_ = 0;   // Taken of the host for out_body_.
  std::size_t out_taken_ = 0;  // Of out_body_, by the socket or by the write under way.
};

}  // namespace usher::daemon
