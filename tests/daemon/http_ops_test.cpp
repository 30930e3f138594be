// The operations routes: open health and metrics, guarded views and actions.
#include "tests/daemon/http_fixture.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/connector_try.hpp"

using namespace usher;
using namespace usher::testing;

namespace {

daemon::EgressFigures busy_egress() {
  daemon::EgressFigures figures;
  figures.here = true;
  figures.status.pending = 2;
  figures.status.sent = 3;
  figures.status.deferred = 4;
  figures.status.trouble = "the state is away";
  figures.status.last_error = "http_5xx";
  return figures;
}

// A server that takes connections and says nothing.
struct SilentServer {
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string port;
  SilentServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener, plain, size) == 0);
    REQUIRE(::listen(listener, 16) == 0);
    REQUIRE(::getsockname(listener, plain, &size) == 0);
    port = std::to_string(ntohs(address.sin_port));
  }
  ~SilentServer() { ::close(listener); }
  // Once somebody has come; left open.
  [[nodiscard]] int wait() const { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }
};

connectors::Instance mailbox_at(const std::string& port) {
  connectors::Instance mailbox{ConnectorId("support-mail"), TenantId("acme"), "email", {}};
  mailbox.options.values = {{"address", "support@example.com"}, {"thread_secret", "a secret of the tests"}, {"inbound", "imap"},
                            {"imap_url", "imap://127.0.0.1:" + port}, {"tls", "off"}, {"login", "plain"}, {"password", "secret"},
                            {"folder", "INBOX"}, {"after_ingest", "keyword"}, {"poll_every", "60000"}};
  return mailbox;
}

}  // namespace

TEST_CASE("a connector is tried one at a time and a stop ends the try", "[http][ops]") {
  Site site;
  SilentServer server;
  site.connectors.use({form_instance(), mailbox_at(server.port)});
  connectors::AccessTokens tokens(site.clock);
  daemon::ConnectorTries tries(tokens, site.clock);
  const std::string path = "/v1/connectors/support-mail/test";
  CHECK(site.operate("POST", path).status == 429);  // This node tries none.
  site.loop.run([&] { site.services.tries = &tries; });
  CHECK(HttpClient(site.ops_port).ask("POST", path, "", "").status == 401);
  CHECK(site.operate("POST", "/v1/connectors/nobody/test").status == 404);
  auto first = std::async(std::launch::async, [&] { return site.operate("POST", path); });
  const int connection = server.wait();
  CHECK(site.operate("POST", "/v1/connectors/contact/test").status == 429);
  tries.stop();
  const auto answer = first.get();
  ::close(connection);
  CHECK(answer.status == 200);
  CHECK(body_of(answer).at("ok") == false);
  CHECK(std::string_view(body_of(answer).at("detail").as_string()).starts_with("imap: "));
  CHECK(answer.body.find("secret") == std::string::npos);
  CHECK(site.operate("POST", "/v1/connectors/contact/test").status == 429);
}

TEST_CASE("a try that is over makes room for the next and present trouble of the reader counts", "[http][ops]") {
  Site site;
  connectors::AccessTokens tokens(site.clock);
  daemon::ConnectorTries tries(tokens, site.clock);
  site.loop.run([&] { site.services.tries = &tries; });
  for (int times = 0; times < 3; ++times) CHECK(body_of(site.operate("POST", "/v1/connectors/contact/test")).at("ok") == true);
  daemon::MailboxFigures figures{"contact", true, {}};
  figures.status.mark_trouble = "mails cannot be moved to Done: over quota";
  site.loop.run([&] { site.services.mailboxes = [figures] { return std::vector{figures}; }; });
  const auto told = body_of(site.operate("POST", "/v1/connectors/contact/test"));
  CHECK(told.at("ok") == false);
  CHECK(std::string_view(told.at("detail").as_string()).find("over quota; now: type webform") != std::string_view::npos);
}

TEST_CASE("everything under /v1/ of the operations listener needs the admin token", "[http][ops]") {
  Site site;
  for (const char* path :
       {"/v1/status", "/v1/agents", "/v1/queues", "/v1/conversations", "/v1/dead-letters", "/v1/connectors"}) {
    INFO(path);
    CHECK(HttpClient(site.ops_port).get(path).status == 401);
    CHECK(HttpClient(site.ops_port).get(path, "Authorization: Bearer admin\r\n").status == 401);
    CHECK(site.operate("GET", path).status == 200);
    CHECK(HttpClient(site.port).get(path, "Authorization: Bearer admin-token\r\n").status == 404);
  }
  CHECK(HttpClient(site.ops_port).get("/healthz").status == 200);
  site.services.admin_token.clear();
  CHECK(HttpClient(site.ops_port).get("/v1/status", "Authorization: Bearer \r\n").status == 401);
}

