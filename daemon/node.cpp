// Node: the order of starting, reloading and stopping.
#include "daemon/node.hpp"

#include <atomic>
#include <future>
#include <mutex>

#include "connectors/blob_store.hpp"
#include "connectors/egress.hpp"
#include "connectors/ingress.hpp"
#include "connectors/triage.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/backup_archive.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/desk_gateway.hpp"
#include "daemon/http_server.hpp"
#include "daemon/logging.hpp"
#include "daemon/node_policy.hpp"
#include "daemon/ops_routes.hpp"
#include "daemon/public_routes.hpp"
#include "daemon/secret_files.hpp"
#include "daemon/version.hpp"
#include "routing/router/router_thread.hpp"
#include "routing/state/sqlite_database.hpp"

namespace usher::daemon {
namespace {

constexpr Partition partition = 0;                       // One tenant, one log.
constexpr auto routing_within = std::chrono::minutes(5);  // A long journal is read again after a restored state.
constexpr auto policy_within = std::chrono::seconds(30);
constexpr auto announce_within = std::chrono::seconds(30);

// Webhooks to private addresses are refused (a customer's DNS could point one at our own network), unless the whole
// installation is one: nobody outside reaches a public_url on the loopback.
bool installation_is_private(std::string_view public_url) {
  const auto scheme = public_url.find("://");
  if (scheme == std::string_view::npos) return false;
  const auto rest = public_url.substr(scheme + 3);
  if (rest.starts_with("[::1]")) return true;
  const auto host = rest.substr(0, rest.find_first_of(":/?#"));
  return host == "localhost" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

std::string address_of(const config::Listen& listen, std::uint16_t port) {
  const bool six = listen.host.find(':') != std::string::npos;
  return "http://" + (six ? "[" + listen.host + "]" : listen.host) + ":" + std::to_string(port);
}

std::shared_ptr<const connectors::Triage> triage_of(const config::Settings& settings) {
  return std::make_shared<const connectors::Triage>(settings.labels);
}

}  // namespace

// Members are destroyed in reverse: doors first, then what they use; the database before the loop, since the journal's
// last completions still post to it.
struct Node::Parts {
  NodeOptions options;
  SystemClock clock;
  config::Settings settings;  // As started or last reloaded; guarded by reloading.
  std::mutex reloading;
  std::atomic<bool> open{false};
  std::atomic<bool> stopping{false};
  std::shared_ptr<std::atomic<bool>> answered = std::make_shared<std::atomic<bool>>(false);
  std::string public_address, ops_address;

  Secrets secrets;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<HttpLoop> loop;
  std::unique_ptr<AgentTokens> tokens;
  std::unique_ptr<state::SqliteDatabase> database;
  std::unique_ptr<connectors::BlobStore> blobs;
  std::unique_ptr<LiveConnectors> live_connectors;
  std::unique_ptr<connectors::Ingress> ingress;
  std::unique_ptr<DeskGateway> desk;
  std::unique_ptr<connectors::Egress> egress;
  std::unique_ptr<router::RouterThread> router;
  std::unique_ptr<PrivateLinks> links;
  std::unique_ptr<HttpWorkers> workers;
  std::unique_ptr<HttpServices> services;
  std::unique_ptr<HttpServer> public_server;
  std::unique_ptr<HttpServer> ops_server;

