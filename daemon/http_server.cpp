// The listening socket and the connections behind it; see http_server.hpp. Everything in Doors runs on the loop's
// thread.
#include "daemon/http_server.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "daemon/http_connection.hpp"
#include "daemon/http_wire.hpp"

namespace usher::daemon {

namespace asio = boost::asio;
using asio::ip::tcp;
using message::Fault;
using message::Result;
using namespace std::chrono_literals;

struct HttpServer::Doors final : HttpHost, std::enable_shared_from_this<Doors> {
  Doors(HttpLoop& on, RouteTable table, Metrics& counted, HttpServerOptions chosen)
      : loop(on),
        served(std::move(table)),
        metrics(counted),
        settings(std::move(chosen)),
        acceptor(on.context()),
        timer(on.context()) {}

  Result<std::uint16_t> listen(const config::Listen& where);
  void accept();
  void welcome(tcp::socket socket);
  void sweep();
  void stop_accepting();
  void close_all();

  [[nodiscard]] const RouteTable& routes() const override { return served; }
  [[nodiscard]] const HttpServerOptions& options() const override { return settings; }
  [[nodiscard]] const std::string& date() const override { return date_now; }
  [[nodiscard]] bool closing() const override { return stopping; }
  bool take_body(std::size_t bytes) override {
    if (bodies_bytes + bytes > settings.bodies_bytes_max) return false;
    bodies_bytes += bytes;
    return true;
  }
  void give_body(std::size_t bytes) override { bodies_bytes -= bytes; }
  bool take_answer(std::size_t bytes) override {
    if (answers_bytes + bytes > settings.bodies_bytes_max / 2 || !take_body(bytes)) return false;
    answers_bytes += bytes;
    return true;
  }
  void give_answer(std::size_t bytes) override {
    answers_bytes -= bytes;
    give_body(bytes);
  }
  void answered(const std::string& route, int status) override { metrics.request(settings.name, route, status); }
  void gone(HttpConnection& connection) override;

  HttpLoop& loop;
  const RouteTable served;
  Metrics& metrics;
  const HttpServerOptions settings;
  tcp::acceptor acceptor;
  asio::steady_timer timer;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  std::size_t bodies_bytes = 0;  // Of large bodies that are being read or looked at, or taken by clients.
  std::size_t answers_bytes = 0;  // Those being taken, of them.
  std::string date_now;
  bool stopping = false;
  bool accept_again = false;

  // For drain(), which waits on another thread.
  std::mutex mutex;
  std::condition_variable emptied;
  std::size_t open = 0;  // Guarded by mutex.
};

namespace {

// Not throwing: an address is an operator's input.
Result<tcp::endpoint> endpoint_of(const config::Listen& listen) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(listen.host == "localhost" ? "127.0.0.1" : listen.host, error);
  if (error) return message::fail(Fault::malformed, listen.host + " is not an address to listen on");
  return tcp::endpoint(address, listen.port);
}

}  // namespace

Result<std::uint16_t> HttpServer::Doors::listen(const config::Listen& where) {
  const auto endpoint = endpoint_of(where);
  if (!endpoint) return endpoint.error();
  boost::system::error_code error;
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    return message::fail(Fault::unavailable,
                         "cannot listen on " + where.host + ':' + std::to_string(where.port) + ": " + error.message());
  }
  sweep();
  accept();
  return acceptor.local_endpoint().port();
}

void HttpServer::Doors::accept() {
  acceptor.async_accept([self = shared_from_this()](boost::system::error_code error, tcp::socket socket) {
    if (self->stopping || error == asio::error::operation_aborted) return;
    // Out of descriptors, say: accept() would fail again at once. The sweep starts it anew.
    if (error) {
      self->accept_again = true;
      return;
    }
    self->welcome(std::move(socket));
    self->accept();
  });
}

void HttpServer::Doors::welcome(tcp::socket socket) {
  if (connections.size() >= settings.connections_max) {
    static constexpr std::string_view full =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    // A new socket's buffer takes these few bytes, or the client gets none: nobody waits for it.
    socket.write_some(asio::buffer(full), ignored);
    socket.close(ignored);
    metrics.request(settings.name, "none", 503);
    return;
  }
  auto connection = std::make_shared<HttpConnection>(std::move(socket), shared_from_this());
  connections.emplace(connection.get(), connection);
  {
    const std::lock_guard lock(mutex);
    open = connections.size();
  }
  metrics.connections(settings.name, static_cast<std::int64_t>(connections.size()));
  connection->start();
}

void HttpServer::Doors::gone(HttpConnection& connection) {
  connections.erase(&connection);
  metrics.connections(settings.name, static_cast<std::int64_t>(connections.size()));
  const std::lock_guard lock(mutex);
  open = connections.size();
  if (open == 0) emptied.notify_all();
}

void HttpServer::Doors::sweep() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  date_now = http_date(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  std::vector<std::shared_ptr<HttpConnection>> all;
  all.reserve(connections.size());
  for (const auto& [key, connection] : connections) all.push_back(connection);
  for (const auto& connection : all) connection->sweep(std::chrono::steady_clock::now());
  if (std::exchange(accept_again, false) && !stopping) accept();
  const std::chrono::milliseconds half = std::min(settings.header_within, settings.idle_max) / 2;
  timer.expires_after(std::clamp<std::chrono::milliseconds>(half, 5ms, 500ms));
  timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->sweep();
  });
}

void HttpServer::Doors::stop_accepting() {
  if (stopping) return;
  stopping = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  std::vector<std::shared_ptr<HttpConnection>> all;
  for (const auto& [key, connection] : connections) all.push_back(connection);
  for (const auto& connection : all) connection->close_when_idle();
}

void HttpServer::Doors::close_all() {
  stop_accepting();
  timer.cancel();
  const auto all = std::move(connections);
  connections.clear();
  for (const auto& [key, connection] : all) connection->close();
}

HttpServer::HttpServer(HttpLoop& loop, RouteTable routes, Metrics& metrics, HttpServerOptions options)
    : doors_(std::make_shared<Doors>(loop, std::move(routes), metrics, std::move(options))) {}

HttpServer::~HttpServer() {
  doors_->loop.run([doors = doors_] { doors->close_all(); });
}

Result<std::uint16_t> HttpServer::start(const config::Listen& listen) {
  Result<std::uint16_t> port = message::fail(Fault::unavailable, "not started");
  doors_->loop.run([&] { port = doors_->listen(listen); });
  return port;
}

void HttpServer::stop_accepting() {
  doors_->loop.run([doors = doors_] { doors->stop_accepting(); });
}

bool HttpServer::drain(std::chrono::milliseconds within) {
  stop_accepting();
  bool empty = false;
  {
    std::unique_lock lock(doors_->mutex);
    empty = doors_->emptied.wait_for(lock, within, [this] { return doors_->open == 0; });
  }
  doors_->loop.run([doors = doors_] { doors->close_all(); });
  return empty;
}

}  // namespace usher::daemon
