// Health, readiness, metrics, and the operator's actions; see ops_routes.hpp. Actions run on a worker: they wait for
// the disk or the router.
#include "daemon/ops_routes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>

#include "connectors/signature.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/connector_try.hpp"
#include "daemon/logging.hpp"
#include "daemon/ops_routes_parts.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::size_t action_body_max = 16 * 1024;
constexpr auto action_within = std::chrono::minutes(30);

// A process that answers this is alive; whether it may have traffic is readyz's to say.
void healthz(const Request&, const Responder& respond) { respond(json_response(200, R"({"status":"ok"})")); }

// "" when the router does what it is there for: to route, or to stand by while another does.
std::string router_trouble(const router::RouterStatus& status) {
  if (status.phase == router::Phase::routing || status.phase == router::Phase::standby) return "";
  return "router " + std::string(router::phase_name(status.phase)) + (status.reason.empty() ? "" : ": " + status.reason);
}

json::array show_mailboxes(const std::vector<MailboxFigures>& mailboxes) {
  json::array out;
  for (const auto& one : mailboxes)
    out.push_back(json::object{{"connector", one.connector},
                               {"read_here", one.here},
                               {"connected", one.status.connected},
                               {"trouble", one.status.trouble},
                               {"mark_trouble", one.status.mark_trouble},
                               {"taken", one.status.taken},
                               {"passed_over", one.status.passed_over},
                               {"last_passed_over", one.status.last_passed_over},
                               {"last_poll", one.status.last_poll ? json::value(format_rfc3339(*one.status.last_poll)) : json::value()}});
  return out;
}

void readyz(HttpServices& services, const Request& request, const Responder& respond) {
  const auto status = services.router != nullptr ? services.router->status() : router::RouterStatus{};
  std::string reason = services.not_ready ? services.not_ready() : "";
  if (reason.empty() && services.router != nullptr) reason = router_trouble(status);
  json::object body{{"status", reason.empty() ? "ready" : "not ready"}};
  if (!reason.empty()) body["reason"] = reason;
  // Rule J3: weaker is not wrong, but nobody shall find it out by losing something.
  if (const auto weaknesses = services.weaknesses(); !weaknesses.empty())
    body["weaknesses"] = json::array(weaknesses.begin(), weaknesses.end());
  if (request.query == "verbose" || request.query_value("verbose")) {
    body["roles"] = services.roles.text();
    if (services.router != nullptr)
      body["router"] = json::object{{"phase", router::phase_name(status.phase)},
                                    {"applied", status.applied},
                                    {"committed", status.committed},
                                    {"lag_records", status.lag_records}};
    const auto journal = services.journal_trouble();
    body["journal"] = json::object{{"answers", journal.empty()}, {"trouble", journal}};
    // A receiver that is down does not make a node unready: its replies wait, and others' go out.
    if (const auto egress = services.egress())
      body["egress"] = json::object{{"sends_here", egress->here},
                                    {"pending", egress->status.pending},
                                    {"trouble", egress->status.trouble},
                                    {"last_error", egress->status.last_error},
                                    {"mail_trouble", egress->status.mail_trouble},
                                    {"copies_trouble", egress->status.copies.trouble}};
    if (const auto mailboxes = services.mailboxes(); !mailboxes.empty()) body["mailboxes"] = show_mailboxes(mailboxes);
    body["durability"] = services.durability;
  }
  respond(json_response(reason.empty() ? 200 : 503, json::serialize(body)));
}

void metrics(HttpServices& services, const Responder& respond) {
  const auto show = [&services, respond](const engine::Engine* engine) {
    Response response;
    response.type = "text/plain; version=0.0.4; charset=utf-8";
    const auto status = services.router != nullptr ? std::optional(services.router->status()) : std::nullopt;
    if (const auto snapshots = services.snapshots()) services.metrics.snapshots(*snapshots);
    if (const auto egress = services.egress()) services.metrics.egress(egress->here, egress->status);
    services.metrics.mailboxes(services.mailboxes());
    if (const auto programs = services.programs()) services.metrics.programs(*programs);
    services.metrics.process(services.journal_trouble().empty(), log_lines_dropped());
    response.body = services.metrics.text(status, engine, services.clock.wall());
    respond(std::move(response));
  };
  if (services.router == nullptr) return show(nullptr);
  services.router->inspect(show);
}

void create_token(HttpServices& services, const Request& request, const Responder& respond) {
  const AgentId agent(request.arguments.front());
  const auto make = [&services, agent](bool known) {
    if (!known) return problem(404, "There is no such agent.");
    const auto token = services.tokens.create(agent);
    if (!token) return problem(token.error());
    return json_response(201, json::serialize(json::object{{"agent", agent.text()}, {"token", *token}}));
  };
  if (services.router == nullptr)
    return on_worker(services, respond, [&services, agent, make] { return make(services.knows_agent(agent)); });
  look(
      services, respond,
      [agent](const engine::Engine& engine) {
        for (const auto& known : engine.agents())
          if (known.id == agent) return true;
        return false;
      },
      make);
}

