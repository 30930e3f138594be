// What an operator may see: status, agents, queues, conversations and why one waits. Copied on the router's thread
// between two rounds, written out on a worker's.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <limits>

#include "connectors/catalog.hpp"
#include "daemon/desk_gateway.hpp"
#include "daemon/frame_json.hpp"
#include "daemon/ops_routes_parts.hpp"
#include "routing/engine/engine.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::int64_t conversations_default = 100;
constexpr std::int64_t conversations_max = 10'000;
constexpr std::size_t messages_max = 1'000;

Response shown(const json::object& body) { return json_response(200, json::serialize(body)); }

struct Overview {
  std::string policy;
  std::string digest;
  Offset epoch = offset_none;
  Instant engine_time;
  std::vector<engine::AgentView> agents;
  std::vector<engine::QueueView> queues;
};

Overview overview_of(const engine::Engine& engine) {
  const auto hash = engine.state_hash();
  const MessageId as_text{hash.sum.high, hash.sum.low};
  return {engine.policy_hash(), std::to_string(hash.count) + '-' + as_text.text(),
          engine.epoch(),       engine.now(),
          engine.agents(),      engine.queues()};
}

json::object node_status(const HttpServices& services) {
  json::object body{{"version", services.version},
                    {"tenant", services.tenant.text()},
                    {"partition", services.partition},
                    {"node", services.node},
                    {"roles", services.roles.text()}};
  if (services.desk != nullptr) body["sessions"] = services.desk->sessions();
  return body;
}

json::object router_status(const HttpServices& services) {
  const auto status = services.router->status();
  auto body = node_status(services);
  const json::object router{
          {"phase", router::phase_name(status.phase)},
          {"reason", status.reason},
          {"applied", status.applied},
          {"committed", status.committed},
          {"lag_records", status.lag_records},
          {"records", status.records},
          {"commits", status.commits},
          {"dead_letters", status.dead_letters}};
  for (const auto& [name, value] : router) body[name] = value;
  return body;
}

Response show_status(HttpServices& services, const Overview& overview) {
  auto body = router_status(services);
  std::int64_t connected = 0, available = 0;
  for (const auto& agent : overview.agents) {
    connected += agent.connected ? 1 : 0;
    available += agent.connected && agent.presence == Presence::available ? 1 : 0;
  }
  std::uint64_t waiting = 0, offered = 0, assigned = 0;
  for (const auto& queue : overview.queues) {
    waiting += queue.waiting;
    offered += queue.offered;
    assigned += queue.assigned;
  }
  body["epoch"] = overview.epoch;
  body["policy"] = overview.policy;
  body["state_digest"] = overview.digest;
  body["engine_time"] = format_rfc3339(overview.engine_time);
  body["agents"] = overview.agents.size();
  body["agents_connected"] = connected;
  body["agents_available"] = available;
  body["waiting"] = waiting;
  body["offered"] = offered;
  body["assigned"] = assigned;
  return shown(body);
}

// Also while the router has nothing to show: an operator asks most when something is wrong.
void status(HttpServices& services, const Responder& respond) {
  if (services.router == nullptr) return respond(shown(node_status(services)));
  services.router->inspect([&services, respond](const engine::Engine* engine) {
    if (engine == nullptr) return respond(shown(router_status(services)));
    auto overview = std::make_shared<Overview>(overview_of(*engine));
    on_worker(services, respond, [&services, overview] { return show_status(services, *overview); });
  });
}

Response show_agents(const std::vector<engine::AgentView>& agents) {
  json::array list;
  for (const auto& agent : agents)
    list.push_back({{"id", agent.id.text()},
                    {"presence", presence_name(agent.presence)},
                    {"connected", agent.connected},
                    {"in_grace", agent.in_grace},
                    {"held", agent.held},
                    {"capacity_total", agent.capacity_total},
                    {"missed_offers", agent.missed_offers}});
  return shown({{"agents", std::move(list)}});
}

