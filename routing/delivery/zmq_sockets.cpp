// Options as docs/delivery.md lists them; ZAP as RFC 27 of ZeroMQ says.
#include "routing/delivery/zmq_sockets.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "routing/message/limits.hpp"

namespace usher::delivery {

using namespace usher::message;

namespace {

int milliseconds(std::chrono::milliseconds time) { return static_cast<int>(time.count()); }

}  // namespace

WakeUp::WakeUp() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  expect(descriptor_ >= 0, "there is a descriptor left for an eventfd");
}

WakeUp::~WakeUp() { close(descriptor_); }

void WakeUp::wake() const {
  const std::uint64_t one = 1;
  // It can only fail when it is already awake 2^64 times.
  [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

void WakeUp::calm() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(descriptor_, &count, sizeof count);
}

void set_limits(zmq::socket_t& socket, int queue_max, std::size_t message_bytes_max) {
  const int heartbeat = milliseconds(limits::zmq_heartbeat_every);
  const int lost = milliseconds(limits::agent_silent_max);
  socket.set(zmq::sockopt::linger, 0);
  // All agents come back at once after a restart: they wait in the kernel, not for a second SYN.
  socket.set(zmq::sockopt::backlog, 1'024);
  socket.set(zmq::sockopt::sndhwm, queue_max);
  socket.set(zmq::sockopt::rcvhwm, queue_max);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(message_bytes_max));
  socket.set(zmq::sockopt::heartbeat_ivl, heartbeat);
  socket.set(zmq::sockopt::heartbeat_timeout, lost - heartbeat);
  socket.set(zmq::sockopt::heartbeat_ttl, lost);
  socket.set(zmq::sockopt::handshake_ivl, milliseconds(limits::zmq_handshake_within));
}

void become_curve_server(zmq::socket_t& socket, const CurveKeys& keys) {
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket.set(zmq::sockopt::zap_domain, std::string("usher"));
}

void become_curve_client(zmq::socket_t& socket, const CurveKeys& keys, const std::string& server_key) {
  socket.set(zmq::sockopt::curve_serverkey, server_key);
  socket.set(zmq::sockopt::curve_publickey, keys.public_key);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
}

Result<std::string> bind_to(zmq::socket_t& socket, std::string endpoint, bool curve) {
  auto allowed = may_bind(endpoint, curve);
  if (!allowed) return allowed.error();
  if (endpoint.starts_with("tcp://") && endpoint.ends_with(":0")) endpoint.back() = '*';
  try {
    if (endpoint.starts_with("tcp://[")) socket.set(zmq::sockopt::ipv6, true);
    socket.bind(endpoint);
    return socket.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    return fail(Fault::unavailable, endpoint + ": cannot be bound: " + error.what());
  }
}

ZapDoor::ZapDoor(zmq::context_t& context, Admit admit)
    : socket_(context, zmq::socket_type::rep), admit_(std::move(admit)) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind("inproc://zeromq.zap.01");
}

void ZapDoor::answer() {
  constexpr std::size_t parts_max = 16;
  while (const auto parts = take_message(socket_, parts_max)) {
    std::vector<std::string> request;
    for (const auto& part : *parts) request.push_back(part.to_string());
    answer_one(request);
  }
}

// Request: version, request id, domain, address, routing id, mechanism, credentials.
void ZapDoor::answer_one(const std::vector<std::string>& request) {
  constexpr std::size_t key_at = 6;
  std::optional<std::string> user;
  if (request.size() == key_at + 1 && request[0] == "1.0" && request[5] == "CURVE" && request[key_at].size() == 32) {
    std::array<char, curve_key_characters + 1> key{};
    zmq_z85_encode(key.data(), reinterpret_cast<const std::uint8_t*>(request[key_at].data()), 32);
    user = admit_(key.data());
  }
  const std::string id = request.size() > 1 ? request[1] : "";
  const std::array<std::string, 6> reply{"1.0", id, user ? "200" : "400", user ? "OK" : "not allowed", user.value_or(""),
                                         ""};
  const std::vector<std::string_view> parts(reply.begin(), reply.end());
  // Who asked is gone when this fails, and the connection with it.
  [[maybe_unused]] const auto sent = send_message(socket_, parts);
}

void wait_for(std::vector<zmq::pollitem_t>& items, std::chrono::milliseconds at_most) {
  // The C function: a signal is no error here.
  if (zmq_poll(items.data(), static_cast<int>(items.size()), static_cast<long>(at_most.count())) < 0)
    for (auto& item : items) item.revents = 0;
}

std::optional<std::vector<zmq::message_t>> take_message(zmq::socket_t& socket, std::size_t parts_max) {
  std::vector<zmq::message_t> parts;
  for (;;) {
    zmq::message_t part;
    // Also when a signal interrupts. Parts of one message come all at once: only the first may be missing.
    if (zmq_msg_recv(part.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) return std::nullopt;
    const bool more = part.more();
    if (parts.size() < parts_max) parts.push_back(std::move(part));
    if (!more) return parts;
  }
}

Sent send_message(zmq::socket_t& socket, std::span<const std::string_view> parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int flags = ZMQ_DONTWAIT | (i + 1 < parts.size() ? ZMQ_SNDMORE : 0);
    // Whether there is room is decided by the first part; a signal may interrupt before it, never between.
    while (zmq_send(socket.handle(), parts[i].data(), parts[i].size(), flags) < 0) {
      if (errno == EINTR) continue;
      return errno == EHOSTUNREACH ? Sent::no_peer : Sent::no_room;
    }
  }
  return Sent::yes;
}

}  // namespace usher::delivery
