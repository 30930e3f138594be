// The table of the public listener and what its handlers share; see public_routes.hpp. Handlers run on the loop's
// thread.
#include "daemon/public_routes.hpp"

#include <chrono>
#include <utility>

#include "connectors/catalog.hpp"
#include "daemon/desk_gateway.hpp"
#include "daemon/http_upgrade.hpp"
#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"
#include "routing/engine/entity_text.hpp"
#include "routing/router/router_thread.hpp"

namespace usher::daemon {

namespace {
// Parsing more than this takes long enough for others on the network thread to notice.
constexpr std::size_t small_body_bytes = 64 * 1024;
}  // namespace

RouteTable public_routes(HttpServices& services) {
  RouteTable table;
  if (services.roles.edge) {
    add_form_routes(table, services);
    add_channel_routes(table, services);
    add_webhook_routes(table, services);
  }
  add_blob_routes(table, services);
  if (services.desk != nullptr)
    table.add_upgrade(
        "/v1/agent", [&services](const Request& request) { return services.desk->check(request); },
        [&services](Upgrade upgrade) { services.desk->adopt(std::move(upgrade)); });
  return table;
}

InstancePointer find_instance(const HttpServices& services, const std::string& name, std::string_view type) {
  auto instance = services.connectors.find(name);
  if (!instance || instance->type != type) return nullptr;
  return instance;
}

connectors::Raw raw_of(Request&& request, Instant received_at) {
  connectors::Raw raw;
  raw.content_type = request.header("content-type");
  raw.headers = std::move(request.headers);
  raw.body = std::move(request.body);
  raw.remote = std::move(request.remote);
  raw.received_at = received_at;
  return raw;
}

std::string media_of(const std::string& content_type) {
  std::string out = content_type.substr(0, content_type.find(';'));
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void accept_input(HttpServices& services, InstancePointer instance, connectors::Raw raw,
                  std::optional<MessageId> thread_token, connectors::AcceptDone done) {
  const auto* connector = connectors::find_connector(instance->type);
  if (connector == nullptr) return done(fail(Fault::not_found, "There is no such connector."));
  const bool large = raw.body.size() > small_body_bytes;
  auto work = [&services, connector, instance, thread_token, held = std::move(raw), tell = done]() mutable {
    const auto began = std::chrono::steady_clock::now();
    services.ingress.accept(
        *connector, *instance, std::move(held), thread_token,
        [&services, began, told = std::move(tell), instance](Result<connectors::Accepted> accepted) {
          if (accepted && !accepted->ids.empty())
            services.metrics.append(std::chrono::steady_clock::now() - began, true);
          if (!accepted) {
            const auto fault = accepted.error().fault;
            services.metrics.refused(std::string(fault_name(fault)));
            if (status_of(fault) == 503) services.metrics.append({}, false);
          }
          told(std::move(accepted));
        });
  };
  if (!large) return work();
  if (!services.workers.take(std::move(work))) done(fail(Fault::overloaded, "Too many large inputs at once."));
}

// As the store has it: what its router last committed. Of the view only what every entity says.
Sight stored_sight(HttpServices& services, ConversationId id) {
  Sight sight;
  const auto text = services.reader.entity(services.partition, "conversation", id.text());
  if (!text) return sight;
  sight.known = true;
  if (!text->has_value()) return sight;
  engine::EntityReader entity(**text);
  engine::ConversationView view;
  view.id = id;
  view.state = entity.choice("state", engine::ConversationState::closed);
  view.connector = ConnectorId(entity.text("connector"));
  if (const auto agent = entity.text("agent"); !agent.empty()) view.agent = AgentId(agent);
  if (entity.good()) sight.view = std::move(view);
  return sight;
}

void with_conversation(HttpServices& services, ConversationId id, const Responder& respond,
                       std::function<void(const Sight&)> look) {
  if (services.router == nullptr) {
    if (!services.workers.take([&services, id, look = std::move(look)] { look(stored_sight(services, id)); }))
      respond(problem(fail(Fault::overloaded, "Too many requests at once.")));
    return;
  }
  services.router->inspect([&services, id, respond, look = std::move(look)](const engine::Engine* engine) {
    Sight sight;
    sight.known = engine != nullptr;
    if (engine != nullptr) sight.view = engine->conversation(id);
    // The router's thread only looks: reading and writing out is a worker's.
    if (!services.workers.take([look, sight] { look(sight); }))
      respond(problem(fail(Fault::overloaded, "Too many requests at once.")));
  });
}

}  // namespace usher::daemon
