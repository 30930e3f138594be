// All routes behind real listeners over the whole journey in memory: journal, store, router, ingress, desk.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <future>

#include "connectors/blob_store.hpp"
#include "connectors/ingress.hpp"
#include "connectors/triage.hpp"
#include "daemon/agent_files.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/desk_gateway.hpp"
#include "daemon/http_server.hpp"
#include "daemon/ops_routes.hpp"
#include "daemon/public_routes.hpp"
#include "routing/journal/memory_journal.hpp"
#include "routing/message/wire.hpp"
#include "routing/router/router_thread.hpp"
#include "routing/state/memory_store.hpp"
#include "tests/daemon/gateway_client.hpp"
#include "tests/daemon/scratch_folder.hpp"

namespace usher::testing {

using namespace usher::message;
namespace json = boost::json;

inline connectors::Instance form_instance() {
  connectors::Instance form{ConnectorId("contact"), TenantId("acme"), "webform", {}};
  form.options.values["per_address_per_minute"] = "100";
  form.options.values["text_bytes_max"] = "65536";
  form.options.values["honeypot"] = "website";
  form.options.lists["origins"] = {"https://shop.example"};
  form.options.lists["redirect_to"] = {"https://shop.example/thanks", "https://shop.example/merci"};
  return form;
}

inline connectors::Instance channel_instance() {
  connectors::Instance channel{ConnectorId("shop"), TenantId("acme"), "http", {}};
  channel.options.values["token"] = "shop-token";
  return channel;
}

// Members are destroyed in reverse: the doors first, the loop late, what answers need last.
struct Site {
  ScratchFolder folder;
  SystemClock clock;
  journal::MemoryJournal journal{clock};
  state::MemoryStore store{state::Delivering::at_once, &journal};
  daemon::Metrics metrics;
  daemon::HttpLoop loop;
  std::unique_ptr<daemon::AgentTokens> tokens = std::move(daemon::AgentTokens::open(folder.path()).value());
  connectors::BlobStore blobs{folder.path() / "blobs"};
  connectors::Ingress ingress{journal, 0, blobs,
                              std::make_shared<const connectors::Triage>(std::vector<config::LabelRule>{}), clock};
  daemon::LiveConnectors connectors{{form_instance(), channel_instance()}};
  daemon::PrivateLinks links{std::string(32, 'k'), TenantId("acme"), "https://usher.example"};
  daemon::HttpWorkers workers;
  daemon::AgentFiles files{std::string(32, 'k'), TenantId("acme"), blobs};
  daemon::DeskGateway desk{{}, {loop, journal, store, *tokens, metrics, clock, &files}};
  std::unique_ptr<router::RouterThread> router = std::make_unique<router::RouterThread>(
      router::RouterOptions{0, RouterId("r"), 0}, router::Router::Ports{journal, store, desk, clock});
  std::string not_ready;
  daemon::HttpServices services{TenantId("acme"),
                                0,
                                "https://usher.example",
                                "admin-token",
                                "1",
                                clock,
                                journal,
                                store,
                                ingress,
                                blobs,
                                connectors,
                                router.get(),
                                *tokens,
                                &desk,
                                links,
                                metrics,
                                workers,
                                [](const std::string& path) -> Result<void> {
                                  if (path == "/full") return fail(Fault::unavailable, "the disk is full");
                                  return {};
                                },
                                []() -> Result<void> { return fail(Fault::malformed, "usher.yaml:1:1 x: wrong"); },
                                [this] { return not_ready; }};
  std::unique_ptr<daemon::HttpServer> site, ops;
  std::uint16_t port = 0, ops_port = 0;

  Site() {
    Policy policy;
    policy.tenant = TenantId("acme");
    policy.queues = {{QueueId("support"), {}, Urgency::normal, Milliseconds(0)}};
    policy.default_queue = QueueId("support");
    policy.agents = {{AgentId("ana"), "Ana", {}, {}, 5, 5}, {AgentId("ben"), "Ben", {}, {}, 5, 5}};
    services.files = &files;
    append(PolicyActivated{policy, ""});
    wait_until_routing();
    site = std::make_unique<daemon::HttpServer>(loop, daemon::public_routes(services), metrics,
                                                daemon::HttpServerOptions{"public", {}});
    ops = std::make_unique<daemon::HttpServer>(loop, daemon::ops_routes(services), metrics,
                                               daemon::HttpServerOptions{"ops", {}});
    port = site->start({"127.0.0.1", 0}).value();
    ops_port = ops->start({"127.0.0.1", 0}).value();
  }
  ~Site() {
    site.reset();
    ops.reset();
    desk.stop(Milliseconds(0));
    router->stop();
  }

  // Its own records are in the journal by then: what a test makes fail is what the test appends.
  void wait_until_routing() {
    while (router->status().phase != router::Phase::routing) {
      std::promise<void> looked;
      router->inspect([&](const engine::Engine*) { looked.set_value(); });
      looked.get_future().wait();
    }
  }
  void append(const Record& record) {
    journal.append(journal::Stream::inbound, 0, {"t", std::string(record_type(record)), encode(record)},
                   [](const Result<journal::Appended>& done) { REQUIRE(done.has_value()); });
  }
  [[nodiscard]] std::size_t messages() {
    std::size_t count = 0;
    for (const auto& stored : journal.read(journal::Stream::inbound, 0, 0, 10'000).value())
      count += stored.entry.type == "usher.message.received.v1" ? 1U : 0U;
    return count;
  }
  Answer form(const std::string& body, const std::string& headers = "") {
    return HttpClient(port).post("/v1/forms/contact", "application/x-www-form-urlencoded", body, headers);
  }
  Answer post(const std::string& key, const std::string& text, const std::string& token = "shop-token") {
    return HttpClient(port).post("/v1/channels/shop/messages", "application/json",
                                 json::serialize(json::object{{"from", {{"id", "u1"}}}, {"text", text}}),
                                 "Authorization: Bearer " + token + "\r\nIdempotency-Key: " + key + "\r\n");
  }
  Answer upload(const std::string& token, const std::string& name, const std::string& bytes) {
    return HttpClient(port).post("/v1/blobs?name=" + name, "application/pdf", bytes, "Authorization: Bearer " + token + "\r\n");
  }
  Answer operate(const std::string& method, const std::string& path, const std::string& body = "") {
    return HttpClient(ops_port).ask(method, path, "Authorization: Bearer admin-token\r\n", body);
  }
  // Signs in; then takes and returns the next offer's conversation once accepted.
  static json::object take(AgentClient& agent) {
    for (;;) {
      const auto frame = agent.next();
      if (frame.at("type") == "offer")
        agent.say(json::object{{"type", "accept"}, {"id", frame.at("offer")}, {"offer", frame.at("offer")}});
      if (frame.at("type") == "assigned") return frame.at("conversation").as_object();
    }
  }
  void sign_in(AgentClient& agent, const std::string& token) {
    agent.hello(token);
    agent.say(R"({"type":"presence","id":"in","state":"available"})");
  }
  // Reads frames up to one of this type.
  static json::object until(AgentClient& agent, std::string_view type) {
    for (;;) {
      auto frame = agent.next();
      if (std::string_view(frame.at("type").as_string()) == type) return frame;
    }
  }
};

inline json::object body_of(const Answer& answer) { return json::parse(answer.body).as_object(); }

}  // namespace usher::testing
