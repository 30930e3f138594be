// Webhooks of providers: what they post becomes messages by the connector that is named in the path. Each provider is answered
// in the way that makes it come again, or stop. On the loop's thread; large posts are read on a worker.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "connectors/catalog.hpp"
#include "connectors/email/email_account.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/inbound_webhook.hpp"
#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"

namespace usher::daemon {

namespace {

// None: this connector is not posted to.
std::optional<connectors::email::InboundProvider> provider_of(const InstancePointer& instance) {
  if (!instance) return std::nullopt;
  const auto account = connectors::email::account_of(*instance);
  return account ? account->posted_by : std::nullopt;
}

void post_mail(HttpServices& services, Request request, const Responder& respond) {
  const auto instance = find_instance(services, request.arguments.front(), connectors::email_connector.type);
  const auto provider = provider_of(instance);
  // Not 404: a provider may drop a mail at that, and a name that is not known yet, or no more, is the operator's to mend.
  if (!provider) return respond(problem(503, "There is no such webhook."));
  accept_input(services, instance, raw_of(std::move(request), services.clock.wall()), std::nullopt,
               [respond, provider = *provider](const Result<connectors::Accepted>& accepted) {
                 if (accepted) {
                   boost::json::object body;
                   if (!accepted->ids.empty()) body["id"] = accepted->ids.front().text();
                   return respond(json_response(200, boost::json::serialize(body)));
                 }
                 const auto& error = accepted.error();
                 respond(problem(connectors::email::refusal_status(provider, error.fault), error.detail));
               });
}

}  // namespace

void add_webhook_routes(RouteTable& table, HttpServices& services) {
  // Mailgun posts the raw mail only where the address ends in `mime`.
  for (const char* pattern : {"/v1/webhooks/{connector}", "/v1/webhooks/{connector}/mime"})
    table.add("POST", pattern, connectors::email::limits::webhook_body_bytes_max,
              [&services](Request request, const Responder& respond) { post_mail(services, std::move(request), respond); });
}

}  // namespace usher::daemon