void revoke_tokens(HttpServices& services, const Request& request, const Responder& respond) {
  const AgentId agent(request.arguments.front());
  on_worker(services, respond, [&services, agent] {
    const auto revoked = services.tokens.revoke(agent);
    if (!revoked) return problem(revoked.error());
    return json_response(200, json::serialize(json::object{{"agent", agent.text()}, {"revoked", *revoked}}));
  });
}

void backup(HttpServices& services, const Request& request, const Responder& respond) {
  boost::system::error_code error;
  const auto body = json::parse(request.body, error);
  const auto* path = !error && body.is_object() ? body.get_object().if_contains("path") : nullptr;
  if (path == nullptr || !path->is_string() || path->get_string().empty())
    return respond(problem(400, "path: where the backup goes, on the daemon's machine."));
  on_worker(services, respond, [&services, to = std::string(path->get_string())] {
    const auto done = services.backup(to);
    if (!done) return problem(done.error());
    return json_response(200, json::serialize(json::object{{"path", to}}));
  });
}

void reload(HttpServices& services, const Responder& respond) {
  on_worker(services, respond, [&services] {
    const auto done = services.reload();
    if (!done) return problem(done.error());
    return json_response(200, R"({"reloaded":true})");
  });
}

// What the daemon meets by itself counts too: marks that a server refuses are not seen by a look.
void add_present_trouble(const std::vector<MailboxFigures>& mailboxes, const std::string& name, Tried& tried) {
  for (const auto& one : mailboxes) {
    if (one.connector != name || !one.here || !tried.good) continue;
    for (const auto* trouble : {&one.status.trouble, &one.status.mark_trouble}) {
      if (trouble->empty()) continue;
      tried.good = false;
      tried.detail = "the mailbox's reader met trouble the last time: " + *trouble + "; now: " + tried.detail;
    }
  }
}

// With the settings in force here, from this machine.
void try_one(HttpServices& services, const Request& request, const Responder& respond) {
  const std::string name = request.arguments.front();
  const auto instance = services.connectors.find(name);
  if (!instance) return respond(problem(404, "The daemon serves no connector of that name."));
  const auto answer = [&services, respond, name](Tried tried) {
    add_present_trouble(services.mailboxes(), name, tried);
    respond(json_response(200, json::serialize(json::object{{"connector", name}, {"ok", tried.good}, {"detail", tried.detail}})));
  };
  const Result<void> taken = services.tries == nullptr ? Result<void>(fail(Fault::overloaded, "none is tried here")) : services.tries->take(instance, answer);
  if (!taken && taken.error().fault == Fault::overloaded) return respond(problem(429, "Another connector is being tried; ask again in a minute."));
  if (!taken) respond(problem(taken.error()));
}

}  // namespace

std::optional<std::int64_t> query_number(const Request& request, std::string_view name, std::int64_t fallback,
                                         std::int64_t most) {
  const auto text = request.query_value(name);
  if (!text) return fallback;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < 0 || value > most) return std::nullopt;
  return value;
}

Handler guarded(HttpServices& services, Handler handler) {
  return [&services, handler = std::move(handler)](Request request, Responder respond) {
    const auto token = request.bearer();
    // An empty token would open the door to everybody who sends none.
    if (services.admin_token.empty() || !connectors::equal_secrets(token, services.admin_token))
      return respond(problem(401, "The admin token is needed."));
    handler(std::move(request), std::move(respond));
  };
}

Response no_router() { return problem(503, "This node has no router; ask one that has."); }

void on_worker(HttpServices& services, const Responder& respond, std::function<Response()> work) {
  if (!services.workers.take([respond, work = std::move(work)] { respond(work()); }))
    respond(problem(message::fail(Fault::overloaded, "Too many requests at once.")));
}

void add_action_routes(RouteTable& table, HttpServices& services) {
  const auto add = [&](const char* method, const char* pattern, Handler handler) {
    table.add(method, pattern, action_body_max, guarded(services, std::move(handler)), action_within);
  };
  add("POST", "/v1/agents/{agent}/tokens",
      [&services](const Request& request, const Responder& respond) { create_token(services, request, respond); });
  add("DELETE", "/v1/agents/{agent}/tokens",
      [&services](const Request& request, const Responder& respond) { revoke_tokens(services, request, respond); });
  add("POST", "/v1/backup",
      [&services](const Request& request, const Responder& respond) { backup(services, request, respond); });
  add("POST", "/v1/connectors/{name}/test",
      [&services](const Request& request, const Responder& respond) { try_one(services, request, respond); });
  add("POST", "/v1/reload", [&services](const Request&, const Responder& respond) { reload(services, respond); });
}

RouteTable ops_routes(HttpServices& services) {
  RouteTable table;
  table.add("GET", "/healthz", 0, healthz);
  table.add("GET", "/readyz", 0,
            [&services](const Request& request, const Responder& respond) { readyz(services, request, respond); });
  table.add("GET", "/metrics", 0,
            [&services](const Request&, const Responder& respond) { metrics(services, respond); });
  add_view_routes(table, services);
  add_dead_letter_routes(table, services);
  add_action_routes(table, services);
  return table;
}

}  // namespace usher::daemon
