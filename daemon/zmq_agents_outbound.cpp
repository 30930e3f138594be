// What agents are told over the ROUTER: in order, never waiting for one that does not read, and with a last word for those
// whose session is over. Part of ZmqAgentsSocket, on its thread.
#include <algorithm>
#include <array>

#include "daemon/zmq_agents_socket.hpp"

namespace usher::daemon {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// Who has no room for the last word within this time goes without, as a WebSocket does.
constexpr auto last_word_within = 2s;

delivery::Sent say(zmq::socket_t& router, const std::string& route, std::string_view frame) {
  const std::array<std::string_view, 2> parts{route, frame};
  return delivery::send_message(router, parts);
}

}  // namespace

// To one without a session: who does not listen misses it.
void ZmqAgentsSocket::answer(const std::string& route, const std::string& frame) {
  [[maybe_unused]] const auto sent = say(router_, route, frame);
}

ZmqAgentsSocket::Peer ZmqAgentsSocket::peer_of(std::uint64_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

void ZmqAgentsSocket::grant_wishes() {
  for (auto& wish : outbox_->take()) grant(std::move(wish));
  if (outbox_->held() > options_.send_bytes_max) drop_slowest();
}

// Each agent is within its own limit, and all together are too many: those go who hold most, until the rest fits.
void ZmqAgentsSocket::drop_slowest() {
  std::vector<Peer> slow;
  for (const auto& [number, peer] : by_number_)
    if (!peer->queue.empty()) slow.push_back(peer);
  const auto bytes = [](const Peer& peer) { return peer->session->backlog().bytes.load(); };
  std::sort(slow.begin(), slow.end(), [&](const Peer& one, const Peer& other) { return bytes(one) > bytes(other); });
  for (const auto& peer : slow) {
    if (outbox_->held() <= options_.send_bytes_max) return;
    begin_closing(peer, session_closed_frame(close_too_slow, "too slow, and there is no room left to wait"), close_too_slow);
  }
}

void ZmqAgentsSocket::drop_queue(ZmqPeer& peer) {
  for (const auto& frame : peer.queue) outbox_->release(frame.size());
  peer.queue.clear();
}

void ZmqAgentsSocket::grant(ZmqWish wish) {
  const auto peer = peer_of(wish.peer);
  const bool said = wish.kind == ZmqWish::Kind::say;
  if (said && (!peer || !peer->last_frame.empty())) return outbox_->release(wish.text.size());
  if (!peer) return;
  switch (wish.kind) {
    case ZmqWish::Kind::forget:
      forget(peer, close_vanished);
      return take_for_stranger(peer->descriptor);
    case ZmqWish::Kind::close:
      return begin_closing(peer, std::move(wish.text), wish.code);
    case ZmqWish::Kind::say:
      peer->queue.push_back(std::move(wish.text));
      if (!blocked_.contains(peer->number)) flush(peer);
  }
}

void ZmqAgentsSocket::begin_closing(const Peer& peer, std::string frame, int code) {
  if (!peer->last_frame.empty()) return;
  drop_queue(*peer);
  peer->last_frame = std::move(frame);
  peer->last_code = code;
  peer->give_up_at = steady_clock::now() + last_word_within;
  flush(peer);
}

void ZmqAgentsSocket::flush(const Peer& peer) {
  const bool closing = !peer->last_frame.empty();
  auto sent = delivery::Sent::yes;
  while (!closing && !peer->queue.empty()) {
    auto& frame = peer->queue.front();
    sent = say(router_, peer->route, frame);
    if (sent != delivery::Sent::yes) break;
    auto& backlog = peer->session->backlog();
    --backlog.frames;
    backlog.bytes -= frame.size();
    outbox_->release(frame.size());
    peer->queue.pop_front();
  }
  if (closing) sent = say(router_, peer->route, peer->last_frame);
  if (sent == delivery::Sent::no_peer) return forget(peer, closing ? peer->last_code : close_vanished);
  if (sent == delivery::Sent::no_room) {
    blocked_.insert(peer->number);
    return;
  }
  blocked_.erase(peer->number);
  if (!closing) return;
  forget(peer, peer->last_code);
  // It goes on without a session, until its library notices or a newer one needs the place.
  take_for_stranger(peer->descriptor);
}

void ZmqAgentsSocket::flush_blocked() {
  for (const auto number : std::set(blocked_))
    if (const auto peer = peer_of(number)) flush(peer);
}

void ZmqAgentsSocket::forget(const Peer& peer, int code) {
  const auto kept = peer;
  by_number_.erase(kept->number);
  if (const auto at = by_route_.find(kept->route); at != by_route_.end() && at->second == kept) by_route_.erase(at);
  if (const auto at = by_descriptor_.find(kept->descriptor); at != by_descriptor_.end() && at->second == kept)
    by_descriptor_.erase(at);
  blocked_.erase(kept->number);
  drop_queue(*kept);
  session_count_ = by_number_.size();
  news_.push_back({ZmqNews::Kind::ended, kept->session, {}, code});
}

}  // namespace usher::daemon
