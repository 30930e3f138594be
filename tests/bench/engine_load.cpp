// See engine_load.hpp.
#include "tests/bench/engine_load.hpp"

#include "tests/bench/samples.hpp"

namespace usher::bench {

EngineLoad::EngineLoad(const Centre& centre) : centre_(centre) {
  apply(Claimed{offset_none, RouterId{"bench"}, engine::engine_version});
  apply(PolicyActivated{centre.policy(), ""});
}

void EngineLoad::apply(Record record) {
  now_ += Milliseconds{1};
  const Arrival arrival{0, ++offset_, now_, std::move(record)};
  const auto step = engine_.apply(arrival);
  for (const auto& frame : step.frames)
    if (const auto* offer = std::get_if<engine::OfferFrame>(&frame.frame)) offered(frame.agent, offer->offer);
}

void EngineLoad::offered(const AgentId& agent, const engine::OfferView& offer) {
  const auto number = Centre::number_of(offer.conversation.last_from_customer);
  if (number >= assigned_.size() || assigned_[number]) give_up("a message was offered twice, or is none of ours");
  if (!centre_.serves(agent, number)) give_up("an offer went to an agent without the skill");
  assigned_[number] = true;
  ++offers_;
  to_accept_.push_back({{agent, offer.conversation.id}, offer.offer});
}

void EngineLoad::accept_offers() {
  while (!to_accept_.empty()) {
    const auto [work, offer] = to_accept_.front();
    to_accept_.pop_front();
    apply(CommandIssued{work.agent, SessionId{work.agent.text()}, CommandId{"c" + std::to_string(++commands_)}, Accept{offer}});
    at_work_.push_back(work);
  }
}

void EngineLoad::write(std::size_t messages) {
  assigned_.resize(written_ + messages);
  for (std::size_t i = 0; i < messages; ++i) apply(MessageReceived{centre_.message(written_++)});
}

void EngineLoad::sign_in() {
  for (const auto& agent : centre_.policy().agents) {
    apply(SessionOpened{agent.id, SessionId{agent.id.text()}, GatewayId{"desk"}});
    apply(CommandIssued{agent.id, SessionId{agent.id.text()}, CommandId{"c" + std::to_string(++commands_)},
                        SetPresence{Presence::available, {}}});
    accept_offers();
  }
}

void EngineLoad::turn() {
  write(1);
  if (!at_work_.empty()) {
    const auto work = at_work_.front();
    at_work_.pop_front();
    apply(CommandIssued{work.agent, SessionId{work.agent.text()}, CommandId{"c" + std::to_string(++commands_)},
                        Close{work.conversation, "done"}});
  }
  accept_offers();
}

std::uint64_t EngineLoad::waiting() const {
  std::uint64_t waiting = 0;
  for (const auto& queue : engine_.queues()) waiting += queue.waiting;
  return waiting;
}

void EngineLoad::check() const {
  if (const auto broken = engine_.broken_rule()) give_up("the engine broke a rule: " + *broken);
  std::uint64_t assigned = 0;
  for (const bool one : assigned_) assigned += one ? 1 : 0;
  if (assigned != offers_ || assigned + waiting() != written_) give_up("a message is neither waiting nor was it offered");
}

}  // namespace usher::bench
