// The same routes in a process that does only a part of the work: what it leaves out, and what it reads from the store.
#include "tests/daemon/http_fixture.hpp"

using namespace usher;
using namespace usher::testing;

namespace {

// Beside the site, over the same journal and store: an edge or a desk in another process.
struct PartOfSite {
  Site& site;
  daemon::HttpServices services;
  daemon::HttpServer public_server, ops_server;
  std::uint16_t port, ops_port;

  static daemon::HttpServices part_of(const daemon::HttpServices& whole, daemon::Roles roles) {
    auto part = whole;
    part.roles = roles;
    part.router = nullptr;
    if (!roles.desk) part.desk = nullptr;
    part.node = "east";
    part.knows_agent = [](const AgentId& agent) { return agent == AgentId("ana"); };
    part.weaknesses = [] { return std::vector<std::string>{"one replica"}; };
    return part;
  }
  PartOfSite(Site& whole, daemon::Roles roles)
      : site(whole),
        services(part_of(whole.services, roles)),
        public_server(whole.loop, daemon::public_routes(services), whole.metrics, daemon::HttpServerOptions{"public", {}}),
        ops_server(whole.loop, daemon::ops_routes(services), whole.metrics, daemon::HttpServerOptions{"ops", {}}),
        port(public_server.start({"127.0.0.1", 0}).value()),
        ops_port(ops_server.start({"127.0.0.1", 0}).value()) {}

  Answer operate(const std::string& method, const std::string& path) {
    return HttpClient(ops_port).ask(method, path, "Authorization: Bearer admin-token\r\n", "");
  }
};

constexpr daemon::Roles edge{true, false, false};
constexpr daemon::Roles desk{false, false, true};

}  // namespace

TEST_CASE("a node without a router answers 503 for what needs one, and is ready without it", "[http][roles]") {
  Site site;
  PartOfSite part(site, edge);
  for (const char* path : {"/v1/agents", "/v1/queues", "/v1/conversations", "/v1/explain/00000000000000000000000000000000"}) {
    INFO(path);
    const auto refused = part.operate("GET", path);
    CHECK(refused.status == 503);
    CHECK(refused.body.find("has no router") != std::string::npos);
  }
  CHECK(part.operate("GET", "/v1/dead-letters").status == 200);
  const auto status = body_of(part.operate("GET", "/v1/status"));
  CHECK(status.at("node") == "east");
  CHECK(status.at("roles") == "edge");
  CHECK_FALSE(status.contains("phase"));
  CHECK(part.operate("GET", "/metrics").status == 200);
}

TEST_CASE("weaker durability is named by readiness and no trouble", "[http][roles][rule-J3]") {
  Site site;
  PartOfSite part(site, edge);
  const auto ready = HttpClient(part.ops_port).get("/readyz");
  CHECK(ready.status == 200);
  CHECK(body_of(ready).at("status") == "ready");
  CHECK(body_of(ready).at("weaknesses") == json::array{"one replica"});
  CHECK_FALSE(body_of(HttpClient(site.ops_port).get("/readyz")).contains("weaknesses"));
}

TEST_CASE("an edge shows private links from the store, and has no door for agents", "[http][roles]") {
  Site site;
  PartOfSite part(site, edge);
  const auto accepted = HttpClient(part.port).post("/v1/forms/contact", "application/x-www-form-urlencoded",
                                                   "email=a%40b.example&message=Hello");
  REQUIRE(accepted.status == 202);
  REQUIRE(site.operate("GET", "/v1/queues").status == 200);
  const std::string link(body_of(accepted).at("link").as_string());
  const auto path = link.substr(std::string("https://usher.example").size());
  // What the router has committed, however long that takes.
  json::object shown;
  for (int i = 0; i < 10'000 && (!shown.contains("state") || shown.at("state") != "waiting"); ++i)
    shown = body_of(HttpClient(part.port).get(path, "Accept: application/json\r\n"));
  CHECK(shown.at("state") == "waiting");
  CHECK(shown.at("messages").as_array().size() == 1);
  CHECK(HttpClient(part.port).get("/v1/agent").status == 404);
}

TEST_CASE("a desk takes no customers, and makes tokens for agents of its own file", "[http][roles]") {
  Site site;
  PartOfSite part(site, desk);
  CHECK(HttpClient(part.port).post("/v1/forms/contact", "application/x-www-form-urlencoded", "message=x").status == 404);
  CHECK(part.operate("POST", "/v1/agents/ana/tokens").status == 201);
  CHECK(part.operate("POST", "/v1/agents/ben/tokens").status == 404);
  CHECK(part.operate("GET", "/v1/status").status == 200);
  CHECK(body_of(part.operate("GET", "/v1/status")).at("sessions") == 0);
}
