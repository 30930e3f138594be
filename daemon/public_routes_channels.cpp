// The generic HTTP channel: an integrator's messages in, and the replies of a channel without webhook, polled. Handlers
// run on the loop's thread; reading the outbox is a worker's.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include "connectors/catalog.hpp"
#include "daemon/problem_json.hpp"
#include "daemon/public_routes_parts.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::size_t page_default = 100;
constexpr std::size_t page_max = 500;
// Records looked at by one request: an outbox shared by many connectors must not make one poll read all of it.
constexpr std::size_t scan_max = 5'000;
constexpr std::size_t batch = 500;

template <class Number>
std::optional<Number> number_of(const std::optional<std::string>& text, Number fallback) {
  if (!text || text->empty()) return fallback;
  Number value{};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < 0) return std::nullopt;
  return value;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string{};
}

// A record of the outbound stream as the connector renders it; none when it is not for this connector or cannot be
// rendered.
std::optional<json::object> rendered(HttpServices& services, const connectors::Instance& instance,
                                     const journal::Stored& stored) {
  boost::system::error_code error;
  const auto value = json::parse(stored.entry.value, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& record = value.get_object();
  if (text_of(record, "connector") != instance.id.text()) return std::nullopt;
  const auto* attempt = record.if_contains("attempt");
  if (attempt != nullptr && attempt->is_int64() && attempt->get_int64() > 1) return std::nullopt;
  const auto reply = MessageId::parse(text_of(record, "reply"));
  const auto conversation = ConversationId::parse(text_of(record, "conversation"));
  const auto pinned = MessageId::parse(text_of(record, "in_reply_to"));
  if (!reply || !conversation || !pinned) return std::nullopt;
  connectors::Outbound outbound;
  outbound.reply = *reply;
  outbound.conversation = *conversation;
  outbound.author = text_of(record, "author_name");
  outbound.text = text_of(record, "text");
  outbound.written_at = parse_rfc3339(text_of(record, "written_at")).value_or(stored.appended_at);
  outbound.public_url = services.public_url;
  if (record.contains("attachments"))
    if (auto files = decode_reply_attachments(stored.entry.value)) outbound.attachments = std::move(*files);
  if (const auto body = services.reader.body(services.partition, *pinned); body && *body) {
    if (auto message = decode_message((*body)->json)) outbound.in_reply_to = std::move(*message);
  }
  outbound.in_reply_to.id = *pinned;
  const auto made = connectors::find_connector(instance.type)->render(instance, outbound, services.clock.wall());
  if (!made) return std::nullopt;
  const auto* kept = std::get_if<connectors::Kept>(&*made);
  if (kept == nullptr) return std::nullopt;
  auto data = json::parse(kept->json, error);
  if (error || !data.is_object()) return std::nullopt;
  json::object out{{"cursor", stored.offset + 1}};
  for (auto& member : data.get_object()) out[member.key()] = std::move(member.value());
  return out;
}

Response read_outbox(HttpServices& services, const connectors::Instance& instance, Offset after, std::size_t limit) {
  const auto bounds = services.journal.bounds(journal::Stream::outbound, services.partition);
  if (!bounds) return problem(bounds.error());
  // A cursor is the offset after the record it came with, so 0 is before everything. One that is older than what is
  // kept has missed replies: say so.
  const Offset from_start = std::max<Offset>(bounds->first, 0);
  if (after > 0 && after < from_start) return problem(410, "Replies after this cursor are no longer kept.");
  Offset next = std::max(after, from_start);
  json::array messages;
  std::size_t scanned = 0;
  while (messages.size() < limit && scanned < scan_max && next < bounds->end) {
    const auto read = services.journal.read(journal::Stream::outbound, services.partition, next, batch);
    if (!read) return problem(read.error());
    if (read->empty()) break;
    for (const auto& stored : *read) {
      if (messages.size() == limit) break;
      if (auto message = rendered(services, instance, stored)) messages.push_back(std::move(*message));
      next = stored.offset + 1;
      ++scanned;
    }
  }
  return json_response(200, json::serialize(json::object{{"messages", std::move(messages)}, {"next", next}}));
}

void post_message(HttpServices& services, Request request, const Responder& respond) {
  auto channel = find_instance(services, request.arguments.front(), "http");
  if (!channel) return respond(problem(404, "There is no such channel."));
  if (const auto media = media_of(request.header("content-type")); !media.empty() && media != "application/json")
    return respond(problem(415, "A JSON body is needed."));
  accept_input(services, channel, raw_of(std::move(request), services.clock.wall()), std::nullopt,
               [respond](const Result<connectors::Accepted>& accepted) {
                 if (!accepted) return respond(problem(accepted.error()));
                 json::object body;
                 if (!accepted->ids.empty()) body["id"] = accepted->ids.front().text();
                 respond(json_response(202, json::serialize(body)));
               });
}

void get_outbox(HttpServices& services, Request request, const Responder& respond) {
  auto channel = find_instance(services, request.arguments.front(), "http");
  if (!channel) return respond(problem(404, "There is no such channel."));
  const auto after = number_of<Offset>(request.query_value("after"), 0);
  const auto limit = number_of<std::int64_t>(request.query_value("limit"), page_default);
  const auto raw = raw_of(std::move(request), services.clock.wall());
  const auto verified = connectors::find_connector(channel->type)->verify(*channel, raw, raw.received_at);
  if (!verified) return respond(problem(verified.error()));
  if (!after || !limit || *limit < 1) return respond(problem(400, "after and limit are whole numbers."));
  if (!channel->options.text("webhook_url").empty())
    return respond(problem(409, "This channel's replies go to its webhook."));
  const auto size = std::min(static_cast<std::size_t>(*limit), page_max);
  const bool taken = services.workers.take(
      [&services, channel, respond, from = *after, size] { respond(read_outbox(services, *channel, from, size)); });
  if (!taken) respond(problem(fail(Fault::overloaded, "Too many requests at once.")));
}

// A file of a reply, for the program that got the reply: by the reply's id, which only it was told, and its own token.
void get_file(HttpServices& services, Request request, const Responder& respond) {
  auto channel = find_instance(services, request.arguments.front(), "http");
  if (!channel) return respond(problem(404, "There is no such channel."));
  const auto reply = MessageId::parse(request.arguments[1]);
  const auto sha256 = request.arguments[2];
  const auto raw = raw_of(std::move(request), services.clock.wall());
  const auto verified = connectors::find_connector(channel->type)->verify(*channel, raw, raw.received_at);
  if (!verified) return respond(problem(verified.error()));
  if (!reply || !is_sha256(sha256)) return respond(problem(404, "There is no such file."));
  const auto body = services.reader.body(services.partition, *reply);
  if (!body) return respond(problem(body.error()));
  if (!*body) return respond(problem(404, "There is no such file."));
  with_conversation(services, (*body)->conversation, respond,
                    [&services, respond, channel, sha256, reply = std::move(**body)](const Sight& sight) {
                      if (!sight.known) return respond(problem(fail(Fault::unavailable, "The router is not running.")));
                      // A reply of another channel looks exactly like none.
                      const auto name = file_name_in({reply}, sha256, FilesOf::agents);
                      if (!name || !sight.view || sight.view->connector != channel->id)
                        return respond(problem(404, "There is no such file."));
                      respond(file_response(services, sha256, *name));
                    });
}

}  // namespace

void add_channel_routes(RouteTable& table, HttpServices& services) {
  // JSON may carry files in base64, so its limit is that of any body; the connector keeps the limit of text.
  table.add(
      "POST", "/v1/channels/{connector}/messages", limits::http_body_bytes_max,
      [&services](Request request, const Responder& respond) { post_message(services, std::move(request), respond); });
  table.add("GET", "/v1/channels/{connector}/outbox", 0, [&services](Request request, const Responder& respond) {
    get_outbox(services, std::move(request), respond);
  });
  table.add("GET", "/v1/channels/{connector}/replies/{reply}/blobs/{sha256}", 0,
            [&services](Request request, const Responder& respond) { get_file(services, std::move(request), respond); });
}

}  // namespace usher::daemon
