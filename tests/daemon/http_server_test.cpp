// The HTTP server over real sockets: what is refused, what is limited, what is kept alive, and how it stops.
#include <catch2/catch.hpp>

#include <future>
#include <optional>
#include <thread>
#include <tuple>

#include "daemon/http_server.hpp"
#include "daemon/problem_json.hpp"
#include "tests/daemon/http_client.hpp"

using namespace usher;
using namespace usher::daemon;
using namespace std::chrono_literals;
using testing::HttpClient;

namespace {

struct Server {
  Metrics metrics;
  HttpLoop loop;
  std::optional<Responder> held;  // Of /later: answered by the test.
  std::promise<void> later_came;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;

  explicit Server(HttpServerOptions options = {}) {
    RouteTable table;
    table.add("GET", "/hello", 0,
              [](const Request&, const Responder& respond) { respond(json_response(200, "\"hello\"")); });
    table.add("POST", "/echo/{name}", 1000, [](const Request& request, const Responder& respond) {
      respond(json_response(200, request.arguments.front() + '|' + request.query + '|' + request.body));
    });
    table.add("GET", "/remote", 0,
              [](const Request& request, const Responder& respond) { respond(json_response(200, request.remote)); });
    table.add("GET", "/later", 0, [this](const Request&, Responder respond) {
      held = std::move(respond);
      later_came.set_value();
    });
    table.add("POST", "/large", 4 * 1024 * 1024, [this](const Request& request, Responder respond) {
      if (request.query == "wait") held = std::move(respond), later_came.set_value();
      else respond(json_response(200, std::to_string(request.body.size())));
    });
    table.add("GET", "/file", 0, [](const Request& request, const Responder& respond) {
      respond({200, "application/octet-stream", std::string(std::stoul(request.query) * 1024 * 1024, 'x'), {}});
    });
    table.add("GET", "/forgotten", 0, [](const Request&, const Responder&) {});
    options.name = "test";
    server = std::make_unique<HttpServer>(loop, std::move(table), metrics, std::move(options));
    port = server->start({"127.0.0.1", 0}).value();
  }
};

}  // namespace

