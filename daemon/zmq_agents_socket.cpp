// The agents' ROUTER: its loop, what comes in and who is gone; what goes out is in zmq_agents_outbound. A connection is
// known by its descriptor, which ZeroMQ gives with each message and with the news of its end: so a session ends with its
// connection, and nobody inherits one by taking its routing id (rule A4).
#include "daemon/zmq_agents_socket.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "daemon/desk_gateway_commands.hpp"
#include "daemon/frame_json.hpp"

namespace usher::daemon {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t messages_in_a_row_max = 1'000;
constexpr std::size_t first_frame_bytes_max = 4 * 1024;  // A hello is small; more is not looked into before one.
constexpr auto retry_blocked_after = 5ms;
// ZeroMQ tells of a connection's end a moment before its last messages can be read.
constexpr auto last_messages_within = 5ms;

std::string error_frame(const std::string& id, std::string_view code, std::string_view message) {
  return boost::json::serialize(error_json(id, code, message));
}

int descriptor_of(const zmq::message_t& message) {
  return zmq_msg_get(message.handle(), ZMQ_SRCFD);
}

std::string user_of(const zmq::message_t& message) {
  const char* user = zmq_msg_gets(message.handle(), "User-Id");
  return user != nullptr ? user : "";
}

}  // namespace

ZmqAgentsSocket::ZmqAgentsSocket(ZmqAgentsOptions options, std::shared_ptr<ZmqOutbox> outbox, Tell tell)
    : options_(std::move(options)), outbox_(std::move(outbox)), tell_(std::move(tell)), swept_(steady_clock::now()) {
  allow(options_.allowed);
}

Result<std::string> ZmqAgentsSocket::bind(const std::optional<delivery::CurveKeys>& keys) {
  delivery::set_limits(router_, static_cast<int>(limits::zmq_frames_ahead_max), limits::agent_frame_bytes_max);
  router_.set(zmq::sockopt::rcvhwm, static_cast<int>(limits::zmq_frames_behind_max));
  router_.set(zmq::sockopt::router_mandatory, true);
  router_.set(zmq::sockopt::router_handover, false);
  curve_ = keys.has_value();
  if (keys) {
    door_.emplace(context_, [this](const std::string& key) {
      return agent_of(key) ? std::optional<std::string>(key) : std::nullopt;
    });
    delivery::become_curve_server(router_, *keys);
  }
  constexpr const char* monitor = "inproc://agents-monitor";
  expect(zmq_socket_monitor(router_.handle(), monitor, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) == 0,
         "a new socket can be monitored");
  monitor_.set(zmq::sockopt::linger, 0);
  monitor_.set(zmq::sockopt::rcvhwm, 0);
  monitor_.connect(monitor);
  auto bound = delivery::bind_to(router_, options_.endpoint, curve_);
  if (!bound) return bound;
  const auto colon = bound->rfind(':') + 1;
  std::from_chars(bound->data() + colon, bound->data() + bound->size(), port_);
  return bound;
}

void ZmqAgentsSocket::run() {
  std::vector<zmq::pollitem_t> items{{nullptr, outbox_->wake_up().descriptor(), ZMQ_POLLIN, 0},
                                     {monitor_.handle(), 0, ZMQ_POLLIN, 0},
                                     {router_.handle(), 0, ZMQ_POLLIN, 0}};
  if (door_) items.push_back({door_->socket().handle(), 0, ZMQ_POLLIN, 0});
  while (!stopping_) {
    const bool busy = heard_too_much();
    items[2].events = busy ? 0 : ZMQ_POLLIN;
    const bool soon = !blocked_.empty() || !disconnected_.empty();
    delivery::wait_for(items, soon ? retry_blocked_after : sweep_every());
    if (door_) door_->answer();
    if (!busy) read_messages();
    pass_on_news();
    grant_wishes();
    flush_blocked();
    sweep();
    pass_on_news();
  }
  grant_wishes();
  flush_blocked();
  pass_on_news();
  router_.set(zmq::sockopt::linger, 250);
  zmq_socket_monitor(router_.handle(), nullptr, 0);
  router_.close();
  monitor_.close();
  door_.reset();
  context_.close();
}

