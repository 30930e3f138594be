// Frames of every kind with awkward texts and extreme numbers; see random_frames.hpp.
#include "tests/delivery/random_frames.hpp"

#include <algorithm>

namespace usher::testing {

engine::Candidate RandomFrames::candidate() { return {AgentId(values_.name()), number(), number(), number()}; }

engine::Why RandomFrames::why() {
  engine::Why out{values_.text(8), number(), number(), values_.chance(), candidate(), {}, {}};
  for (auto left = values_.below(6); left > 0; --left) out.runners_up.push_back(candidate());
  for (auto left = values_.below(4); left > 0; --left) out.excluded[values_.name()] = number();
  return out;
}

engine::ConversationView RandomFrames::view() {
  engine::ConversationView out;
  out.id = id<ConversationId>();
  out.connector = ConnectorId(values_.text(5));
  out.channel = values_.text(5);
  out.queue = QueueId(values_.text(5));
  out.urgency = static_cast<Urgency>(values_.below(4));
  for (auto left = values_.below(4); left > 0; --left)
    out.requirements.push_back({SkillId(values_.name()), static_cast<int>(values_.below(6))});
  out.state = static_cast<engine::ConversationState>(values_.below(6));
  if (values_.chance()) out.agent = AgentId(values_.name());
  if (values_.chance()) out.offer = id<OfferId>();
  out.opened_at = values_.instant();
  out.waiting_since = values_.instant();
  if (values_.chance()) out.answer_due = values_.instant();
  if (values_.chance()) out.state_until = values_.instant();
  out.messages = static_cast<std::uint32_t>(values_.below(4'294'967'296));
  out.last_from_customer = id<MessageId>();
  out.flood = static_cast<engine::Flood>(values_.below(3));
  return out;
}

engine::OfferView RandomFrames::offer() { return {id<OfferId>(), duration(), view(), why()}; }

engine::WelcomeFrame RandomFrames::welcome() {
  engine::WelcomeFrame out;
  out.presence = static_cast<Presence>(values_.below(3));
  for (auto left = values_.below(4); left > 0; --left) out.offers.push_back(offer());
  for (auto left = values_.below(4); left > 0; --left) out.conversations.push_back(view());
  return out;
}

engine::AgentFrame RandomFrames::frame() { return frame(values_.below(std::variant_size_v<engine::Frame>)); }

engine::AgentFrame RandomFrames::frame(std::size_t kind) {
  engine::AgentFrame out;
  out.agent = AgentId(values_.name());
  out.session = SessionId(values_.name());
  out.gateway = GatewayId(values_.name());
  out.number = values_.below(std::uint64_t{1} << 63U);
  out.epoch = static_cast<Offset>(values_.below(std::uint64_t{1} << 63U)) - 1;
  const auto conversation = id<ConversationId>();
  const auto message = id<MessageId>();
  const auto text = values_.text(20);
  std::optional<Instant> until;
  if (values_.chance()) until = values_.instant();
  switch (kind) {
    case 0: out.frame = welcome(); break;
    case 1: out.frame = engine::PresenceFrame{static_cast<Presence>(values_.below(3)), text}; break;
    case 2: out.frame = engine::OfferFrame{offer()}; break;
    case 3: out.frame = engine::OfferRevokedFrame{id<OfferId>(), text}; break;
    case 4: out.frame = engine::AssignedFrame{view()}; break;
    case 5:
      out.frame = engine::MessageFrame{conversation, message, static_cast<engine::BodyKind>(values_.below(3)),
                                       static_cast<std::uint32_t>(values_.below(4'294'967'296))};
      break;
    case 6:
      out.frame = engine::DeliveryFrame{conversation, message, static_cast<DeliveryState>(values_.below(5)), text};
      break;
    case 7: out.frame = engine::ReleasedFrame{conversation, text, until}; break;
    case 8: out.frame = engine::OutcomeFrame{CommandId(values_.name()), values_.text(4), text}; break;
    default: out.frame = engine::SessionEndedFrame{text};
  }
  return out;
}

namespace {

bool same(const engine::Candidate& one, const engine::Candidate& other) {
  const auto& [agent, load, proficiency, idle] = one;
  return agent == other.agent && load == other.load_permille && proficiency == other.proficiency && idle == other.idle_ms;
}

// Found by all_same() only when declared before it: frames live in another namespace.
bool same(const engine::ConversationView& one, const engine::ConversationView& other);
bool same(const engine::OfferView& one, const engine::OfferView& other);

template <class Item>
bool all_same(const std::vector<Item>& one, const std::vector<Item>& other) {
  return std::ranges::equal(one, other, [](const Item& left, const Item& right) { return same(left, right); });
}

bool same(const engine::Why& one, const engine::Why& other) {
  const auto& [policy, waited, order, preferred, winner, runners_up, excluded] = one;
  return policy == other.policy && waited == other.waited_ms && order == other.order_key &&
         preferred == other.preferred && same(winner, other.winner) && all_same(runners_up, other.runners_up) &&
         excluded == other.excluded;
}

bool same(const engine::ConversationView& one, const engine::ConversationView& other) {
  const auto& [id, connector, channel, queue, urgency, requirements, state, agent, offer, opened, waiting, due, until,
               messages, last, flood] = one;
  return id == other.id && connector == other.connector && channel == other.channel && queue == other.queue &&
         urgency == other.urgency && requirements == other.requirements && state == other.state &&
         agent == other.agent && offer == other.offer && opened == other.opened_at && waiting == other.waiting_since &&
         due == other.answer_due && until == other.state_until && messages == other.messages &&
         last == other.last_from_customer && flood == other.flood;
}

bool same(const engine::OfferView& one, const engine::OfferView& other) {
  const auto& [offer, expires_in, conversation, why] = one;
  return offer == other.offer && expires_in == other.expires_in && same(conversation, other.conversation) &&
         same(why, other.why);
}

bool same(const engine::WelcomeFrame& one, const engine::WelcomeFrame& other) {
  const auto& [presence, offers, conversations] = one;
  return presence == other.presence && all_same(offers, other.offers) &&
         all_same(conversations, other.conversations);
}
bool same(const engine::PresenceFrame& one, const engine::PresenceFrame& other) {
  const auto& [state, reason] = one;
  return state == other.state && reason == other.reason;
}
bool same(const engine::OfferFrame& one, const engine::OfferFrame& other) {
  const auto& [offer] = one;
  return same(offer, other.offer);
}
bool same(const engine::OfferRevokedFrame& one, const engine::OfferRevokedFrame& other) {
  const auto& [offer, reason] = one;
  return offer == other.offer && reason == other.reason;
}
bool same(const engine::AssignedFrame& one, const engine::AssignedFrame& other) {
  const auto& [conversation] = one;
  return same(conversation, other.conversation);
}
bool same(const engine::MessageFrame& one, const engine::MessageFrame& other) {
  const auto& [conversation, message, kind, sequence] = one;
  return conversation == other.conversation && message == other.message && kind == other.kind &&
         sequence == other.sequence;
}
bool same(const engine::DeliveryFrame& one, const engine::DeliveryFrame& other) {
  const auto& [conversation, message, state, detail] = one;
  return conversation == other.conversation && message == other.message && state == other.state &&
         detail == other.detail;
}
bool same(const engine::ReleasedFrame& one, const engine::ReleasedFrame& other) {
  const auto& [conversation, reason, until] = one;
  return conversation == other.conversation && reason == other.reason && until == other.wrap_up_until;
}
bool same(const engine::OutcomeFrame& one, const engine::OutcomeFrame& other) {
  const auto& [command, code, detail] = one;
  return command == other.command && code == other.code && detail == other.detail;
}
bool same(const engine::SessionEndedFrame& one, const engine::SessionEndedFrame& other) {
  const auto& [reason] = one;
  return reason == other.reason;
}

}  // namespace

bool same(const engine::AgentFrame& one, const engine::AgentFrame& other) {
  const auto& [agent, session, gateway, number, frame, epoch] = one;
  return agent == other.agent && session == other.session && gateway == other.gateway && number == other.number &&
         epoch == other.epoch && frame.index() == other.frame.index() &&
         std::visit([&]<class Kind>(const Kind& kind) { return same(kind, std::get<Kind>(other.frame)); }, frame);
}

}  // namespace usher::testing
