// HttpServices: everything the routes need, by reference. The node owns it all. Answers may still be on their way when
// a server is gone: stop the router and let the journal finish before services and workers go, and the loop last of
// all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "connectors/connector.hpp"
#include "daemon/http_workers.hpp"
#include "daemon/metrics.hpp"
#include "daemon/node_egress.hpp"
#include "daemon/node_mailboxes.hpp"
#include "daemon/node_roles.hpp"
#include "daemon/private_link.hpp"
#include "daemon/zmq_agents_figures.hpp"
#include "routing/journal/journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::connectors {
class BlobStore;
class Ingress;
}  // namespace usher::connectors
namespace usher::router {
class RouterThread;
}

namespace usher::daemon {

using namespace usher::message;

class AgentFiles;
class AgentTokens;
class ConnectorTries;
class DeskGateway;

// The connectors as configured now; replaced whole by a reload. Any thread.
class LiveConnectors {
 public:
  using Instances = std::vector<connectors::Instance>;
  explicit LiveConnectors(Instances instances) : now_(std::make_shared<const Instances>(std::move(instances))) {}

  void use(Instances instances) {
    auto fresh = std::make_shared<const Instances>(std::move(instances));
    const std::lock_guard lock(mutex_);
    now_ = std::move(fresh);
  }
  // Null when there is none of that name. The pointer keeps the whole set alive.
  [[nodiscard]] std::shared_ptr<const connectors::Instance> find(const std::string& id) const {
    const auto all = now();
    for (const auto& instance : *all)
      if (instance.id.text() == id) return {all, &instance};
    return nullptr;
  }
  [[nodiscard]] std::shared_ptr<const Instances> now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Instances> now_;  // Guarded by mutex_.
};

struct HttpServices {
  // Plain values, fixed at start.
  TenantId tenant;
  Partition partition = 0;
  std::string public_url;   // No trailing slash.
  std::string admin_token;  // Of the operations listener.
  std::string version;

  const Clock& clock;
  journal::Journal& journal;
  state::StateReader& reader;
  connectors::Ingress& ingress;
  connectors::BlobStore& blobs;
  LiveConnectors& connectors;
  router::RouterThread* router;  // Null: not in this process.
  AgentTokens& tokens;
  DeskGateway* desk;             // Null: not in this process.
  PrivateLinks& links;
  Metrics& metrics;
  HttpWorkers& workers;

  // Said by the node; run on a worker thread.
  std::function<Result<void>(const std::string& path)> backup;
  std::function<Result<void>()> reload;  // malformed: the detail has one problem a line, and nothing changed.
  // "" when ready; else why not, in words (stopping, starting). Checked beside the router's own phase. Any thread.
  std::function<std::string()> not_ready;

  // Of the node; the rest of a node that does everything needs none of it.
  Roles roles{};
  std::string node{};
  std::string durability = "nothing is promised";
  // What the servers do not promise (rule J3). Any thread.
  std::function<std::vector<std::string>()> weaknesses = [] { return std::vector<std::string>(); };
  // None: this node makes none. Any thread.
  std::function<std::optional<router::SnapshotStatus>()> snapshots = [] { return std::nullopt; };
  // None: this node sends no replies. Any thread.
  std::function<std::optional<EgressFigures>()> egress = [] { return std::nullopt; };
  // Those of this node's connectors, whoever reads them. Any thread.
  std::function<std::vector<MailboxFigures>()> mailboxes = [] { return std::vector<MailboxFigures>(); };
  // None: no door for agents' programs. Any thread.
  std::function<std::optional<ZmqAgentsFigures>()> programs = [] { return std::nullopt; };
  // "" when the journal answers and takes what it is given; else in words. Any thread.
  std::function<std::string()> journal_trouble = [] { return std::string(); };
  // Asked where there is no router: is this agent in the configuration? Any thread.
  std::function<bool(const AgentId&)> knows_agent = [](const AgentId&) { return false; };
  ConnectorTries* tries = nullptr;  // None: connectors are not tried here.
  AgentFiles* files = nullptr;  // None: nothing is uploaded here.
  std::uint64_t upload_bytes_per_day_max = 2ULL * 1024 * 1024 * 1024;  // Of one agent.
};

}  // namespace usher::daemon