Response show_queues(const std::vector<engine::QueueView>& queues) {
  json::array list;
  for (const auto& queue : queues) {
    json::object row{{"id", queue.id.text()},      {"waiting", queue.waiting}, {"offered", queue.offered},
                     {"assigned", queue.assigned}, {"snoozed", queue.snoozed}, {"wrap_up", queue.wrap_up}};
    row["oldest_waiting_since"] = nullptr;
    if (queue.oldest_waiting_since) row["oldest_waiting_since"] = format_rfc3339(*queue.oldest_waiting_since);
    list.push_back(std::move(row));
  }
  return shown({{"queues", std::move(list)}});
}

void conversations(HttpServices& services, const Request& request, const Responder& respond) {
  const auto limit = query_number(request, "limit", conversations_default, conversations_max);
  if (!limit) return respond(problem(400, "limit: a whole number of at most 10000."));
  look(
      services, respond,
      [most = static_cast<std::size_t>(*limit)](const engine::Engine& engine) { return engine.conversations(most); },
      [](const std::vector<engine::ConversationView>& views) {
        json::array list;
        for (const auto& view : views) list.push_back(view_json(view));
        return shown({{"conversations", std::move(list)}});
      });
}

void conversation(HttpServices& services, const Request& request, const Responder& respond) {
  const auto id = ConversationId::parse(request.arguments.front());
  if (!id) return respond(problem(404, "There is no such conversation."));
  look(
      services, respond, [id = *id](const engine::Engine& engine) { return engine.conversation(id); },
      [&services](const std::optional<engine::ConversationView>& view) {
        if (!view) return problem(404, "There is no such conversation.");
        const auto bodies = services.reader.bodies(services.partition, view->id,
                                                   std::numeric_limits<std::uint32_t>::max(), messages_max);
        if (!bodies) return problem(bodies.error());
        return shown(conversation_json(*view, *bodies));
      });
}

void explain(HttpServices& services, const Request& request, const Responder& respond) {
  const auto id = ConversationId::parse(request.arguments.front());
  if (!id) return respond(problem(404, "There is no such conversation."));
  look(
      services, respond, [id = *id](const engine::Engine& engine) { return engine.explain(id); },
      [](const std::optional<engine::Explanation>& explanation) {
        if (!explanation) return problem(404, "There is no such conversation.");
        json::object reasons;
        for (const auto& [reason, count] : explanation->agents_by_reason) reasons[reason] = count;
        return shown({{"conversation", view_json(explanation->conversation)},
                      {"agents_by_reason", std::move(reasons)},
                      {"ahead", explanation->ahead}});
      });
}

// Never an option's value: some are secrets.
void connectors_list(HttpServices& services, const Responder& respond) {
  json::array list;
  for (const auto& instance : *services.connectors.now()) {
    const auto* connector = connectors::find_connector(instance.type);
    list.push_back({{"id", instance.id.text()},
                    {"type", instance.type},
                    {"channel", connector != nullptr ? connector->channel : ""},
                    {"about", connector != nullptr ? connector->about : ""}});
  }
  respond(shown({{"connectors", std::move(list)}}));
}

}  // namespace

void add_view_routes(RouteTable& table, HttpServices& services) {
  const auto add = [&](const char* pattern, Handler handler) {
    table.add("GET", pattern, 0, guarded(services, std::move(handler)));
  };
  add("/v1/status", [&services](const Request&, const Responder& respond) { status(services, respond); });
  add("/v1/agents", [&services](const Request&, const Responder& respond) {
    look(
        services, respond, [](const engine::Engine& engine) { return engine.agents(); }, show_agents);
  });
  add("/v1/queues", [&services](const Request&, const Responder& respond) {
    look(
        services, respond, [](const engine::Engine& engine) { return engine.queues(); }, show_queues);
  });
  add("/v1/conversations",
      [&services](const Request& request, const Responder& respond) { conversations(services, request, respond); });
  add("/v1/conversations/{id}",
      [&services](const Request& request, const Responder& respond) { conversation(services, request, respond); });
  add("/v1/explain/{id}",
      [&services](const Request& request, const Responder& respond) { explain(services, request, respond); });
  add("/v1/connectors", [&services](const Request&, const Responder& respond) { connectors_list(services, respond); });
}

}  // namespace usher::daemon