TEST_CASE("readiness says why not", "[http][ops]") {
  Site site;
  REQUIRE(site.post("k", "x").status == 202);
  REQUIRE(site.operate("GET", "/v1/queues").status == 200);
  const auto ready = HttpClient(site.ops_port).get("/readyz?verbose");
  CHECK(ready.status == 200);
  CHECK(body_of(ready).at("router").at("phase") == "routing");
  CHECK(body_of(ready).at("durability").as_string().size() > 0);
  site.loop.run([&] { site.not_ready = "stopping"; });
  const auto stopping = HttpClient(site.ops_port).get("/readyz");
  CHECK(stopping.status == 503);
  CHECK(body_of(stopping).at("reason") == "stopping");
  site.loop.run([&] { site.not_ready.clear(); });
  // The store is down: what is acknowledged is in the journal, routing pauses, readiness says so.
  site.store.fail_next_commits(1'000'000, journal::Applied::no);
  REQUIRE(site.post("k2", "y").status == 202);
  Answer paused;
  for (int i = 0; i < 10'000 && paused.status != 503; ++i) paused = HttpClient(site.ops_port).get("/readyz");
  CHECK(paused.status == 503);
  CHECK(std::string_view(body_of(paused).at("reason").as_string()).starts_with("router paused"));
  site.store.fail_next_commits(0, journal::Applied::no);
}

TEST_CASE("verbose readiness shows the way back to customers, whose trouble does not make a node unready", "[http][ops]") {
  Site site;
  site.loop.run([&] { site.services.egress = [] { return std::optional(busy_egress()); }; });
  const auto ready = HttpClient(site.ops_port).get("/readyz?verbose");
  CHECK(ready.status == 200);
  const auto egress = body_of(ready).at("egress").as_object();
  CHECK(egress.at("sends_here") == true);
  CHECK(egress.at("pending") == 2);
  CHECK(egress.at("trouble") == "the state is away");
  CHECK(egress.at("last_error") == "http_5xx");
  CHECK(body_of(ready).at("journal").at("answers") == true);
  site.loop.run([&] { site.services.egress = [] { return std::nullopt; }; });
  CHECK_FALSE(body_of(HttpClient(site.ops_port).get("/readyz?verbose")).contains("egress"));
}

TEST_CASE("the newest kind of trouble in sending replaces the one before in the metrics", "[ops]") {
  daemon::Metrics metrics;
  auto figures = busy_egress();
  metrics.egress(true, figures.status);
  figures.status.last_error = "no_answer";
  figures.status.deferred = 5;
  metrics.egress(true, figures.status);
  metrics.process(false, 7);
  metrics.process(false, 7);
  const auto text = metrics.text(std::nullopt, nullptr, {});
  for (const char* line : {"usher_egress_last_error{kind=\"no_answer\"} 1", "usher_egress_last_error{kind=\"http_5xx\"} 0",
                           "usher_egress_attempts_total{result=\"deferred\"} 5", "usher_journal_answers 0",
                           "usher_log_lines_dropped_total 7"}) {
    INFO(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("views show agents, queues and conversations, and why one waits", "[http][ops]") {
  Site site;
  REQUIRE(site.post("k", "Hello").status == 202);
  AgentClient ana(site.port);
  ana.hello(site.tokens->create(AgentId("ana")).value());
  CHECK(Site::until(ana, "welcome").at("agent") == "ana");
  const auto list = body_of(site.operate("GET", "/v1/conversations?limit=5")).at("conversations").as_array();
  REQUIRE(list.size() == 1);
  CHECK(list.at(0).at("state") == "waiting");
  CHECK(list.at(0).at("messages") == 1);
  const std::string id(list.at(0).at("id").as_string());
  CHECK(body_of(site.operate("GET", "/v1/conversations/" + id)).at("messages").at(0).at("text") == "Hello");
  const auto explained = body_of(site.operate("GET", "/v1/explain/" + id));
  CHECK(explained.at("agents_by_reason").at("presence") == 2);
  CHECK(site.operate("GET", "/v1/conversations/" + std::string(32, '0')).status == 404);
  CHECK(site.operate("GET", "/v1/conversations/x").status == 404);
  CHECK(site.operate("GET", "/v1/conversations?limit=many").status == 400);
  const auto agents = body_of(site.operate("GET", "/v1/agents")).at("agents");
  CHECK(agents.at(0).at("id") == "ana");
  CHECK(agents.at(0).at("connected") == true);
  CHECK(body_of(site.operate("GET", "/v1/queues")).at("queues").at(0).at("waiting") == 1);
  const auto status = body_of(site.operate("GET", "/v1/status"));
  CHECK(status.at("agents_connected") == 1);
  CHECK(status.at("waiting") == 1);
  const auto connectors = site.operate("GET", "/v1/connectors");
  CHECK(connectors.body.find("shop-token") == std::string::npos);
  CHECK(body_of(connectors).at("connectors").at(1).at("channel") == "http");
}

TEST_CASE("tokens are made for agents that exist, and taken back", "[http][ops]") {
  Site site;
  CHECK(site.operate("POST", "/v1/agents/nobody/tokens").status == 404);
  const auto made = site.operate("POST", "/v1/agents/ana/tokens");
  CHECK(made.status == 201);
  const std::string token(body_of(made).at("token").as_string());
  CHECK(site.tokens->who(token) == AgentId("ana"));
  CHECK(body_of(site.operate("DELETE", "/v1/agents/ana/tokens")).at("revoked") == 1);
  CHECK_FALSE(site.tokens->who(token).has_value());
}

TEST_CASE("backup and reload answer with what came of them", "[http][ops]") {
  Site site;
  CHECK(site.operate("POST", "/v1/backup", R"({"path":"/somewhere"})").status == 200);
  CHECK(site.operate("POST", "/v1/backup", R"({"path":"/full"})").status == 503);
  CHECK(site.operate("POST", "/v1/backup", "{}").status == 400);
  const auto reloaded = site.operate("POST", "/v1/reload");
  CHECK(reloaded.status == 400);
  CHECK(body_of(reloaded).at("detail") == "usher.yaml:1:1 x: wrong");
}

TEST_CASE("a dead letter is listed, shown with its bytes, and requeued", "[http][ops]") {
  Site site;
  site.journal.append(journal::Stream::inbound, 0, {"bad", "usher.tick.v1", "\xff not JSON"},
                      [](const Result<journal::Appended>&) {});
  REQUIRE(site.post("k", "After").status == 202);
  const auto letters = [&] { return body_of(site.operate("GET", "/v1/dead-letters")).at("dead_letters").as_array(); };
  // The router's answer comes after what it has read by then.
  const auto settled = [&] {
    while (body_of(site.operate("GET", "/v1/status")).at("lag_records") != 0) {
    }
  };
  settled();
  REQUIRE(letters().size() == 1);
  CHECK(letters().at(0).at("id") == "bad");
  CHECK_FALSE(letters().at(0).at("reason").as_string().empty());
  const auto path = "/v1/dead-letters/" + json::serialize(letters().at(0).at("offset"));
  CHECK(body_of(site.operate("GET", path)).at("value_base64") == "/yBub3QgSlNPTg==");
  CHECK(site.operate("GET", "/v1/dead-letters/99999").status == 404);
  CHECK(site.operate("POST", path + "/requeue").status == 200);
  settled();
  CHECK(letters().size() == 2);
  CHECK(body_of(site.operate("GET", "/v1/dead-letters?limit=1")).at("dead_letters").as_array().size() == 1);
}

TEST_CASE("a record too large for a dead letter is requeued whole, as long as the journal keeps it", "[http][ops]") {
  Site site;
  const std::string large(limits::record_bytes_max, '\xff');
  site.journal.append(journal::Stream::inbound, 0, {"large", "usher.tick.v1", large}, [](const Result<journal::Appended>&) {});
  REQUIRE(site.post("k", "After").status == 202);
  const auto settle = [&] {
    while (body_of(site.operate("GET", "/v1/status")).at("lag_records") != 0) {
    }
  };
  const auto letters = [&] { return body_of(site.operate("GET", "/v1/dead-letters")).at("dead_letters").as_array(); };
  settle();
  REQUIRE(letters().size() == 1);
  CHECK(letters().at(0).at("bytes").as_int64() == static_cast<std::int64_t>(large.size()));
  REQUIRE(site.operate("POST", "/v1/dead-letters/" + json::serialize(letters().at(0).at("offset")) + "/requeue").status == 200);
  settle();
  REQUIRE(letters().size() == 2);
  CHECK(letters().at(1).at("bytes") == letters().at(0).at("bytes"));
}

TEST_CASE("metrics are Prometheus text with every family that the documentation names", "[http][ops]") {
  Site site;
  REQUIRE(site.post("k", "Hello").status == 202);
  REQUIRE(site.operate("GET", "/v1/queues").status == 200);
  site.services.egress = [] { return std::optional(busy_egress()); };
  const auto answer = HttpClient(site.ops_port).get("/metrics");
  CHECK(answer.headers.at("content-type") == "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line :
       {"usher_http_requests_total{", "status=\"202\"", "route=\"/v1/channels/{connector}/messages\"",
        "usher_append_seconds_bucket", "usher_router_records ", "usher_router_commits ", "usher_conversations{",
        "usher_queue_oldest_waiting_seconds{", "usher_agents{", "usher_agent_sessions ",
        "usher_router_phase{phase=\"routing\"} 1", "usher_journal_answers 1", "usher_log_lines_dropped_total ",
        "usher_egress_here 1", "usher_egress_pending 2", "usher_egress_stuck 1",
        "usher_egress_attempts_total{result=\"deferred\"} 4", "usher_egress_last_error{kind=\"http_5xx\"} 1"}) {
    INFO(line);
    CHECK(answer.body.find(line) != std::string::npos);
  }
  CHECK(answer.body.find("Hello") == std::string::npos);
}
