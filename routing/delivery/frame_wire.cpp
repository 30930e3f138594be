// Frames to JSON and back, one kind after the other; the kind is the member `kind`.
#include "routing/delivery/frame_wire.hpp"

#include <array>

#include "routing/delivery/frame_wire_views.hpp"

namespace usher::delivery {

using namespace usher::message;

namespace wire {
namespace {

// Beside those of this file, which would hide them.
using wire::read;
using wire::write;

// In the order of the alternatives of Frame, and of the enums.
constexpr std::array<std::string_view, 10> kinds{"welcome", "presence", "offer",    "offer_revoked", "assigned",
                                                 "message", "delivery", "released", "outcome",       "session_ended"};
static_assert(kinds.size() == std::variant_size_v<engine::Frame>);
constexpr std::array<std::string_view, 3> presence_names{"offline", "away", "available"};
constexpr std::array<std::string_view, 5> delivery_names{"sent", "delivered", "read", "deferred", "failed"};
constexpr std::array<std::string_view, 3> body_names{"from_customer", "reply", "note"};

template <class Enum, std::size_t Size>
void write_choice(Writer& out, std::string_view name, const std::array<std::string_view, Size>& names, Enum value) {
  out.text(name, names.at(static_cast<std::size_t>(value)));
}

template <class Enum, std::size_t Size>
void read_choice(Reader& in, std::string_view name, const std::array<std::string_view, Size>& names, Enum& value) {
  value = static_cast<Enum>(in.choice(name, names, Need::required).value_or(0));
}

template <class Items>
void write_objects(Writer& out, std::string_view name, const Items& items) {
  out.list(name, items, [&](const auto& one) {
    out.begin_object();
    write(out, one);
    out.end_object();
  });
}

template <class Item>
void write_object(Writer& out, std::string_view name, const Item& item) {
  out.key(name);
  out.begin_object();
  write(out, item);
  out.end_object();
}

void write(Writer& out, const engine::WelcomeFrame& frame) {
  write_choice(out, "presence", presence_names, frame.presence);
  write_objects(out, "offers", frame.offers);
  write_objects(out, "conversations", frame.conversations);
}
void read(Reader& in, engine::WelcomeFrame& frame) {
  read_choice(in, "presence", presence_names, frame.presence);
  in.objects("offers", Need::required, items_max, [&](Reader& one) { read(one, frame.offers.emplace_back()); });
  in.objects("conversations", Need::required, items_max,
             [&](Reader& one) { read(one, frame.conversations.emplace_back()); });
}

void write(Writer& out, const engine::PresenceFrame& frame) {
  write_choice(out, "state", presence_names, frame.state);
  out.text("reason", frame.reason);
}
void read(Reader& in, engine::PresenceFrame& frame) {
  read_choice(in, "state", presence_names, frame.state);
  in.text("reason", frame.reason, message_wire::long_text);
}

void write(Writer& out, const engine::OfferFrame& frame) { write_object(out, "offer", frame.offer); }
void read(Reader& in, engine::OfferFrame& frame) {
  in.nested("offer", Need::required, [&](Reader& offer) { read(offer, frame.offer); });
}

void write(Writer& out, const engine::OfferRevokedFrame& frame) {
  out.id("offer", frame.offer);
  out.text("reason", frame.reason);
}
void read(Reader& in, engine::OfferRevokedFrame& frame) {
  in.id("offer", frame.offer);
  in.text("reason", frame.reason, message_wire::long_text);
}

void write(Writer& out, const engine::AssignedFrame& frame) { write_object(out, "conversation", frame.conversation); }
void read(Reader& in, engine::AssignedFrame& frame) {
  in.nested("conversation", Need::required, [&](Reader& view) { read(view, frame.conversation); });
}

void write(Writer& out, const engine::MessageFrame& frame) {
  out.id("conversation", frame.conversation);
  out.id("message", frame.message);
  write_choice(out, "body", body_names, frame.kind);
  out.number("sequence", frame.sequence);
}
void read(Reader& in, engine::MessageFrame& frame) {
  in.id("conversation", frame.conversation);
  in.id("message", frame.message);
  read_choice(in, "body", body_names, frame.kind);
  std::int64_t sequence = 0;
  in.integer("sequence", sequence, 0, std::numeric_limits<std::uint32_t>::max());
  frame.sequence = static_cast<std::uint32_t>(sequence);
}

void write(Writer& out, const engine::DeliveryFrame& frame) {
  out.id("conversation", frame.conversation);
  out.id("message", frame.message);
  write_choice(out, "state", delivery_names, frame.state);
  out.text("detail", frame.detail);
}
void read(Reader& in, engine::DeliveryFrame& frame) {
  in.id("conversation", frame.conversation);
  in.id("message", frame.message);
  read_choice(in, "state", delivery_names, frame.state);
  in.text("detail", frame.detail, message_wire::long_text);
}

void write(Writer& out, const engine::ReleasedFrame& frame) {
  out.id("conversation", frame.conversation);
  out.text("reason", frame.reason);
  write_time(out, "wrap_up_until", frame.wrap_up_until);
}
void read(Reader& in, engine::ReleasedFrame& frame) {
  in.id("conversation", frame.conversation);
  in.text("reason", frame.reason, message_wire::long_text);
  in.optional_time("wrap_up_until", frame.wrap_up_until);
}

void write(Writer& out, const engine::OutcomeFrame& frame) {
  out.name("command", frame.command);
  out.text("code", frame.code);
  out.text("detail", frame.detail);
}
void read(Reader& in, engine::OutcomeFrame& frame) {
  in.name("command", frame.command, any_name);
  in.text("code", frame.code);
  in.text("detail", frame.detail, message_wire::long_text);
}

void write(Writer& out, const engine::SessionEndedFrame& frame) { out.text("reason", frame.reason); }
void read(Reader& in, engine::SessionEndedFrame& frame) { in.text("reason", frame.reason, message_wire::long_text); }

void write_kind(Writer& out, const engine::Frame& frame) {
  std::visit([&](const auto& one) { write(out, one); }, frame);
}

// Alternative `kind` of Frame.
template <std::size_t... Index>
void read_kind(Reader& in, std::size_t kind, engine::Frame& frame, std::index_sequence<Index...>) {
  ((kind == Index ? read(in, frame.emplace<Index>()) : void()), ...);
}

}  // namespace
}  // namespace wire

std::string encode(const engine::AgentFrame& frame) {
  constexpr std::size_t common = 512;
  wire::Writer out(common);
  out.begin_object();
  out.number("v", 1);
  out.name("agent", frame.agent);
  out.name("session", frame.session);
  out.name("gateway", frame.gateway);
  out.number("number", static_cast<std::int64_t>(frame.number));
  out.number("epoch", frame.epoch);
  out.text("kind", wire::kinds.at(frame.frame.index()));
  wire::write_kind(out, frame.frame);
  out.end_object();
  return out.take();
}

Result<engine::AgentFrame> decode_frame(std::string_view json) {
  message::wire::Document document;
  const auto root = document.parse(json);
  if (!root) return root.error();
  message::wire::Problem problem;
  const message::wire::Place place{};
  wire::Reader in(**root, place, problem);
  engine::AgentFrame frame;
  std::int64_t number = 0;
  in.version();
  in.name("agent", frame.agent);
  in.name("session", frame.session);
  in.name("gateway", frame.gateway);
  in.integer("number", number, 0, wire::most);
  in.integer("epoch", frame.epoch, offset_none, wire::most);
  frame.number = static_cast<std::uint64_t>(number);
  const auto kind = in.choice("kind", wire::kinds, wire::Need::required);
  if (kind) wire::read_kind(in, *kind, frame.frame, std::make_index_sequence<wire::kinds.size()>{});
  if (problem.found()) return problem.error();
  return frame;
}

}  // namespace usher::delivery
