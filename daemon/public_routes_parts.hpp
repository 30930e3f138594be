// What the files of the public routes share. Internal to daemon/public_routes*.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/ingress.hpp"
#include "daemon/http_routes.hpp"
#include "daemon/http_services.hpp"
#include "routing/engine/engine.hpp"

namespace usher::daemon {

using InstancePointer = std::shared_ptr<const connectors::Instance>;

void add_form_routes(RouteTable& table, HttpServices& services);
void add_channel_routes(RouteTable& table, HttpServices& services);
void add_webhook_routes(RouteTable& table, HttpServices& services);
void add_blob_routes(RouteTable& table, HttpServices& services);

// The configured connector of that name and type, or null.
[[nodiscard]] InstancePointer find_instance(const HttpServices& services, const std::string& name,
                                            std::string_view type);
[[nodiscard]] connectors::Raw raw_of(Request&& request, Instant received_at);
// The `text/plain` of "text/plain; charset=utf-8", in lower case.
[[nodiscard]] std::string media_of(const std::string& content_type);

// Hands an input to ingress, a large one from a worker thread. `done` runs once, on any thread.
void accept_input(HttpServices& services, InstancePointer instance, connectors::Raw raw,
                  std::optional<MessageId> thread_token, connectors::AcceptDone done);

// One conversation as the router knows it, then `look` on a worker thread. The view is empty when the router has no
// such conversation, `known` false when the router has nothing to show at all.
struct Sight {
  bool known = false;
  std::optional<engine::ConversationView> view;
};
void with_conversation(HttpServices& services, ConversationId id, const Responder& respond,
                       std::function<void(const Sight&)> look);

// --- Files (public_routes_blobs.cpp) ---------------------------------------------------------------------------------
// The name under which a message has this file, of any or of agents' replies alone; none: no message has it.
enum class FilesOf { anybody, agents };
[[nodiscard]] std::optional<std::string> file_name_in(const std::vector<state::Body>& bodies, const std::string& sha256, FilesOf whose);
// Always a download: whoever wrote it, the server never lets a browser show it as a page of its own.
[[nodiscard]] Response file_response(HttpServices& services, const std::string& sha256, const std::string& name);

// --- Cross-origin rules of forms (public_routes_origins.cpp) --------------------------------------------------------
// The instance lists origins, the request names one, and it is neither of them nor the installation's own.
[[nodiscard]] bool foreign_origin(const HttpServices& services, const connectors::Instance& instance,
                                  const Request& request);
// What a script of a listed origin needs to read the answer: exact origin, Vary.
void allow_origin(const connectors::Instance& instance, const std::string& origin, Response& response);
[[nodiscard]] Response preflight(const connectors::Instance& instance, const Request& request, const char* methods);
// "https://host:port" of a URL.
[[nodiscard]] std::string origin_of(std::string_view url);

// --- Private links (private_link_page.cpp) --------------------------------------------------------------------------
// `link`: the private link itself; files of replies are fetched below it.
[[nodiscard]] std::string private_json(const std::vector<state::Body>& bodies, std::string_view state, const std::string& link);
// The names of the answer form's fields. `nonce`: makes a second press of the button the same message.
struct PrivateForm {
  std::string message_field;
  std::string nonce_field;
  std::string nonce;
  std::string link;
};
[[nodiscard]] Response private_page(const std::vector<state::Body>& bodies, std::string_view state,
                                    const PrivateForm& form);

}  // namespace usher::daemon
