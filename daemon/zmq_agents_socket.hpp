// The thread that owns the agents' ROUTER: who is connected, what they say, what they are told. Internal to
// daemon/zmq_agents*; everything on that thread unless it says otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <unordered_map>

#include "daemon/zmq_agents.hpp"
#include "daemon/zmq_agents_session.hpp"

namespace usher::daemon {

using ZmqTime = std::chrono::steady_clock::time_point;

// A connection that said hello.
struct ZmqPeer {
  std::uint64_t number = 0;
  std::string route;       // The ROUTER's routing id.
  int descriptor = -1;     // Of its connection: a connection that ends takes its session with it.
  std::string public_key;  // Z85; empty without CURVE.
  std::shared_ptr<ZmqSession> session;
  ZmqTime heard;
  std::deque<std::string> queue;  // What had no room yet.
  std::string last_frame;         // Not empty: it is closing, and this is all that it is still told.
  int last_code = 0;
  ZmqTime give_up_at;
};

// What the loop's thread learns, in order.
struct ZmqNews {
  enum class Kind { opened, heard, ended };
  Kind kind = Kind::heard;
  std::shared_ptr<ZmqSession> session;
  std::string text;
  int code = 0;
};
[[nodiscard]] std::size_t bytes_in(const std::vector<ZmqNews>& news);

class ZmqAgentsSocket {
 public:
  // `tell` hands news to the loop's thread; it is called on this thread.
  using Tell = std::function<void(std::vector<ZmqNews>)>;

  ZmqAgentsSocket(ZmqAgentsOptions options, std::shared_ptr<ZmqOutbox> outbox, Tell tell);

  // Start-up thread, before run(): binds; the real endpoint.
  [[nodiscard]] Result<std::string> bind(const std::optional<delivery::CurveKeys>& keys);
  // Until stop(); then what was said last has a moment to get out.
  void run();
  // Sessions that were not told of their end. After run().
  [[nodiscard]] std::vector<std::shared_ptr<ZmqSession>> left_over() const;

  // Any thread.
  void stop();
  void allow(std::vector<AllowedKey> allowed);
  // So many pieces of news, of so many bytes, were dealt with; too much at once and no more is read.
  void dealt_with(std::size_t news, std::size_t bytes);
  [[nodiscard]] ZmqAgentsFigures figures() const;

 private:
  using Peer = std::shared_ptr<ZmqPeer>;

  void read_messages();
  void take(const std::vector<zmq::message_t>& parts);
  void take_without_session(const zmq::message_t& text, const std::string& route);
  void open_session(const zmq::message_t& text, const std::string& route);
  void answer(const std::string& route, const std::string& frame);
  void read_monitor();
  void begin_connection(int descriptor);
  void take_for_stranger(int descriptor);
  void no_stranger(int descriptor);
  void cut(int descriptor) const;
  void end_disconnected(bool drained);
  void grant_wishes();
  void grant(ZmqWish wish);
  void drop_slowest();
  void drop_queue(ZmqPeer& peer);
  void begin_closing(const Peer& peer, std::string frame, int code);
  void flush(const Peer& peer);
  void flush_blocked();
  void forget(const Peer& peer, int code);
  [[nodiscard]] Milliseconds sweep_every() const;
  [[nodiscard]] bool heard_too_much() const;
  void sweep();
  void check_keys();
  [[nodiscard]] std::optional<AgentId> agent_of(const std::string& public_key) const;
  [[nodiscard]] Peer peer_of(std::uint64_t number) const;
  void pass_on_news();

  const ZmqAgentsOptions options_;
  const std::shared_ptr<ZmqOutbox> outbox_;
  const Tell tell_;
  bool curve_ = false;

  zmq::context_t context_{1};
  zmq::socket_t router_{context_, zmq::socket_type::router};
  zmq::socket_t monitor_{context_, zmq::socket_type::pair};
  std::optional<delivery::ZapDoor> door_;
  std::unordered_map<std::string, Peer> by_route_;
  std::unordered_map<std::uint64_t, Peer> by_number_;
  std::unordered_map<int, Peer> by_descriptor_;
  std::vector<std::pair<int, ZmqTime>> disconnected_;
  std::list<int> strangers_;  // Descriptors of connections without a session, the oldest first.
  std::unordered_map<int, std::list<int>::iterator> stranger_at_;
  std::uint16_t port_ = 0;
  std::set<std::uint64_t> blocked_;
  std::vector<ZmqNews> news_;
  std::size_t news_bytes_ = 0;  // Of news_.
  std::uint64_t last_number_ = 0;
  ZmqTime swept_;

  // Any thread.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> keys_changed_{false};
  std::atomic<std::size_t> news_waiting_{0};
  std::atomic<std::size_t> news_bytes_waiting_{0};
  std::atomic<std::size_t> session_count_{0}, stranger_count_{0};
  std::atomic<std::uint64_t> cut_{0};
  mutable std::mutex mutex_;
  std::map<std::string, AgentId> allowed_;  // By public key. Guarded by mutex_.
};

}  // namespace usher::daemon
