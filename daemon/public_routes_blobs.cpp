// Files of agents and for them: an upload before the reply that names it, and a download, only through a conversation that
// the agent holds or is offered and only of a file that one of its messages names. Handlers run on the loop's thread; what
// touches the disk is a worker's.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <memory>
#include <utility>

#include "connectors/blob_store.hpp"
#include "connectors/token_bucket.hpp"
#include "daemon/agent_files.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/frame_json.hpp"
#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"
#include "daemon/upload_quota.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::size_t messages_max = 1'000;
constexpr std::size_t agents_counted_max = 10'000;

std::string text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string{};
}

// RFC 6266 and 8187: a plain name for old clients, the whole one percent-encoded.
std::string disposition(const std::string& name) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string plain, encoded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool safe =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
    plain += safe || c == ' ' ? c : '_';
    if (safe)
      encoded += c;
    else
      encoded.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  if (plain.empty()) plain = encoded = "file";
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

Response download(HttpServices& services, ConversationId conversation, const std::string& sha256) {
  const auto bodies =
      services.reader.bodies(services.partition, conversation, std::numeric_limits<std::uint32_t>::max(), messages_max);
  if (!bodies) return problem(bodies.error());
  const auto name = file_name_in(*bodies, sha256, FilesOf::anybody);
  return name ? file_response(services, sha256, *name) : problem(404, "There is no such file.");
}

void get_blob(HttpServices& services, const Request& request, const Responder& respond) {
  std::string token(request.bearer());
  // A browser's download link cannot carry a header.
  if (token.empty()) token = request.query_value("token").value_or("");
  const auto agent = token.empty() ? std::nullopt : services.tokens.who(token);
  if (!agent) return respond(problem(401, "An agent's token is needed."));
  const auto conversation = ConversationId::parse(request.arguments[0]);
  const auto sha256 = request.arguments[1];
  if (!conversation || !is_sha256(sha256)) return respond(problem(404, "There is no such file."));
  with_conversation(services, *conversation, respond,
                    [&services, respond, agent = *agent, conversation = *conversation, sha256](const Sight& sight) {
                      if (!sight.known) return respond(problem(fail(Fault::unavailable, "The router is not running.")));
                      // Somebody else's conversation looks exactly like none.
                      if (!sight.view || sight.view->agent != agent)
                        return respond(problem(404, "There is no such file."));
                      respond(download(services, conversation, sha256));
                    });
}

// What agents may upload. Lives with the routes; the loop's thread only.
struct Uploads {
  connectors::TokenBuckets rates{limits::uploads_per_minute_max, agents_counted_max};
  UploadQuota quota;
};

Response too_much(HttpServices& services, const char* said, Milliseconds wait) {
  services.metrics.refused("rate");
  auto response = problem(429, said);
  response.headers.clear();
  return std::move(response.with("Retry-After", std::to_string((wait.count() + 999) / 1000)));
}

// What an agent is about to send. It is kept for good, named or not, so one agent fills the folder only so fast.
void post_blob(HttpServices& services, Uploads& uploads, Request request, const Responder& respond) {
  const auto agent = request.bearer().empty() ? std::nullopt : services.tokens.who(std::string(request.bearer()));
  if (!agent) return respond(problem(401, "An agent's token is needed."));
  if (services.files == nullptr) return respond(problem(404, "No files are taken here."));
  const auto now = services.clock.steady();
  if (const auto wait = uploads.rates.take(agent->text(), now); wait > Milliseconds{0})
    return respond(too_much(services, "Too many files of this agent.", wait));
  if (const auto wait = uploads.quota.take(*agent, request.body.size(), services.upload_bytes_per_day_max, now); wait > Milliseconds{0})
    return respond(too_much(services, "Too many bytes of this agent in a day.", wait));
  // Hashing and syncing a large file takes a while.
  const bool taken = services.workers.take([&services, respond, agent = *agent, held = std::move(request)] {
    const auto kept = services.files->keep(agent, held.query_value("name").value_or("file"), media_of(held.header("content-type")), held.body);
    respond(kept ? json_response(201, json::serialize(*kept)) : problem(kept.error()));
  });
  if (!taken) respond(problem(fail(Fault::overloaded, "Too many requests at once.")));
}

}  // namespace

std::optional<std::string> file_name_in(const std::vector<state::Body>& bodies, const std::string& sha256, FilesOf whose) {
  for (const auto& body : bodies) {
    const auto message = message_json(body);
    if (whose == FilesOf::agents && text_of(message, "kind") != "reply") continue;
    const auto* files = message.if_contains("attachments");
    if (files == nullptr || !files->is_array()) continue;
    for (const auto& file : files->get_array())
      if (file.is_object() && text_of(file.get_object(), "sha256") == sha256) return text_of(file.get_object(), "name");
  }
  return std::nullopt;
}

Response file_response(HttpServices& services, const std::string& sha256, const std::string& name) {
  auto bytes = services.blobs.get(services.tenant, sha256);
  if (!bytes) return problem(bytes.error());
  Response response;
  // Whatever its sender called it: a type the browser acts on would make this a page of ours.
  response.type = "application/octet-stream";
  response.body = std::move(*bytes);
  response.with("Content-Disposition", disposition(name))
      .with("Content-Security-Policy", "default-src 'none'; sandbox")
      .with("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

void add_blob_routes(RouteTable& table, HttpServices& services) {
  const auto uploads = std::make_shared<Uploads>();
  table.add("POST", "/v1/blobs", limits::attachment_bytes_max, [&services, uploads](Request request, const Responder& respond) {
    post_blob(services, *uploads, std::move(request), respond);
  });
  table.add("GET", "/v1/conversations/{id}/blobs/{sha256}", 0,
            [&services](const Request& request, const Responder& respond) { get_blob(services, request, respond); });
}

}  // namespace usher::daemon