void ZmqAgentsSocket::read_messages() {
  for (std::size_t i = 0; i < messages_in_a_row_max && !heard_too_much(); ++i) {
    const auto parts = delivery::take_message(router_, 3);
    // After the message: whose connection ended before this one began is then known.
    read_monitor();
    if (!parts) return end_disconnected(true);
    take(*parts);
  }
  end_disconnected(false);
}

void ZmqAgentsSocket::take(const std::vector<zmq::message_t>& parts) {
  const auto route = parts.front().to_string();
  if (parts.size() != 2)
    return answer(route, error_frame("", "bad_request", "a message is one JSON frame, without an empty delimiter"));
  const auto found = by_route_.find(route);
  if (found == by_route_.end()) return take_without_session(parts[1], route);
  auto& peer = *found->second;
  if (peer.descriptor != descriptor_of(parts[1])) {
    // Another connection under the same routing id.
    forget(found->second, close_vanished);
    return take_without_session(parts[1], route);
  }
  peer.heard = steady_clock::now();
  if (!peer.last_frame.empty()) return;
  news_.push_back({ZmqNews::Kind::heard, peer.session, parts[1].to_string(), 0});
  news_bytes_ += parts[1].size();
}

void ZmqAgentsSocket::take_without_session(const zmq::message_t& text, const std::string& route) {
  const auto frame = text.size() <= first_frame_bytes_max ? read_frame(text.to_string_view()) : std::nullopt;
  if (frame && text_field(*frame, "type", 64) == "hello") return open_session(text, route);
  const auto id = frame ? text_field(*frame, "id", command_id_bytes_max).value_or("") : "";
  answer(route, error_frame(id, "hello_required", code_sentence("hello_required")));
}

void ZmqAgentsSocket::open_session(const zmq::message_t& text, const std::string& route) {
  const auto key = user_of(text);
  const auto agent = curve_ ? agent_of(key) : std::nullopt;
  if (curve_ && !agent) {
    answer(route, error_frame("", "unauthorised", code_sentence("unauthorised")));
    return answer(route, session_closed_frame(close_unauthorised, "the key is no longer allowed"));
  }
  if (by_number_.size() >= options_.sessions_max)
    return answer(route, session_closed_frame(close_try_later, "there are too many sessions"));
  auto peer = std::make_shared<ZmqPeer>();
  peer->number = ++last_number_;
  peer->route = route;
  peer->descriptor = descriptor_of(text);
  peer->public_key = key;
  peer->session = std::make_shared<ZmqSession>(outbox_, peer->number, agent);
  peer->heard = steady_clock::now();
  by_route_[route] = by_number_[peer->number] = by_descriptor_[peer->descriptor] = peer;
  news_.push_back({ZmqNews::Kind::opened, peer->session, {}, 0});
  news_.push_back({ZmqNews::Kind::heard, peer->session, text.to_string(), 0});
  news_bytes_ += text.size();
  no_stranger(peer->descriptor);
  session_count_ = by_number_.size();
}

// Events: number and value, then the address; see zmq_socket_monitor(3).
void ZmqAgentsSocket::read_monitor() {
  while (const auto parts = delivery::take_message(monitor_, 2)) {
    if (parts->front().size() < sizeof(std::uint16_t) + sizeof(std::uint32_t)) continue;
    const auto* bytes = static_cast<const unsigned char*>(parts->front().data());
    std::uint16_t event = 0;
    std::uint32_t descriptor = 0;
    std::memcpy(&event, bytes, sizeof event);
    std::memcpy(&descriptor, bytes + sizeof event, sizeof descriptor);
    if (event != ZMQ_EVENT_DISCONNECTED) {
      begin_connection(static_cast<int>(descriptor));
      continue;
    }
    no_stranger(static_cast<int>(descriptor));
    disconnected_.emplace_back(static_cast<int>(descriptor), steady_clock::now());
  }
}

