// Agents' commands; see desk_gateway_commands.hpp. One function a type, found in a table: the list is the protocol.
#include "daemon/desk_gateway_commands.hpp"

#include <boost/json/parse.hpp>

#include "daemon/frame_json.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

using Read = std::variant<Command, FrameProblem>;

FrameProblem bad(std::string_view sentence) { return {"bad_request", sentence}; }

std::optional<std::string> short_text(const json::object& frame, std::string_view name) {
  return text_field(frame, name, limits::short_field_bytes_max);
}

// A conversation's id, or what is wrong with it.
std::variant<ConversationId, FrameProblem> conversation_of(const json::object& frame) {
  const auto text = short_text(frame, "conversation");
  if (!text || text->empty()) return bad("conversation: an id is needed");
  const auto id = ConversationId::parse(*text);
  if (!id) return FrameProblem{"unknown_conversation", code_sentence("unknown_conversation")};
  return *id;
}

template <class Make>
Read with_conversation(const json::object& frame, Make make) {
  const auto id = conversation_of(frame);
  if (const auto* problem = std::get_if<FrameProblem>(&id)) return *problem;
  return make(std::get<ConversationId>(id));
}

Read read_presence(const json::object& frame) {
  const auto state = short_text(frame, "state");
  const auto reason = short_text(frame, "reason");
  if (!state || !reason) return bad("state and reason are short texts");
  for (const auto presence : {Presence::offline, Presence::away, Presence::available})
    if (presence_name(presence) == *state) return Command{SetPresence{presence, *reason}};
  return bad("state: available, away or offline");
}

std::optional<OfferId> offer_of(const json::object& frame) {
  return OfferId::parse(short_text(frame, "offer").value_or(""));
}

Read read_accept(const json::object& frame) {
  const auto offer = offer_of(frame);
  if (!frame.contains("offer")) return bad("offer: an id is needed");
  if (!offer) return FrameProblem{"unknown_offer", code_sentence("unknown_offer")};
  return Command{Accept{*offer}};
}

Read read_decline(const json::object& frame) {
  const auto reason = short_text(frame, "reason");
  if (!reason) return bad("reason: a short text");
  const auto offer = offer_of(frame);
  if (!frame.contains("offer")) return bad("offer: an id is needed");
  if (!offer) return FrameProblem{"unknown_offer", code_sentence("unknown_offer")};
  return Command{Decline{*offer, *reason}};
}

template <class Written>
Read read_written(const json::object& frame) {
  const auto text = text_field(frame, "text", limits::agent_frame_bytes_max);
  if (!text || text->empty()) return bad("text: must not be empty");
  return with_conversation(frame, [&](ConversationId id) -> Read { return Command{Written{id, *text}}; });
}

Read read_transfer(const json::object& frame) {
  const auto note = text_field(frame, "note", limits::agent_frame_bytes_max);
  const auto* to = frame.if_contains("to");
  if (!note || to == nullptr || !to->is_object()) return bad("to: {\"queue\": ...} or {\"agent\": ...}");
  const auto queue = short_text(to->get_object(), "queue");
  const auto agent = short_text(to->get_object(), "agent");
  if (!queue || !agent || queue->empty() == agent->empty()) return bad("to: exactly one of queue and agent");
  return with_conversation(frame, [&](ConversationId id) -> Read {
    Transfer transfer{id, std::nullopt, std::nullopt, *note};
    if (!queue->empty())
      transfer.queue = QueueId(*queue);
    else
      transfer.agent = AgentId(*agent);
    return Command{std::move(transfer)};
  });
}

Read read_snooze(const json::object& frame) {
  const auto until = parse_rfc3339(short_text(frame, "until").value_or(""));
  if (!until) return bad("until: a time as RFC 3339 has it");
  return with_conversation(frame, [&](ConversationId id) -> Read { return Command{Snooze{id, *until}}; });
}

Read read_close(const json::object& frame) {
  const auto disposition = short_text(frame, "disposition");
  if (!disposition) return bad("disposition: a short text");
  return with_conversation(frame, [&](ConversationId id) -> Read { return Command{Close{id, *disposition}}; });
}

Read read_wrapped_up(const json::object& frame) {
  return with_conversation(frame, [](ConversationId id) -> Read { return Command{WrappedUp{id}}; });
}

struct Row {
  std::string_view type;
  Read (*read)(const json::object&);
};
constexpr Row rows[] = {
    {"presence", read_presence},    {"accept", read_accept},      {"decline", read_decline},
    {"reply", read_written<Reply>}, {"note", read_written<Note>}, {"transfer", read_transfer},
    {"snooze", read_snooze},        {"close", read_close},        {"wrapped_up", read_wrapped_up},
};

}  // namespace

std::optional<std::string> text_field(const json::object& frame, std::string_view name, std::size_t bytes_max) {
  const auto* found = frame.if_contains(name);
  if (found == nullptr || found->is_null()) return std::string{};
  if (!found->is_string() || found->get_string().size() > bytes_max) return std::nullopt;
  std::string text(found->get_string());
  if (text.find('\0') != std::string::npos) return std::nullopt;
  return text;
}

std::optional<json::object> read_frame(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  auto value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

Read read_command(std::string_view type, const json::object& frame) {
  for (const auto& row : rows)
    if (row.type == type) return row.read(frame);
  return FrameProblem{"unknown_type", code_sentence("unknown_type")};
}

}  // namespace usher::daemon