TEST_CASE("broken or ambiguous HTTP is refused and the connection closed", "[http]") {
  Server server;
  const std::string post = "POST /echo/a HTTP/1.1\r\nHost: x\r\n";
  const std::vector<std::tuple<std::string, std::string, std::string>> table{
      {"both lengths", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"both lengths, the other way round", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       "400"},
      {"two different lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "400"},
      {"two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", "400"},
      {"a list of lengths", post + "Content-Length: 5, 5\r\n\r\nabcde", "400"},
      {"a signed length", post + "Content-Length: +5\r\n\r\nabcde", "400"},
      {"a hexadecimal length", post + "Content-Length: 0x5\r\n\r\nabcde", "400"},
      {"a huge length", post + "Content-Length: 99999999999999999999\r\n\r\n", "400"},
      {"an unknown coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
      {"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"a bare LF ends a header", "GET /hello HTTP/1.1\nHost: x\r\n\r\n", "400"},
      {"bare LFs only", "GET /hello HTTP/1.1\nHost: x\n\n", "400"},
      {"a bare CR in a header", "GET /hello HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "400"},
      {"a folded header", post + "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n", "400"},
      {"a fold before any header", "GET /hello HTTP/1.1\r\n Host: x\r\n\r\n", "400"},
      {"a space before the colon", post + "Content-Length : 5\r\n\r\nabcde", "400"},
      {"a tab before the colon", post + "Content-Length\t: 5\r\n\r\nabcde", "400"},
      {"no colon", "GET /hello HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", "400"},
      {"an empty name", "GET /hello HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", "400"},
      {"NUL in a value", "GET /hello HTTP/1.1\r\nHost: x\r\nA: b" + std::string(1, '\0') + "c\r\n\r\n", "400"},
      {"no Host", "GET /hello HTTP/1.1\r\n\r\n", "400"},
      {"two Hosts", "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
      {"a target without slash", "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"no target", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"a space in the target", "GET /hel lo HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"a fragment", "GET /hello#a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"a method of strange characters", "G(T /hello HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"HTTP/2 in words", "GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
      {"no HTTP at all", "\x16\x03\x01\x02\r\n\r\n", "400"},
      {"a chunk of no number", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", "400"},
      {"a chunk larger than it says", post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", "400"},
      {"chunked in HTTP/1.0", "POST /echo/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
  };
  for (const auto& [name, bytes, status] : table) {
    INFO(name);
    HttpClient client(server.port);
    client.send(bytes);
    const auto said = client.rest();
    CHECK(said.substr(0, 12) == "HTTP/1.1 " + status);
    CHECK(said.find("Connection: close") != std::string::npos);
    // One refusal, and nothing that was hidden behind it.
    CHECK(said.find("HTTP/1.1 2") == std::string::npos);
  }
}

TEST_CASE("a connection is kept alive, and requests sent at once are answered in order", "[http]") {
  Server server;
  HttpClient client(server.port);
  CHECK(client.get("/hello").body == "\"hello\"");
  CHECK(client.post("/echo/a%20b?x=1", "text/plain", "one").body == "a b|x=1|one");
  std::string burst;
  for (const char* text : {"1", "2", "3"})
    burst += "POST /echo/n HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n" + std::string(text);
  client.send(burst);
  for (const char* text : {"1", "2", "3"}) CHECK(client.answer().body == "n||" + std::string(text));
  client.send(
      "POST /echo/n HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nHost: "
      "evil\r\n\r\n");
  CHECK(client.answer().body == "n||abcde");
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(client.answer().headers["connection"] == "close");
  CHECK(client.closed());
}

TEST_CASE("bodies and heads over their limit are refused before they are read", "[http]") {
  Server server;
  SECTION("by the length it announces") {
    HttpClient client(server.port);
    client.send("POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    CHECK(client.answer().status == 413);
    CHECK(client.closed());
  }
  SECTION("by the chunks that come") {
    HttpClient client(server.port);
    client.send("POST /echo/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                std::string(1001, 'a'));
    CHECK(client.answer().status == 413);
  }
  SECTION("a body on a route that takes none") {
    HttpClient client(server.port);
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na");
    CHECK(client.answer().status == 413);
  }
  SECTION("the head") {
    HttpClient client(server.port);
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nA: " + std::string(20'000, 'a'));
    CHECK(client.answer().status == 431);
  }
  SECTION("just within") {
    HttpClient client(server.port);
    CHECK(client.post("/echo/a", "text/plain", std::string(1000, 'b')).status == 200);
  }
}

TEST_CASE("unknown paths and methods are problems, HEAD has no body, and every answer forbids sniffing", "[http]") {
  Server server;
  const auto missing = HttpClient(server.port).get("/nowhere");
  CHECK(missing.status == 404);
  CHECK(missing.headers.at("content-type") == "application/problem+json");
  const auto wrong = HttpClient(server.port).ask("DELETE", "/hello", "", "");
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.at("allow") == "GET, HEAD");
  HttpClient client(server.port);
  const auto head = client.ask("HEAD", "/hello", "", "");
  CHECK(head.status == 200);
  CHECK(head.headers.at("content-length") == "7");
  const auto after = client.get("/hello");
  CHECK(after.body == "\"hello\"");
  CHECK(after.headers.at("x-content-type-options") == "nosniff");
  CHECK(after.headers.at("referrer-policy") == "no-referrer");
  CHECK(after.headers.at("cache-control") == "no-store");
  CHECK(after.headers.contains("date"));
}

TEST_CASE("a client that waits for 100-continue is told to go on, or refused at once", "[http]") {
  Server server;
  HttpClient client(server.port);
  client.send("POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.answer().status == 100);
  client.send("abc");
  CHECK(client.answer().body == "a||abc");
  client.send("POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.answer().status == 413);
  HttpClient other(server.port);
  other.send("POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: miracles\r\n\r\n");
  CHECK(other.answer().status == 417);
}

TEST_CASE("a client that is slow with its head is answered 408, an idle one is closed", "[http]") {
  HttpServerOptions hasty;
  hasty.header_within = 200ms;
  Server server(hasty);
  HttpClient slow(server.port);
  slow.send("GET /hello HTTP/1.1\r\nHo");
  CHECK(slow.answer().status == 408);
  CHECK(HttpClient(server.port).closed());
  // With time enough for its head, however long the machine takes over that.
  HttpServerOptions patient;
  patient.idle_max = 60ms;
  Server other(patient);
  HttpClient idle(other.port);
  CHECK(idle.get("/hello").status == 200);
  CHECK(idle.closed());
}

TEST_CASE("connections over the cap are refused with 503, and others go on", "[http]") {
  HttpServerOptions options;
  options.connections_max = 2;
  Server server(options);
  HttpClient one(server.port), two(server.port);
  CHECK(one.get("/hello").status == 200);
  CHECK(two.get("/hello").status == 200);
  HttpClient three(server.port);
  CHECK(three.rest().substr(0, 12) == "HTTP/1.1 503");
  CHECK(one.get("/hello").status == 200);
}

TEST_CASE("large bodies have one room for all of them and give it back when they are answered", "[http]") {
  HttpServerOptions options;
  options.bodies_bytes_max = 3 * 1024 * 1024;
  Server server(options);
  const auto post = [](const std::string& query) {
    return "POST /large" + query + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\n\r\n" + std::string(2 * 1024 * 1024, 'x');
  };
  HttpClient first(server.port), second(server.port), small(server.port);
  first.send(post("?wait"));
  server.later_came.get_future().wait();
  second.send(post(""));
  const auto refused = second.answer();
  CHECK(refused.status == 503);
  CHECK(refused.headers.count("retry-after") == 1);
  CHECK(small.get("/hello").status == 200);
  SECTION("answered") {
    (*server.held)(json_response(200, "done"));
    CHECK(first.answer().body == "done");
  }
  SECTION("answered to nobody") {
    first.hang_up();
    HttpClient meanwhile(server.port);
    meanwhile.send(post(""));
    CHECK(meanwhile.answer().status == 503);  // Whoever reads it still has it.
    (*server.held)(json_response(200, "done"));
  }
  server.held.reset();
  for (int round = 0; round < 5; ++round) {
    HttpClient again(server.port);
    again.send(post(""));
    const auto answer = again.answer();
    if (answer.status == 503 && round < 4) continue;  // The answer to nobody is on its way to the loop.
    CHECK(answer.body == "2097152");
    break;
  }
}

TEST_CASE("who keeps taking a large answer gets all of it however long that takes", "[http]") {
  HttpServerOptions options;
  options.header_within = 100ms;
  options.idle_max = 800ms;
  Server server(options);
  constexpr std::size_t step = 1024 * 1024, steps = 16;  // More than the kernel holds between the two.
  HttpClient slow(server.port, 64 * 1024);
  slow.send("GET /file?16 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto began = std::chrono::steady_clock::now();
  std::size_t taken = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    taken += slow.take(step).size();
    // The pace of the line, by the server's own clock: it closes who connects and says nothing.
    CHECK(HttpClient(server.port).closed());
  }
  CHECK(std::chrono::steady_clock::now() - began > steps * options.header_within);
  CHECK(taken + slow.rest().size() > steps * step);
}

TEST_CASE("large answers take half of the room of large bodies at most and give it back", "[http]") {
  HttpServerOptions options;
  options.bodies_bytes_max = 40 * 1024 * 1024;
  Server server(options);
  const std::string large = "GET /file?16 HTTP/1.1\r\nHost: x\r\n\r\n";
  HttpClient other(server.port);
  {
    HttpClient slow(server.port, 64 * 1024);
    slow.send(large);
    REQUIRE(slow.take(100).size() == 100);
    const auto refused = HttpClient(server.port).get("/file?16");
    CHECK(refused.status == 503);
    CHECK(refused.headers.count("retry-after") == 1);
    CHECK(other.get("/file?0").status == 200);
    CHECK(other.post("/large", "text/plain", std::string(2 * 1024 * 1024, 'x')).body == "2097152");
    CHECK(other.ask("HEAD", "/file?16", "", "").status == 200);
    SECTION("taken to the end") { CHECK(slow.take(16 * 1024 * 1024).size() == 16 * 1024 * 1024); }
    SECTION("given up") { slow.hang_up(); }
    // The head's bytes are still to come: until they are taken the answer may not be over.
    CHECK(slow.take(100).size() <= 100);
  }
  int status = 503;
  for (int round = 0; status == 503 && round < 1000; ++round) status = HttpClient(server.port).get("/file?16").status;
  CHECK(status == 200);
}

TEST_CASE("an answer may come later from another thread, and a forgotten one is a 500", "[http]") {
  Server server;
  HttpClient client(server.port);
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  server.later_came.get_future().wait();
  std::thread([&] {
    (*server.held)(json_response(200, "late"));
    (*server.held)(json_response(500, "a second answer is ignored"));
    server.held.reset();
  }).join();
  CHECK(client.answer().body == "late");
  CHECK(client.get("/hello").body == "\"hello\"");
  CHECK(client.get("/forgotten").status == 500);
}

TEST_CASE("a stop closes idle connections at once and answers the request under way", "[http]") {
  Server server;
  HttpClient busy(server.port), idle(server.port);
  CHECK(idle.get("/hello").status == 200);
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  server.later_came.get_future().wait();
  server.server->stop_accepting();
  CHECK(idle.closed());
  CHECK_THROWS(HttpClient(server.port));
  (*server.held)(json_response(200, "still"));
  const auto answer = busy.answer();
  CHECK(answer.body == "still");
  CHECK(answer.headers.at("connection") == "close");
  CHECK(busy.closed());
  CHECK(server.server->drain(5s));
}

TEST_CASE("a drain cuts what is not answered in time", "[http]") {
  Server server;
  HttpClient busy(server.port);
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  server.later_came.get_future().wait();
  CHECK_FALSE(server.server->drain(20ms));
  CHECK(busy.closed());
  server.held.reset();
}

TEST_CASE("a taken port is refused with a sentence", "[http]") {
  Server server;
  HttpServer other(server.loop, {}, server.metrics, {});
  const auto port = other.start({"127.0.0.1", server.port});
  REQUIRE_FALSE(port.has_value());
  CHECK(port.error().detail.find("127.0.0.1:" + std::to_string(server.port)) != std::string::npos);
  CHECK_FALSE(other.start({"not an address", 0}).has_value());
}

TEST_CASE("the client behind a proxy is believed only when the proxy is trusted", "[http]") {
  const std::string forwarded = "X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\n";
  Server plain;
  CHECK(HttpClient(plain.port).get("/remote", forwarded).body == "127.0.0.1");
  HttpServerOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  Server proxied(options);
  CHECK(HttpClient(proxied.port).get("/remote", forwarded).body == "198.51.100.7");
  CHECK(HttpClient(proxied.port).get("/remote", "X-Forwarded-For: nonsense\r\n").body == "127.0.0.1");
  CHECK(HttpClient(proxied.port).get("/remote").body == "127.0.0.1");
}
