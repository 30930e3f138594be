// JSON of the engine's frames; see frame_json.hpp. Pure but for reading bodies.
#include "daemon/frame_json.hpp"

#include <limits>
#include <utility>

#include "routing/message/limits.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

constexpr std::pair<std::string_view, std::string_view> codes[] = {
    {"bad_request", "The frame is not what this type needs."},
    {"unknown_type", "There is no such type of frame."},
    {"hello_required", "Say hello first."},
    {"unauthorised", "The token is not valid."},
    {"wrong_tenant", "This daemon serves another tenant."},
    {"too_large", "The frame or a field is too large."},
    {"not_assigned", "The conversation is not yours."},
    {"unknown_offer", "There is no such offer."},
    {"stale_offer", "The offer is no longer open."},
    {"capacity_full", "There is no room for another conversation."},
    {"unknown_conversation", "There is no such conversation."},
    {"unknown_queue", "There is no such queue."},
    {"unknown_agent", "There is no such agent."},
    {"unknown_file", "There is no such file of yours; upload it first."},
    {"no_files", "This channel carries no files."},
    {"wrong_state", "The conversation's state does not allow this."},
    {"degraded", "Nothing can be written now; send the command again with the same id."},
    {"rate_limited", "Too many commands; slow down."},
};

json::object offer_json(const engine::OfferView& offer, const Bodies& bodies) {
  json::object out;
  out["offer"] = offer.offer.text();
  out["expires_in_ms"] = offer.expires_in.count();
  const auto read = bodies.newest(offer.conversation.id, std::numeric_limits<std::uint32_t>::max());
  out["conversation"] = conversation_json(offer.conversation, read.value_or(std::vector<state::Body>{}));
  out["why"] = why_json(offer.why);
  return out;
}

json::object full_json(const engine::ConversationView& view, const Bodies& bodies) {
  const auto read = bodies.newest(view.id, std::numeric_limits<std::uint32_t>::max());
  auto out = conversation_json(view, read.value_or(std::vector<state::Body>{}));
  // The client can ask for the history once the store answers again.
  if (!read) out["unavailable"] = true;
  return out;
}

struct Writer {
  const engine::AgentFrame& all;
  const Bodies& bodies;

  json::object operator()(const engine::WelcomeFrame& frame) const {
    json::array offers;
    for (const auto& offer : frame.offers) offers.push_back(offer_json(offer, bodies));
    json::array conversations;
    for (const auto& view : frame.conversations) conversations.push_back(full_json(view, bodies));
    return {{"type", "welcome"},
            {"v", 1},
            {"agent", all.agent.text()},
            {"session", all.session.text()},
            {"presence", presence_name(frame.presence)},
            {"offers", std::move(offers)},
            {"conversations", std::move(conversations)}};
  }
  json::object operator()(const engine::PresenceFrame& frame) const {
    return {{"type", "presence"}, {"state", presence_name(frame.state)}, {"reason", frame.reason}};
  }
  json::object operator()(const engine::OfferFrame& frame) const {
    json::object out{{"type", "offer"}};
    auto offer = offer_json(frame.offer, bodies);
    for (auto& member : offer) out[member.key()] = std::move(member.value());
    return out;
  }
  json::object operator()(const engine::OfferRevokedFrame& frame) const {
    return {{"type", "offer_revoked"}, {"offer", frame.offer.text()}, {"reason", frame.reason}};
  }
  json::object operator()(const engine::AssignedFrame& frame) const {
    return {{"type", "assigned"}, {"conversation", full_json(frame.conversation, bodies)}};
  }
  json::object operator()(const engine::MessageFrame& frame) const {
    json::object message;
    if (const auto body = bodies.one(frame.message)) {
      message = message_json(*body);
    } else {
      message = {{"id", frame.message.text()},
                 {"sequence", frame.sequence},
                 {"kind", body_kind_name(frame.kind)},
                 {"text", ""},
                 {"unavailable", true}};
    }
    return {{"type", "message"}, {"conversation", frame.conversation.text()}, {"message", std::move(message)}};
  }
  json::object operator()(const engine::DeliveryFrame& frame) const {
    return {{"type", "delivery"},
            {"conversation", frame.conversation.text()},
            {"message", frame.message.text()},
            {"state", delivery_name(frame.state)},
            {"detail", frame.detail}};
  }
  json::object operator()(const engine::ReleasedFrame& frame) const {
    json::object out{{"type", "closed"}, {"conversation", frame.conversation.text()}, {"reason", frame.reason}};
    if (frame.wrap_up_until) out["wrap_up_until"] = format_rfc3339(*frame.wrap_up_until);
    return out;
  }
  json::object operator()(const engine::OutcomeFrame& frame) const {
    if (frame.code.empty()) return ok_json(frame.command);
    return error_json(frame.command.text(), frame.code,
                      frame.detail.empty() ? code_sentence(frame.code) : frame.detail);
  }
  json::object operator()(const engine::SessionEndedFrame&) const { return {}; }
};

}  // namespace

std::string_view presence_name(Presence presence) {
  switch (presence) {
    case Presence::offline:
      return "offline";
    case Presence::away:
      return "away";
    case Presence::available:
      return "available";
  }
  return "offline";
}

std::string_view delivery_name(DeliveryState state) {
  switch (state) {
    case DeliveryState::sent:
      return "sent";
    case DeliveryState::delivered:
      return "delivered";
    case DeliveryState::read:
      return "read";
    case DeliveryState::deferred:
      return "deferred";
    case DeliveryState::failed:
      return "failed";
  }
  return "failed";
}

std::optional<std::vector<state::Body>> Bodies::newest(ConversationId conversation, std::uint32_t before) const {
  auto read = reader_.bodies(partition_, conversation, before, limits::welcome_messages_max);
  if (!read) return std::nullopt;
  return std::move(*read);
}

std::optional<state::Body> Bodies::one(MessageId id) const {
  auto read = reader_.body(partition_, id);
  if (!read || !*read) return std::nullopt;
  return std::move(**read);
}

json::object frame_json(const engine::AgentFrame& frame, const Bodies& bodies) {
  return std::visit(Writer{frame, bodies}, frame.frame);
}

json::object ok_json(const CommandId& id) { return {{"type", "ok"}, {"id", id.text()}}; }

json::object error_json(const std::string& id, std::string_view code, std::string_view message) {
  json::object out{{"type", "error"}};
  if (!id.empty()) out["id"] = id;
  out["code"] = code;
  out["message"] = message;
  return out;
}

std::string_view code_sentence(std::string_view code) {
  for (const auto& [name, sentence] : codes)
    if (name == code) return sentence;
  return {};
}

}  // namespace usher::daemon