  Result<void> open_data();
  void build(Node& node);
  Result<void> open_ops();
  Result<void> settle();
  Result<void> open_doors();
  Result<void> apply(config::Settings fresh);
  void warn_of_restart(const config::Settings& fresh) const;
  [[nodiscard]] PolicyPorts policy_ports() { return {database->journal(), *router, partition}; }
};

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() {
  // A start that failed half way: who still looks at the router is answered while what it looks through is alive.
  parts_->ops_server.reset();
  parts_->public_server.reset();
  parts_->router.reset();
}

Result<std::unique_ptr<Node>> Node::start(config::Settings settings, NodeOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->settings = std::move(settings);
  parts->options = std::move(options);
  std::unique_ptr<Node> node(new Node(std::move(parts)));
  auto& made = *node->parts_;
  auto done = made.open_data();
  if (done) {
    made.build(*node);
    done = made.open_ops();
  }
  if (done) done = made.settle();
  if (done) done = made.open_doors();
  if (!done) return done.error();
  return node;
}

Result<void> Node::Parts::open_data() {
  auto opened = state::SqliteDatabase::open(options.data_folder, clock);
  if (!opened) return opened.error();
  database = std::move(*opened);
  auto keys = open_secrets(options.data_folder);
  if (!keys) return keys.error();
  secrets = std::move(*keys);
  auto books = AgentTokens::open(options.data_folder);
  if (!books) return books.error();
  tokens = std::move(*books);
  tokens->use_config(settings.tokens);
  return {};
}

void Node::Parts::build(Node& node) {
  auto& journal = database->journal();
  auto& store = database->store();
  metrics = std::make_unique<Metrics>();
  loop = std::make_unique<HttpLoop>();
  blobs = std::make_unique<connectors::BlobStore>(options.data_folder / "blobs");
  live_connectors = std::make_unique<LiveConnectors>(instances_of(settings));
  ingress = std::make_unique<connectors::Ingress>(journal, partition, *blobs, triage_of(settings), clock);
  DeskOptions desk_options;
  desk_options.partition = partition;
  desk_options.public_url = settings.public_url;
  desk_options.origins = settings.agent_origins;
  desk = std::make_unique<DeskGateway>(std::move(desk_options),
                                       DeskGateway::Ports{*loop, journal, store, *tokens, *metrics, clock});
  // Before the router: without a cursor it starts at the end of what is there now (rule E5).
  egress = std::make_unique<connectors::Egress>(partition, connectors::Egress::Ports{journal, store, clock},
                                                instances_of(settings), installation_is_private(settings.public_url));
  router::RouterOptions router_options;
  router_options.partition = partition;
  // New for each process: a claim of an earlier life must not be taken for this one's (docs/decisions/0014).
  router_options.id = RouterId("router-1-" + sha256_of(random_bytes(16)).substr(0, 12));
  router = std::make_unique<router::RouterThread>(router_options, router::Router::Ports{journal, store, *desk, clock});
  links = std::make_unique<PrivateLinks>(secrets.link_key, settings.tenant, settings.public_url);
  workers = std::make_unique<HttpWorkers>();
  services = std::make_unique<HttpServices>(HttpServices{
      settings.tenant, partition, settings.public_url, secrets.admin_token, version, clock, journal, store, *ingress,
      *blobs, *live_connectors, *router, *tokens, *desk, *links, *metrics, *workers,
      [this](const std::string& path) {
        return write_backup(options.data_folder, path, [this](const auto& file) { return database->backup(file); });
      },
      [&node] { return node.reload(); },
      [this] { return std::string(stopping ? "stopping" : open ? "" : "starting"); }});
}

// The operations listener first: while a long journal is read, /readyz says so.
Result<void> Node::Parts::open_ops() {
  HttpServerOptions ops_options;
  ops_options.name = "ops";
  ops_server = std::make_unique<HttpServer>(*loop, ops_routes(*services), *metrics, std::move(ops_options));
  const auto port = ops_server->start(settings.ops);
  if (!port) return port.error();
  ops_address = address_of(settings.ops, *port);
  return {};
}

// What must be in the log before the first customer or agent comes in.
Result<void> Node::Parts::settle() {
  const auto routes = wait_until_routing(*router, routing_within);
  if (!routes) return routes.error();
  const auto activated = activate_policy(policy_ports(), settings.policy, policy_within);
  if (!activated) return activated.error();
  if (*activated) log_info("config", "policy activated", {{"policy", policy_hash(settings.policy)}});
  auto told = std::make_shared<std::promise<Result<void>>>();
  auto announced = told->get_future();
  desk->announce([told](Result<void> result) { told->set_value(std::move(result)); });
  if (announced.wait_for(announce_within) != std::future_status::ready)
    return fail(Fault::unavailable, "the journal did not take the desk's first record in time");
  return announced.get();
}

Result<void> Node::Parts::open_doors() {
  HttpServerOptions server_options;
  server_options.name = "public";
  server_options.trusted_proxies = settings.trusted_proxies;
  public_server = std::make_unique<HttpServer>(*loop, public_routes(*services), *metrics, std::move(server_options));
  const auto port = public_server->start(settings.http);
  if (!port) return port.error();
  public_address = address_of(settings.http, *port);
  open = true;
  return {};
}

Result<void> Node::reload() {
  const std::lock_guard hold(parts_->reloading);
  if (parts_->stopping) return fail(Fault::unavailable, "stopping");
  auto loaded = load_settings(parts_->options.config_file);
  std::string lines;
  for (const auto& line : loaded.problems.lines) {
    log_error("config", line);
    lines += (lines.empty() ? "" : "\n") + line;
  }
  Result<void> done = fail(Fault::malformed, lines);
  if (loaded.settings) {
    done = parts_->apply(std::move(*loaded.settings));
    if (!done) log_error("config", done.error().detail);
  }
  parts_->metrics->reload(done.has_value());
  if (done) log_info("config", "reloaded");
  else log_error("config", "not reloaded; the old configuration stays");
  return done;
}

Result<void> Node::Parts::apply(config::Settings fresh) {
  if (fresh.tenant != settings.tenant)
    return fail(Fault::malformed, "tenant: cannot change; the data folder belongs to " + settings.tenant.text());
  // The one step that can fail comes first, so that a reload is all or nothing.
  const auto activated = activate_policy(policy_ports(), fresh.policy, policy_within);
  if (!activated) return activated.error();
  if (*activated) log_info("config", "policy activated", {{"policy", policy_hash(fresh.policy)}});
  ingress->use(triage_of(fresh));
  live_connectors->use(instances_of(fresh));
  egress->use(instances_of(fresh));
  tokens->use_config(fresh.tokens);
  set_log_level(parse_log_level(fresh.log_level));
  warn_of_restart(fresh);
  settings = std::move(fresh);
  return {};
}

void Node::Parts::warn_of_restart(const config::Settings& fresh) const {
  const auto warn = [](const char* key) { log_warn("config", "this key takes effect after a restart", {{"key", key}}); };
  const auto differs = [](const config::Listen& one, const config::Listen& other) {
    return one.host != other.host || one.port != other.port;
  };
  if (differs(fresh.http, settings.http)) warn("http.listen");
  if (fresh.public_url != settings.public_url) warn("http.public_url");
  if (differs(fresh.ops, settings.ops)) warn("ops.listen");
  if (fresh.log_format != settings.log_format) warn("log.format");
  if (fresh.agent_origins != settings.agent_origins) warn("desk.origins");
  if (fresh.trusted_proxies != settings.trusted_proxies) warn("trusted_proxies");
}

bool Node::stop(Milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  const auto left = [deadline] {
    const auto rest = std::chrono::duration_cast<Milliseconds>(deadline - std::chrono::steady_clock::now());
    return std::max(rest, Milliseconds(0));
  };
  auto& parts = *parts_;
  parts.stopping = true;
  // A reload that is under way finishes; a later one sees `stopping`.
  { const std::lock_guard hold(parts.reloading); }
  bool whole = true;
  if (parts.public_server) parts.public_server->stop_accepting();
  if (parts.desk) parts.desk->stop(left());
  if (parts.public_server) whole = parts.public_server->drain(left());
  // No more records come in from outside; what egress still reports and the router still commits is finished.
  parts.egress.reset();
  if (parts.router) parts.router->stop();
  // Last, so that /readyz said "stopping" all along.
  if (parts.ops_server) {
    parts.ops_server->stop_accepting();
    whole = parts.ops_server->drain(left()) && whole;
  }
  return whole;
}

router::RouterStatus Node::router_status() const { return parts_->router->status(); }

bool Node::router_answered() {
  const bool since_last = parts_->answered->exchange(false);
  parts_->router->inspect([answered = parts_->answered](const engine::Engine*) { *answered = true; });
  return since_last;
}

const std::string& Node::public_address() const { return parts_->public_address; }
const std::string& Node::ops_address() const { return parts_->ops_address; }

}  // namespace usher::daemon
