// Customers and the edge: they send, hear nothing and send again, write to what they wrote before, and repeat old messages.
#include <algorithm>

#include "tests/simulation/world.hpp"

namespace usher::simulation {
namespace {

constexpr std::uint32_t robot_texts_max = 24;

}  // namespace

void World::customers_act() {
  if (calm_) return;
  if (robot_) robot_acts();
  if (chance(25)) {
    auto sent = std::make_unique<Sent>();
    auto& m = sent->message;
    m.id = {0xabc, next_message_++};
    m.tenant = TenantId{"acme"};
    m.connector = ConnectorId{"contact"};
    m.channel = chance(70) ? "webform" : "http";
    // Few senders, so that some of them are over the caps on mail.
    if (chance(25)) {
      m.channel = "email";
      m.connector = ConnectorId{"support-mail"};
      m.provider_message_id = std::to_string(m.id.low) + "@ex.org";
      m.from.identities = {{"email", "robot-" + std::to_string(pick(3)) + "@ex.org", false}};
    }
    m.text = "message " + std::to_string(m.id.low);
    m.received_at = clock_.wall();
    if (chance(20)) m.labels = {"bill"};
    else if (chance(15)) m.labels = {"alarm"};
    if (chance(15)) m.language = "fr";
    if (!sent_.empty() && chance(35)) m.thread.token = sent_[pick(sent_.size())]->message.id;
    if (m.thread.token && is_robots(*m.thread.token)) m.thread.token.reset();
    else if (chance(20)) m.thread.key = "key-" + std::to_string(pick(4));
    sent_.push_back(std::move(sent));
    send_message(*sent_.back());
  }
  if (sent_.empty()) return;
  // Not acknowledged: again. Acknowledged: sometimes again all the same, as providers do.
  auto& again = *sent_[pick(sent_.size())];
  if (again.acknowledged ? chance(3) : chance(30)) send_message(again);
}

bool World::is_robots(MessageId id) const {
  return robot_ && std::any_of(sent_.begin(), sent_.end(), [&](const auto& one) { return one->message.id == id && one->message.connector.text() == "robots-mail"; });
}

// It answers whenever it is told that the conversation is closed: the cap on how often mail makes one work again is for this.
// No more than the texts that are found again when the store is lost.
void World::robot_acts() {
  if (!chance(50)) return;
  const auto its = robots_first_ ? follower_.conversation_of(*robots_first_) : std::nullopt;
  if (robots_first_ && (!its || its->state != engine::ConversationState::closed)) return;
  if (++robots_sent_ > robot_texts_max) return;
  auto sent = std::make_unique<Sent>();
  auto& m = sent->message;
  m.id = {0xabc, next_message_++};
  m.tenant = TenantId{"acme"};
  m.connector = ConnectorId{"robots-mail"};
  m.channel = "email";
  m.provider_message_id = std::to_string(m.id.low) + "@robot.ex.org";
  m.from.identities = {{"email", "machine@ex.org", false}};
  m.text = "Your message was received.";
  m.received_at = clock_.wall();
  m.thread.token = robots_first_;
  if (!robots_first_) robots_first_ = m.id;
  sent_.push_back(std::move(sent));
  send_message(*sent_.back());
}

void World::send_message(Sent& sent) {
  ++sent.copies;
  append(MessageReceived{sent.message}, [&sent](bool good) { sent.acknowledged = sent.acknowledged || good; });
}

}  // namespace usher::simulation
