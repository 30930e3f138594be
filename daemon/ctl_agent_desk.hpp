// TerminalDesk: what the terminal agent knows and does, without a socket or a terminal: lines typed and frames received go
// in, lines to print and frames to send come out. Pure but for its own state, so tests drive it directly. One thread.
#pragma once

#include <boost/json.hpp>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/ctl_agent_show.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

using usher::message::Instant;
using usher::message::Milliseconds;

struct DeskOutput {
  Lines lines;                      // For the terminal.
  std::vector<std::string> frames;  // For the daemon, in order.
  bool quit = false;
  bool wrong_tenant = false;        // Nothing may be said to this daemon.
};

class TerminalDesk {
 public:
  // Uploads a file of this machine by its path; what the daemon says of it. May take some seconds.
  using Upload = std::function<usher::message::Result<boost::json::value>(const std::string& path)>;
  // `command_prefix` makes command ids unique over all clients of one agent: random.
  // `tenant`: the only one to work for; "": whichever the daemon serves.
  TerminalDesk(std::string token, std::string command_prefix, Upload upload = {}, std::string tenant = {});

  // A connection is open: says hello. What is still unanswered is said again after the welcome, under its first id, so
  // that the daemon answers it with its first outcome (rule A2).
  [[nodiscard]] DeskOutput opened();
  void lost();
  [[nodiscard]] DeskOutput received(std::string_view json, Instant now);
  [[nodiscard]] DeskOutput typed(std::string_view line, Instant now);
  // Once a second: countdowns, commands that a degraded daemon could not take, lines that waited long enough.
  [[nodiscard]] DeskOutput tick(Instant now);

  [[nodiscard]] bool ready() const { return ready_; }              // Welcomed on this connection.
  [[nodiscard]] bool all_answered() const { return pending_.empty() && early_.empty(); }

 private:
  struct Offer {
    std::string id;
    std::string conversation;
    Instant expires_at;
    bool warned = false;
  };
  // A line that means something the desk does not have yet: "accept" a moment before the offer arrives. It waits a little,
  // and what is typed after it waits behind it, so that a script need not watch the output to keep its pace.
  struct Early {
    std::string line;
    Instant until;
  };
  struct Pending {
    boost::json::object frame;
    std::string what;                    // For the line that says it was refused.
    std::optional<Instant> again_at;     // The daemon was degraded.
  };

  int number_of(const std::string& conversation);
  [[nodiscard]] std::string name_of(const std::string& conversation);  // "#3"
  void command(DeskOutput& out, boost::json::object frame, std::string what);
  [[nodiscard]] Offer* find_offer(std::optional<int> number);
  void drop_offer(const std::string& id);
  void keep_conversation(const boost::json::value& conversation);
  void release(const std::string& conversation);
  void attach_again(const boost::json::object& refused, DeskOutput& out);

  // Frames, by type.
  void on_welcome(const boost::json::value& frame, DeskOutput& out, Instant now);
  void on_offer(const boost::json::value& frame, DeskOutput& out, Instant now);
  void on_offer_revoked(const boost::json::value& frame, DeskOutput& out);
  void on_assigned(const boost::json::value& frame, DeskOutput& out, Instant now);
  void on_message(const boost::json::value& frame, DeskOutput& out);
  void on_released(const boost::json::value& frame, DeskOutput& out);
  void on_outcome(const boost::json::value& frame, DeskOutput& out, Instant now);
  void on_history(const boost::json::value& frame, DeskOutput& out);

  // Typed commands. False: something they mean is not there; lacking_ says what.
  [[nodiscard]] bool execute(const std::string& line, DeskOutput& out, Instant now);
  void run_early(DeskOutput& out, Instant now);
  void do_presence(const std::string& word, const std::string& rest, DeskOutput& out);
  void do_offer(const std::string& word, std::string rest, DeskOutput& out);
  void do_use(const std::string& rest, DeskOutput& out);
  void do_list(DeskOutput& out, Instant now);
  void do_work(const std::string& word, const std::string& rest, DeskOutput& out);
  void do_attach(const std::string& rest, DeskOutput& out);
  void do_transfer(const std::string& rest, DeskOutput& out);
  void do_snooze(const std::string& rest, DeskOutput& out, Instant now);
  [[nodiscard]] bool needs_current();

  std::string token_;
  std::string command_prefix_;
  std::uint64_t commands_ = 0;
  bool ready_ = false;
  std::int64_t next_sequence_ = 0;
  std::string unfinished_;                           // Typed lines that end with a backslash.
  std::deque<Early> early_;
  std::string lacking_;
  std::vector<Offer> offers_;                        // Oldest first.
  std::map<std::string, int> numbers_;               // Conversation to its number; never reused.
  std::map<std::string, boost::json::value> held_;   // Assigned and wrapping up, by conversation.
  Upload upload_;
  std::string tenant_;
  std::map<std::string, boost::json::array> attached_;  // Uploaded for the next reply in a conversation that is held.
  std::string current_;                              // The conversation that commands mean; "" for none.
  std::map<std::uint64_t, Pending> pending_;         // By the number in the command's id, so in order.
};

}  // namespace usher::daemon
