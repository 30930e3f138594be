// DeskGateway: agents' sessions over WebSocket and ZeroMQ (`usher.agent.v1`, docs/agent-protocol.md). It turns what agents say
// into journal records and the engine's frames into JSON; it decides nothing. All sessions live on the loop's thread.
//
// Journey: router -> delivery -> [DeskGateway] -> agent, and agent -> [DeskGateway] -> journal.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http_loop.hpp"
#include "daemon/http_routes.hpp"
#include "daemon/metrics.hpp"
#include "routing/delivery/delivery.hpp"
#include "routing/journal/journal.hpp"
#include "routing/message/limits.hpp"
#include "routing/state/state_store.hpp"

namespace usher::daemon {

using namespace usher::message;

class AgentFiles;
class AgentSession;
class AgentTokens;

struct DeskOptions {
  GatewayId gateway{"desk-1"};
  Partition partition = 0;
  TenantId tenant{};       // Told in welcome frames.
  std::string public_url;  // Its origin may open sessions, and so may `origins`; no Origin is fine too.
  std::vector<std::string> origins;
  Milliseconds hello_within = limits::hello_within;
  Milliseconds idle_max{30'000};    // Pinged at half of it; silent for all of it: closed.
  Milliseconds sweep_every{500};    // How soon a revoked token ends its sessions.
  double commands_per_second = 20;  // By session; a burst of 60 is fine.
};

class DeskGateway final : public delivery::Delivery {
 public:
  // All outlive the gateway; the loop's thread runs when it is destroyed.
  struct Ports {
    HttpLoop& loop;
    journal::Journal& journal;
    state::StateReader& reader;
    AgentTokens& tokens;
    Metrics& metrics;
    const Clock& clock;
    const AgentFiles* files = nullptr;  // None: replies have no files.
    // Whether a reply of this connector may have files. True for one that is not known: it may come back.
    std::function<bool(const ConnectorId&)> carries_files = [](const ConnectorId&) { return true; };
  };
  DeskGateway(DeskOptions options, Ports ports);
  ~DeskGateway() override;

  // Says that sessions of an earlier life of this gateway are gone (GatewayLost). `done` runs on a journal thread; take
  // sessions only after it.
  void announce(std::function<void(Result<void>)> done);
  // Refuses a handshake of /v1/agent from an Origin that may not open sessions, or for another subprotocol.
  [[nodiscard]] std::optional<Response> check(const Request& request) const;
  // Takes over a WebSocket handshake of /v1/agent. On the loop's thread.
  void adopt(Upgrade upgrade);
  // Takes over a connection of another transport; it is started before this returns. On the loop's thread.
  void adopt(std::shared_ptr<AgentSession> link);
  // Any thread. Never blocks: it posts to the loop.
  void send(const engine::AgentFrame& frame) override;
  void service(bool degraded) override;
  void frames_lost() override;
  // Closes every session with 1012 (service restart) and takes no new ones. Returns when all are closed or after
  // `within`. Not on the loop's thread.
  void stop(Milliseconds within);
  // Any thread.
  [[nodiscard]] std::size_t sessions() const;

 private:
  struct Desk;
  std::shared_ptr<Desk> desk_;
};

}  // namespace usher::daemon
