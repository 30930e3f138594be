// Node::Parts: the inside of a node, shared by its start and stop (node.cpp) and its reload (node_reload.cpp).
#pragma once

#include <atomic>
#include <mutex>

#include "connectors/access_tokens.hpp"
#include "connectors/blob_store.hpp"
#include "connectors/ingress.hpp"
#include "connectors/triage.hpp"
#include "daemon/agent_files.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/connector_try.hpp"
#include "daemon/http_server.hpp"
#include "daemon/http_services.hpp"
#include "daemon/journal_retention.hpp"
#include "daemon/journal_watch.hpp"
#include "daemon/node.hpp"
#include "daemon/node_backend.hpp"
#include "daemon/node_desk.hpp"
#include "daemon/node_egress.hpp"
#include "daemon/node_mailboxes.hpp"
#include "daemon/node_router.hpp"
#include "daemon/secret_files.hpp"

namespace usher::daemon {

// Members are destroyed in reverse: doors first, then what they use; the backend before the loop, since the journal's
// last completions still post to it.
struct Node::Parts {
  NodeOptions options;
  SystemClock clock;
  config::Settings settings;  // As started or last reloaded; guarded by reloading.
  Partition partition = 0;
  NodeIdentity identity;
  std::mutex reloading;
  std::atomic<bool> open{false};
  std::atomic<bool> stopping{false};
  std::shared_ptr<std::atomic<bool>> answered = std::make_shared<std::atomic<bool>>(false);
  std::string public_address, ops_address;
  std::mutex naming;
  std::vector<AgentId> agents;  // In the settings; guarded by naming.

  Secrets secrets;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<HttpLoop> loop;
  std::unique_ptr<AgentTokens> tokens;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<JournalWatch> watch;  // Null for a router alone, which says itself what it meets.
  std::unique_ptr<connectors::BlobStore> blobs;
  std::unique_ptr<LiveConnectors> live_connectors;
  std::unique_ptr<AgentFiles> files;
  std::unique_ptr<connectors::Ingress> ingress;
  std::unique_ptr<connectors::AccessTokens> access_tokens;
  std::unique_ptr<DeskPost> desk;      // Null without the role.
  std::unique_ptr<EgressPost> egress;  // Null without the role edge.
  std::mutex mailing;
  std::unique_ptr<MailboxesPost> mailboxes;  // Null without the role edge, and until the doors open; guarded by mailing.
  std::unique_ptr<RouterPost> router;  // Null without the role.
  std::unique_ptr<JournalRetention> retention;  // Embedded only.
  std::unique_ptr<PrivateLinks> links;
  std::unique_ptr<HttpWorkers> workers;
  std::unique_ptr<HttpServices> services;
  std::unique_ptr<ConnectorTries> tries;  // Its answers look at the services.
  std::unique_ptr<HttpServer> public_server;  // Null for a router alone.
  std::unique_ptr<HttpServer> ops_server;

  // Starting, in this order.
  [[nodiscard]] Result<void> open_data();
  [[nodiscard]] Result<void> check_tenant(const std::string& policy) const;
  [[nodiscard]] bool state_is_whole() const;
  [[nodiscard]] Result<void> build(Node& node);
  [[nodiscard]] Result<void> build_posts();
  void build_services(Node& node);
  void read_mailboxes();
  [[nodiscard]] std::vector<MailboxFigures> mailbox_figures();
  [[nodiscard]] Result<void> open_ops();
  [[nodiscard]] Result<void> settle();
  [[nodiscard]] Result<void> wait_for_policy();
  [[nodiscard]] Result<void> open_doors();

  [[nodiscard]] std::string not_ready() const;
  // The journal as customers and agents reach it.
  [[nodiscard]] journal::Journal& front_journal();
  void name_agents();

  // Reloading.
  [[nodiscard]] Result<void> apply(config::Settings fresh);
  [[nodiscard]] Result<void> activate(const Policy& policy);
  void warn_of_restart(const config::Settings& fresh) const;
};

[[nodiscard]] std::shared_ptr<const connectors::Triage> triage_of(const config::Settings& settings);

}  // namespace usher::daemon
