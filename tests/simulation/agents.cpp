// Agents and their desk gateway: they know what frames told them, answer, forget to answer, vanish, and come back.
#include "tests/simulation/world.hpp"

namespace usher::simulation {

void World::agents_act() {
  for (auto& [id, client] : clients_) {
    if (!client.connected) {
      if (chance(calm_ ? 60 : 8)) connect(client);
      continue;
    }
    if (!client.welcomed) {
      if (chance(10)) resync(client);  // A client that hears nothing says hello again.
      continue;
    }
    if (!calm_ && chance(2)) {  // Vanishes, sometimes without a word.
      client.connected = client.welcomed = false;
      if (chance(70)) append(SessionClosed{id, client.session});
      continue;
    }
    if (client.presence != Presence::available && chance(calm_ ? 50 : 20)) command(client, SetPresence{Presence::available, ""});
    else if (!calm_ && chance(1)) command(client, SetPresence{Presence::away, "lunch"});
    if (!client.offers.empty() && client.diligent && chance(40)) {
      const auto offer = client.offers.begin()->first;
      if (calm_ || chance(80)) command(client, Accept{offer}, offer);
      else command(client, Decline{offer, "busy"});
    }
    // A tab that is behind, or a client that guesses: somebody else's offer.
    if (chance(3) && !offered_to_.empty()) {
      auto other = offered_to_.begin();
      std::advance(other, static_cast<std::ptrdiff_t>(pick(offered_to_.size())));
      command(client, Accept{other->first}, other->first);
    }
    if (!client.held.empty() && chance(30)) act_on_held(client);
    if (!client.said.empty() && chance(5)) append(client.said[pick(client.said.size())]);  // The same command again.
  }
}

void World::connect(Client& client) {
  client.session = SessionId{client.id.text() + "-" + std::to_string(pick(1'000'000))};
  client.connected = true;
  client.welcomed = false;
  append(SessionOpened{client.id, client.session, gateway_});
}

void World::resync(Client& client) {
  client.welcomed = false;
  append(SessionOpened{client.id, client.session, gateway_});
}

void World::command(Client& client, Command what, std::optional<OfferId> accepting) {
  const CommandId id{"c" + std::to_string(++client.commands)};
  if (accepting) client.accepting[id] = *accepting;
  client.said.push_back({client.id, client.session, id, std::move(what)});
  append(client.said.back());
}

void World::act_on_held(Client& client) {
  auto at = client.held.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(pick(client.held.size())));
  const auto id = at->first;
  if (client.wrapping.contains(id)) return command(client, WrappedUp{id});
  if (robot_ && robots_first_) {  // Nobody answers a machine.
    const auto robots = follower_.conversation_of(*robots_first_);
    if (robots && robots->id == id) return command(client, Close{id, "a machine"});
  }
  if (calm_) return chance(50) ? command(client, Reply{id, "at last"}) : command(client, Close{id, "done"});
  switch (pick(10)) {
    case 0: return command(client, Note{id, "note"});
    case 1: return command(client, Transfer{id, QueueId{chance(50) ? "billing" : "support"}, {}, chance(50) ? "see" : ""});
    case 2: return command(client, Transfer{id, {}, AgentId{chance(50) ? "ana" : "ben"}, ""});
    case 3: return command(client, Snooze{id, clock_.wall() + Milliseconds{60'000}});
    case 4:
    case 5: return command(client, Close{id, "done"});
    default: return command(client, Reply{id, "answer " + std::to_string(client.commands)});
  }
}

// The gateway and the client in one.
void World::send(const engine::AgentFrame& frame) {
  audit_frame(frame);
  auto& client = clients_[frame.agent];
  if (frame.gateway != gateway_) return;  // Nobody is there any more.
  if (!client.connected || client.session != frame.session) return;
  if (!calm_ && chance(1)) return;  // A send is not a delivery.
  if (std::holds_alternative<engine::WelcomeFrame>(frame.frame)) {
    if (frame.epoch < client.epoch) return;
    client.epoch = frame.epoch;
    client.welcomed = true;
    client.next_number = 0;
  }
  if (!client.welcomed || frame.epoch < client.epoch) return;
  if (frame.number != client.next_number) return resync(client);
  ++client.next_number;
  see(client, frame);
}

void World::see(Client& client, const engine::AgentFrame& frame) {
  using namespace engine;
  if (const auto* welcome = std::get_if<WelcomeFrame>(&frame.frame)) {
    client.presence = welcome->presence;
    client.offers.clear();
    client.held.clear();
    client.wrapping.clear();
    for (const auto& offer : welcome->offers) client.offers[offer.offer] = offer.conversation.id;
    for (const auto& c : welcome->conversations) {
      client.held[c.id] = 0;
      if (c.state == ConversationState::wrap_up) client.wrapping.insert(c.id);
    }
  } else if (const auto* presence = std::get_if<PresenceFrame>(&frame.frame)) {
    client.presence = presence->state;
  } else if (const auto* offer = std::get_if<OfferFrame>(&frame.frame)) {
    client.offers[offer->offer.offer] = offer->offer.conversation.id;
    offered_to_[offer->offer.offer] = client.id;
  } else if (const auto* revoked = std::get_if<OfferRevokedFrame>(&frame.frame)) {
    client.offers.erase(revoked->offer);
  } else if (const auto* assigned = std::get_if<AssignedFrame>(&frame.frame)) {
    std::erase_if(client.offers, [&](const auto& one) { return one.second == assigned->conversation.id; });
    client.held[assigned->conversation.id] = 0;
    client.wrapping.erase(assigned->conversation.id);
  } else if (const auto* message = std::get_if<MessageFrame>(&frame.frame)) {
    must(client.held.contains(message->conversation), "a message came for a conversation that the agent does not hold");
    auto& last = client.held[message->conversation];
    must(last == 0 || message->sequence == last + 1, "messages of a conversation came with a gap or out of order");
    last = message->sequence;
  } else if (const auto* released = std::get_if<ReleasedFrame>(&frame.frame)) {
    if (released->wrap_up_until) client.wrapping.insert(released->conversation);
    else client.held.erase(released->conversation), client.wrapping.erase(released->conversation);
  } else if (std::holds_alternative<SessionEndedFrame>(frame.frame)) {
    client.connected = client.welcomed = false;
  } else if (const auto* outcome = std::get_if<OutcomeFrame>(&frame.frame)) {
    const auto accepting = client.accepting.find(outcome->command);
    if (accepting == client.accepting.end() || !outcome->code.empty()) return;
    const auto whose = offered_to_.find(accepting->second);
    must(whose == offered_to_.end() || whose->second == client.id, "an agent accepted somebody else's offer");
  }
}

// The liveness phase: everybody is there and answers; all that waits must be offered, and all that is offered, taken.
void World::everybody_works() {
  for (auto& [id, client] : clients_) {
    client.diligent = true;
    // The last frame of all may have been the one that was lost: no later one shows the gap.
    if (client.connected) resync(client);
  }
}

}  // namespace usher::simulation
