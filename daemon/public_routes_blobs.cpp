// Files for agents: only through a conversation that the agent holds or is offered, only a file that one of its
// messages names, and always as a download (the server never renders what a customer sent).
#include <boost/json/array.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include "connectors/blob_store.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/frame_json.hpp"
#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::size_t messages_max = 1'000;

bool is_hash(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string{};
}

// The name under which a message of the conversation has this file; none: no message has it.
std::optional<std::string> name_of(const std::vector<state::Body>& bodies, const std::string& sha256) {
  for (const auto& body : bodies) {
    const auto message = message_json(body);
    const auto* files = message.if_contains("attachments");
    if (files == nullptr || !files->is_array()) continue;
    for (const auto& file : files->get_array())
      if (file.is_object() && text_of(file.get_object(), "sha256") == sha256) return text_of(file.get_object(), "name");
  }
  return std::nullopt;
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
  const auto name = name_of(*bodies, sha256);
  if (!name) return problem(404, "There is no such file.");
  auto bytes = services.blobs.get(services.tenant, sha256);
  if (!bytes) return problem(bytes.error());
  Response response;
  // Whatever the customer called it: a type the browser acts on would make this a page of ours.
  response.type = "application/octet-stream";
  response.body = std::move(*bytes);
  response.with("Content-Disposition", disposition(*name))
      .with("Content-Security-Policy", "default-src 'none'; sandbox")
      .with("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

void get_blob(HttpServices& services, const Request& request, const Responder& respond) {
  std::string token(request.bearer());
  // A browser's download link cannot carry a header.
  if (token.empty()) token = request.query_value("token").value_or("");
  const auto agent = token.empty() ? std::nullopt : services.tokens.who(token);
  if (!agent) return respond(problem(401, "An agent's token is needed."));
  const auto conversation = ConversationId::parse(request.arguments[0]);
  const auto sha256 = request.arguments[1];
  if (!conversation || !is_hash(sha256)) return respond(problem(404, "There is no such file."));
  with_conversation(services, *conversation, respond,
                    [&services, respond, agent = *agent, conversation = *conversation, sha256](const Sight& sight) {
                      if (!sight.known) return respond(problem(fail(Fault::unavailable, "The router is not running.")));
                      // Somebody else's conversation looks exactly like none.
                      if (!sight.view || sight.view->agent != agent)
                        return respond(problem(404, "There is no such file."));
                      respond(download(services, conversation, sha256));
                    });
}

}  // namespace

void add_blob_routes(RouteTable& table, HttpServices& services) {
  table.add("GET", "/v1/conversations/{id}/blobs/{sha256}", 0,
            [&services](const Request& request, const Responder& respond) { get_blob(services, request, respond); });
}

}  // namespace usher::daemon