// The number may be in use again: what was before is over, whatever of it still waits to be read, and the news of its
// end must not be taken for news of this one.
void ZmqAgentsSocket::begin_connection(int descriptor) {
  std::erase_if(disconnected_, [&](const auto& one) { return one.first == descriptor; });
  if (const auto last = by_descriptor_.find(descriptor); last != by_descriptor_.end())
    forget(Peer(last->second), close_vanished);
  take_for_stranger(descriptor);
}

// `drained`: everything that could be read was.
void ZmqAgentsSocket::end_disconnected(bool drained) {
  const auto now = steady_clock::now();
  std::erase_if(disconnected_, [&](const auto& one) {
    const auto& [descriptor, at] = one;
    const auto peer = by_descriptor_.find(descriptor);
    if (peer == by_descriptor_.end()) return true;
    if (!drained || now < at + last_messages_within) return false;
    forget(Peer(peer->second), close_vanished);
    return true;
  });
}

Milliseconds ZmqAgentsSocket::sweep_every() const { return std::min<Milliseconds>(options_.silent_max / 8, 500ms); }

void ZmqAgentsSocket::sweep() {
  const auto now = steady_clock::now();
  if (keys_changed_.exchange(false)) check_keys();
  if (now - swept_ < sweep_every()) return;
  swept_ = now;
  std::vector<Peer> silent, given_up;
  for (const auto& [number, peer] : by_number_) {
    if (!peer->last_frame.empty() && now >= peer->give_up_at) given_up.push_back(peer);
    if (peer->last_frame.empty() && now - peer->heard > options_.silent_max) silent.push_back(peer);
  }
  for (const auto& peer : given_up) {
    forget(peer, peer->last_code);
    take_for_stranger(peer->descriptor);
  }
  for (const auto& peer : silent)
    begin_closing(peer, session_closed_frame(close_vanished, "nothing was heard; ping every 10 s"), close_vanished);
}

void ZmqAgentsSocket::check_keys() {
  if (!curve_) return;
  std::vector<Peer> refused;
  for (const auto& [number, peer] : by_number_)
    if (agent_of(peer->public_key) != peer->session->only_agent()) refused.push_back(peer);
  for (const auto& peer : refused)
    begin_closing(peer, session_closed_frame(close_unauthorised, "the key is no longer allowed"), close_unauthorised);
}

void ZmqAgentsSocket::pass_on_news() {
  if (news_.empty()) return;
  news_waiting_ += news_.size();
  news_bytes_waiting_ += std::exchange(news_bytes_, 0);
  tell_(std::exchange(news_, {}));
}

// Agents wait then, in their sockets.
bool ZmqAgentsSocket::heard_too_much() const {
  return news_waiting_ > limits::zmq_heard_max || news_bytes_waiting_ + news_bytes_ > options_.heard_bytes_max;
}

void ZmqAgentsSocket::dealt_with(std::size_t news, std::size_t bytes) {
  const auto too_much = [this](std::size_t count, std::size_t held) {
    return count > limits::zmq_heard_max || held > options_.heard_bytes_max;
  };
  const auto count = news_waiting_.fetch_sub(news);
  const auto held = news_bytes_waiting_.fetch_sub(bytes);
  if (too_much(count, held) && !too_much(count - news, held - bytes)) outbox_->wake_up().wake();
}

void ZmqAgentsSocket::stop() {
  stopping_ = true;
  outbox_->wake_up().wake();
}

void ZmqAgentsSocket::allow(std::vector<AllowedKey> allowed) {
  std::map<std::string, AgentId> by_key;
  for (auto& one : allowed)
    if (one.tenant == options_.tenant) by_key.emplace(std::move(one.public_key), std::move(one.agent));
  {
    const std::lock_guard lock(mutex_);
    allowed_ = std::move(by_key);
  }
  keys_changed_ = true;
  outbox_->wake_up().wake();
}

std::optional<AgentId> ZmqAgentsSocket::agent_of(const std::string& public_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = allowed_.find(public_key);
  return found == allowed_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::shared_ptr<ZmqSession>> ZmqAgentsSocket::left_over() const {
  std::vector<std::shared_ptr<ZmqSession>> out;
  for (const auto& [number, peer] : by_number_) out.push_back(peer->session);
  return out;
}

}  // namespace usher::daemon
