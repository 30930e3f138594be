// Metrics: what /metrics shows, in Prometheus text form. Counters are bumped where things happen (any thread); gauges
// of the router's state are filled when somebody looks.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "connectors/egress.hpp"
#include "daemon/node_mailboxes.hpp"
#include "daemon/zmq_agents_figures.hpp"
#include "routing/engine/engine.hpp"
#include "routing/router/router.hpp"
#include "routing/router/snapshot_maker.hpp"

namespace usher::daemon {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Any thread.
  void request(const std::string& server, const std::string& route, int status);
  void connections(const std::string& server, std::int64_t now);
  void append(std::chrono::nanoseconds took, bool accepted);
  void sessions(std::int64_t now);
  void session_closed(int code);
  void command(const std::string& type, const std::string& result);  // result: appended, or an error code.
  void refused(const std::string& why);                              // Input refused before the journal, by reason.
  void reload(bool good);

  void snapshots(const router::SnapshotStatus& status);
  void egress(bool here, const connectors::EgressStatus& status);
  void mailboxes(const std::vector<MailboxFigures>& figures);
  void programs(const ZmqAgentsFigures& figures);
  void process(bool journal_answers, std::uint64_t log_lines_dropped);

  // Gauges and totals of the router, if there is one, then everything as text. `engine` may be null.
  [[nodiscard]] std::string text(const std::optional<router::RouterStatus>& status, const engine::Engine* engine,
                                 message::Instant now);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace usher::daemon
