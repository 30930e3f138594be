// The inside of DeskGateway: its sessions and what happens to them. Internal to daemon/desk_gateway*.cpp; everything on
// the loop's thread unless it says otherwise.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "daemon/agent_session.hpp"
#include "daemon/desk_gateway.hpp"
#include "daemon/frame_json.hpp"
#include "routing/message/record.hpp"

namespace usher::daemon {

// So many commands a second on average, with room for a burst.
class CommandRate {
 public:
  explicit CommandRate(double per_second) : per_second_(per_second) {}
  [[nodiscard]] bool take(Milliseconds now) {
    if (filled_at_)
      fill_ = std::min(burst, fill_ + per_second_ * static_cast<double>((now - *filled_at_).count()) / 1000.0);
    filled_at_ = now;
    if (fill_ < 1) return false;
    fill_ -= 1;
    return true;
  }

 private:
  static constexpr double burst = 60;
  double per_second_;
  double fill_ = burst;
  std::optional<Milliseconds> filled_at_;
};

struct DeskSession {
  DeskSession(SessionId named, double commands_per_second) : id(std::move(named)), rate(commands_per_second) {}

  const SessionId id;
  std::shared_ptr<AgentSession> link;
  Milliseconds hello_until{0};
  CommandRate rate;
  int refused_in_a_row = 0;
  std::string token;             // Asked for again at each sweep: it may have been revoked.
  std::optional<AgentId> agent;  // None before hello.
  bool ended_by_engine = false;  // Replaced: its end is no news to the engine.
  // The engine's numbering. None: a welcome is awaited, nothing before it makes sense.
  std::optional<std::uint64_t> next_number;
  Offset epoch = offset_none;   // Of the owner who sent the last welcome; frames of older owners come too late.
  bool welcomed = false;        // Once at least.
  bool welcome_failed = false;  // Asking for a welcome could not be written: the sweep asks again.
  std::uint64_t sequence = 0;   // Of the next frame to the agent.
  // What this agent may read: offered or held.
  std::map<OfferId, ConversationId> offers;
  std::map<ConversationId, ConnectorId> held;
};

struct DeskGateway::Desk : std::enable_shared_from_this<DeskGateway::Desk> {
  using Session = std::shared_ptr<DeskSession>;

  Desk(DeskOptions chosen, Ports given);

  // desk_gateway.cpp: sessions begin, are looked after, and end.
  void adopt(std::shared_ptr<AgentSession> link);
  void sweep();
  void check_token(const Session& session);
  void check_tokens(const AgentId* agent);
  void ended(const Session& session, int code);
  void close_all();
  void append(Record record, std::string id, std::function<void(bool)> then);
  void report_closed(SessionClosed record);

  // desk_gateway_inbound.cpp: what agents say.
  void heard(const Session& session, std::string_view text);
  void hello(const Session& session, const boost::json::object& frame);
  void ask_for_welcome(const Session& session);
  void command(const Session& session, const std::string& type, const std::string& id,
               const boost::json::object& frame);
  [[nodiscard]] std::optional<Error> attach(const Session& session, const boost::json::value& list, Reply& reply) const;
  void history(const Session& session, const std::string& id, const boost::json::object& frame);
  void refuse(const Session& session, const std::string& type, const std::string& id, std::string_view code,
              std::string_view sentence);

  // desk_gateway_outbound.cpp: what the engine says.
  void deliver(const engine::AgentFrame& frame);
  void tell_service(bool degraded);
  void welcome_all_anew();
  void remember(DeskSession& session, const engine::Frame& frame);
  void write(const Session& session, boost::json::object frame);

  const DeskOptions options;
  const Ports ports;
  const Bodies bodies;
  boost::asio::steady_timer timer;
  std::map<SessionId, Session> sessions;
  std::vector<SessionClosed> unreported;  // Ends that the journal did not take yet.
  bool stopping = false;
  bool gone = false;

  // Any thread.
  std::atomic<std::size_t> count{0};
  std::atomic<std::size_t> undelivered{0};  // Frames posted to the loop and not yet looked at.
  std::mutex mutex;
  std::condition_variable emptied;
};

}  // namespace usher::daemon
