// What the engine says to agents: numbered frames in, JSON with a contiguous `seq` out. A number that is missing means
// a lost frame (a send is not a delivery, rule A1): the session gets a fresh welcome. On the loop's thread.
#include <boost/json/serialize.hpp>

#include <utility>

#include "daemon/desk_gateway_desk.hpp"

namespace usher::daemon {

namespace json = boost::json;

void DeskGateway::Desk::deliver(const engine::AgentFrame& frame) {
  const auto found = sessions.find(frame.session);
  if (found == sessions.end()) return;
  const auto session = found->second;
  if (session->agent != frame.agent || frame.epoch < session->epoch) return;
  if (const auto* ended = std::get_if<engine::SessionEndedFrame>(&frame.frame)) {
    // This gateway was thought dead and is not: whoever is still here signs in anew, and is told how things stand.
    if (ended->reason == "gateway_lost") return ask_for_welcome(session);
    session->ended_by_engine = true;
    return session->link->close(close_replaced, "replaced by a newer session");
  }
  const bool welcome = std::holds_alternative<engine::WelcomeFrame>(frame.frame);
  if (welcome) {
    session->next_number = frame.number + 1;
    session->epoch = frame.epoch;
    session->sequence = 0;
    session->welcomed = true;
    session->welcome_failed = false;
  } else if (session->next_number && frame.number < *session->next_number) {
    return;  // Said already: the router repeats after a takeover what it cannot know to be sent.
  } else if (session->next_number && frame.number == *session->next_number) {
    session->next_number = frame.number + 1;
  } else {
    if (session->next_number) ask_for_welcome(session);
    // Until the welcome comes only outcomes make sense: the welcome does not repeat them.
    if (!std::holds_alternative<engine::OutcomeFrame>(frame.frame)) return;
  }
  remember(*session, frame.frame);
  auto text = frame_json(frame, bodies);
  if (welcome) text["tenant"] = options.tenant.text();
  write(session, std::move(text));
}

void DeskGateway::Desk::tell_service(bool degraded) {
  for (const auto& [id, session] : sessions) {
    if (!session->agent) continue;
    json::object frame{{"type", "service"}, {"state", degraded ? "degraded" : "normal"}};
    if (degraded) frame["message"] = "nothing can be written now; what you hold stays yours";
    write(session, std::move(frame));
  }
}

// Also those that wait for a welcome: it may be the very frame that was lost.
void DeskGateway::Desk::welcome_all_anew() {
  for (const auto& [id, session] : sessions)
    if (session->agent) ask_for_welcome(session);
}

// What the agent may see from now on: for history.
void DeskGateway::Desk::remember(DeskSession& session, const engine::Frame& frame) {
  if (const auto* welcome = std::get_if<engine::WelcomeFrame>(&frame)) {
    session.offers.clear();
    session.held.clear();
    for (const auto& offer : welcome->offers) session.offers[offer.offer] = offer.conversation.id;
    for (const auto& view : welcome->conversations) session.held[view.id] = view.connector;
  } else if (const auto* offer = std::get_if<engine::OfferFrame>(&frame)) {
    session.offers[offer->offer.offer] = offer->offer.conversation.id;
  } else if (const auto* revoked = std::get_if<engine::OfferRevokedFrame>(&frame)) {
    session.offers.erase(revoked->offer);
  } else if (const auto* assigned = std::get_if<engine::AssignedFrame>(&frame)) {
    session.held[assigned->conversation.id] = assigned->conversation.connector;
  } else if (const auto* released = std::get_if<engine::ReleasedFrame>(&frame)) {
    // In wrap-up the agent still writes up what was said.
    if (!released->wrap_up_until) session.held.erase(released->conversation);
  }
}

void DeskGateway::Desk::write(const Session& session, json::object frame) {
  frame["seq"] = session->sequence++;
  session->link->send(json::serialize(frame));
}

}  // namespace usher::daemon
