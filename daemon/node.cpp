// Node: the order of starting and stopping; reloading is in node_reload.cpp.
#include "daemon/node.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "connectors/catalog.hpp"
#include "daemon/agent_files.hpp"
#include "daemon/backup_archive.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/logging.hpp"
#include "daemon/node_parts.hpp"
#include "daemon/ops_routes.hpp"
#include "daemon/public_routes.hpp"
#include "daemon/version.hpp"
#include "routing/engine/entity_text.hpp"

namespace usher::daemon {
namespace {

constexpr auto routing_within = std::chrono::minutes(5);  // A long journal is read again after a restored state.
constexpr auto announce_within = std::chrono::seconds(30);
constexpr auto look_again_after = Milliseconds(50);

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

// One that is not configured may come back with the next reload.
bool carries_files(const LiveConnectors& live, const ConnectorId& id) {
  const auto instance = live.find(id.text());
  const auto* connector = instance ? connectors::find_connector(instance->type) : nullptr;
  return connector == nullptr || connector->files_out != connectors::FilesOut::none;
}

NodeIdentity identity_of(const config::Settings& settings, int engine_version) {
  auto name = settings.node_name;
  if (name.empty() && on_servers(settings)) {
    std::array<char, 64> host{};
    if (::gethostname(host.data(), host.size() - 1) == 0) name = host.data();
  }
  if (name.empty()) name = "1";
  return {name, name + "-" + sha256_of(random_bytes(16)).substr(0, 12), engine_version};
}

}  // namespace

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() {
  // A start that failed half way: who still looks at the router is answered while what it looks through is alive.
  parts_->ops_server.reset();
  parts_->public_server.reset();
  parts_->router.reset();
}

Result<std::unique_ptr<Node>> Node::start(config::Settings settings, NodeOptions options) {
  if (!options.roles.all() && !on_servers(settings))
    return fail(Fault::malformed, "without Kafka and Redis, one process runs all of edge, router and desk");
  auto parts = std::make_unique<Parts>();
  parts->partition = settings.kafka ? settings.kafka->partition : 0;
  parts->identity = identity_of(settings, options.engine_version);
  parts->settings = std::move(settings);
  parts->options = std::move(options);
  std::unique_ptr<Node> node(new Node(std::move(parts)));
  auto& made = *node->parts_;
  auto done = made.open_data();
  if (done) done = made.build(*node);
  if (done) done = made.open_ops();
  if (done) done = made.settle();
  if (done) done = made.open_doors();
  if (!done) return done.error();
  return node;
}

Result<void> Node::Parts::open_data() {
  auto opened = open_backend(settings, options.data_folder, clock, options.roles.router);
  if (!opened) return opened.error();
  backend = std::move(*opened);
  const std::filesystem::path own = settings.secrets_folder;
  // What cannot be made is reported by the first file that cannot be written.
  if (std::error_code wrong; !own.empty() && std::filesystem::create_directories(own, wrong))
    std::filesystem::permissions(own, std::filesystem::perms::owner_all, wrong);
  auto keys = open_secrets(own.empty() ? options.data_folder : own);
  if (!keys) return keys.error();
  secrets = std::move(*keys);
  // Links that one edge gave out are opened by all.
  if (const auto shared = shared_secret(settings.zmq.cluster_secret, "private links"); !shared.empty() && backend->leases())
    secrets.link_key = shared;
  auto books = AgentTokens::open(options.data_folder);
  if (!books) return books.error();
  tokens = std::move(*books);
  tokens->use_config(settings.tokens);
  name_agents();
  for (const auto& weakness : backend->weaknesses()) log_warn("durability", weakness);
  // Before a router of ours could claim. No answer: it is looked at again with the first policy.
  const auto policy = backend->store().entity(partition, "policy", "head");
  return policy && *policy ? check_tenant(**policy) : Result<void>();
}

// Costs as much as a load.
bool Node::Parts::state_is_whole() const {
  const auto loaded = backend->store().load(partition);
  if (!loaded) return false;
  const auto restored = engine::Engine::restore(loaded->entities);
  return restored && restored->state_hash() == loaded->meta.digest;
}

// Two installations on one partition, by mistake: the one's customers would become the other's dead letters, and its agents would
// see the other's conversations (rules J5, I5).
Result<void> Node::Parts::check_tenant(const std::string& policy) const {
  engine::EntityReader reader(policy);
  const auto tenant = reader.text("tenant");
  if (tenant == settings.tenant.text()) return {};
  // Damage is mended by whoever routes, and no reason to stay away for ever.
  if (!reader.good() || tenant.empty() || !state_is_whole()) return {};
  return fail(Fault::malformed, "the state of partition " + std::to_string(partition) + " is tenant " + tenant + "'s, not " + settings.tenant.text() +
                                    "'s: each tenant needs a data folder, or a kafka.partition, or topics and keys, of its own");
}

Result<void> Node::Parts::build(Node& node) {
  metrics = std::make_unique<Metrics>();
  loop = std::make_unique<HttpLoop>();
  blobs = std::make_unique<connectors::BlobStore>(settings.blobs_folder.empty() ? options.data_folder / "blobs"
                                                                                 : std::filesystem::path(settings.blobs_folder));
  live_connectors = std::make_unique<LiveConnectors>(instances_of(settings));
  if (options.roles.edge || options.roles.desk) watch = std::make_unique<JournalWatch>(backend->journal(), partition);
  ingress = std::make_unique<connectors::Ingress>(front_journal(), partition, *blobs, triage_of(settings), clock);
  access_tokens = std::make_unique<connectors::AccessTokens>(clock);
  files = std::make_unique<AgentFiles>(secrets.link_key, settings.tenant, *blobs);
  const auto built = build_posts();
  if (!built) return built.error();
  links = std::make_unique<PrivateLinks>(secrets.link_key, settings.tenant, settings.public_url);
  workers = std::make_unique<HttpWorkers>();
  build_services(node);
  return {};
}

Result<void> Node::Parts::build_posts() {
  auto& journal = backend->journal();
  auto& store = backend->store();
  if (options.roles.desk) {
    DeskGateway::Ports ports{*loop, front_journal(), store, *tokens, *metrics, clock};
    ports.files = files.get();
    ports.carries_files = [this](const ConnectorId& id) { return carries_files(*live_connectors, id); };
    auto opened = DeskPost::open(settings, partition, std::move(ports), backend->leases(), identity);
    if (!opened) return opened.error();
    desk = std::move(*opened);
    if (options.roles.router) desk->router_is_here();
  }
  // Before the router: without a cursor it starts at the end of what is there now (rule E5).
  if (options.roles.edge)
    egress = std::make_unique<EgressPost>(partition, connectors::Egress::Ports{journal, store, clock, blobs.get(), settings.public_url}, instances_of(settings),
                                          installation_is_private(settings.public_url), backend->leases(), identity.life,
                                          connectors::MailHooks{access_tokens->source(), keep_sent_copies(*access_tokens), {}});
  if (!options.roles.router) return {};
  auto opened = RouterPost::open(settings, partition, {journal, store, backend->leases(), desk.get(), clock}, identity);
  if (!opened) return opened.error();
  router = std::move(*opened);
  return {};
}

void Node::Parts::build_services(Node& node) {
  services = std::make_unique<HttpServices>(HttpServices{
      settings.tenant, partition, settings.public_url, secrets.admin_token, version, clock, front_journal(),
      backend->store(), *ingress, *blobs, *live_connectors, router ? &router->router() : nullptr, *tokens,
      desk ? &desk->gateway() : nullptr, *links, *metrics, *workers,
      [this](const std::string& path) -> Result<void> {
        if (backend->leases() != nullptr) return backend->backup(path);
        return write_backup(options.data_folder, path, [this](const auto& file) { return backend->backup(file); });
      },
      [&node] { return node.reload(); }, [this] { return not_ready(); }});
  tries = std::make_unique<ConnectorTries>(*access_tokens, clock);
  services->tries = tries.get();
  services->files = files.get();
  services->roles = options.roles;
  services->node = identity.name;
  services->durability = backend->durability();
  services->snapshots = [this] { return router ? router->snapshots() : std::nullopt; };
  services->egress = [this] { return egress ? std::optional(egress->figures()) : std::nullopt; };
  services->mailboxes = [this] { return mailbox_figures(); };
  services->programs = [this] { return desk ? desk->programs() : std::nullopt; };
  services->journal_trouble = [this] { return watch ? watch->trouble() : ""; };
  services->weaknesses = [this] { return backend->weaknesses(); };
  services->knows_agent = [this](const AgentId& agent) {
    const std::lock_guard hold(naming);
    return std::ranges::find(agents, agent) != agents.end();
  };
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
  if (router) {
    // Embedded nobody reads before the first policy; among several the owner looks as soon as it is one.
    if (backend->leases() != nullptr) {
      const auto begun = router->activate(settings.policy);
      if (!begun) return begun.error();
    }
    const auto routes = router->settle(routing_within);
    if (!routes) return routes.error();
    if (backend->leases() == nullptr) {
      const auto activated = router->activate(settings.policy);
      if (!activated) return activated.error();
    }
  }
  if (backend->leases() != nullptr) {
    const auto ruled = wait_for_policy();
    if (!ruled) return ruled.error();
  }
  if (desk) return desk->settle(announce_within, [this](const GatewayId& id) { return router && router->finds(id); });
  return {};
}

// A message before the first policy would have nowhere to go. Only the very first start waits here.
Result<void> Node::Parts::wait_for_policy() {
  const auto deadline = std::chrono::steady_clock::now() + limits::servers_within;
  bool told = false;
  for (;;) {
    const auto head = backend->store().entity(partition, "engine", "head");
    if (head && *head && !engine::EntityReader(**head).text("policy").empty())
      if (const auto policy = backend->store().entity(partition, "policy", "head"); policy && *policy) return check_tenant(**policy);
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Fault::unavailable, "no router has made a policy active on partition " + std::to_string(partition));
    if (!std::exchange(told, true)) log_info("usherd", "waiting for a router to make the first policy active");
    std::this_thread::sleep_for(look_again_after);
  }
}

Result<void> Node::Parts::open_doors() {
  if (auto* opening = std::exchange(options.doors_opening, nullptr)) *opening = true;
  if (options.roles.edge || options.roles.desk) {
    HttpServerOptions server_options;
    server_options.name = "public";
    server_options.trusted_proxies = settings.trusted_proxies;
    public_server = std::make_unique<HttpServer>(*loop, public_routes(*services), *metrics, std::move(server_options));
    const auto port = public_server->start(settings.http);
    if (!port) return port.error();
    public_address = address_of(settings.http, *port);
  }
  if (desk) {
    const auto opened = desk->open_programs_door(settings);
    if (!opened) return opened.error();
  }
  if (backend->leases() == nullptr)
    retention = std::make_unique<JournalRetention>(
        RetentionPorts{backend->journal(), backend->store(), clock,
                       [this](auto stream, auto where, auto offset) { return backend->erase_before(stream, where, offset); }},
        partition, settings.journal_retention);
  if (options.roles.edge) read_mailboxes();
  open = true;
  return {};
}

// After the first policy, as the other doors: a mail before it would have nowhere to go.
void Node::Parts::read_mailboxes() {
  const std::lock_guard hold(mailing);
  mailboxes = std::make_unique<MailboxesPost>(partition, MailboxesPost::Ports{front_journal(), *ingress, *access_tokens, clock, options.data_folder / "mailboxes"},
                                              instances_of(settings), backend->leases(), identity.life);
}

std::vector<MailboxFigures> Node::Parts::mailbox_figures() {
  const std::lock_guard hold(mailing);
  return mailboxes ? mailboxes->figures() : std::vector<MailboxFigures>();
}

std::string Node::Parts::not_ready() const {
  if (stopping) return "stopping";
  if (!open) return "starting";
  // What customers are told with a 503 is said here too, so that a balancer asks another edge.
  if (watch)
    if (auto trouble = watch->trouble(); !trouble.empty()) return trouble;
  return desk ? desk->trouble() : "";
}

journal::Journal& Node::Parts::front_journal() {
  if (watch) return *watch;
  return backend->journal();
}

void Node::Parts::name_agents() {
  const std::lock_guard hold(naming);
  agents.clear();
  for (const auto& agent : settings.policy.agents) agents.push_back(agent.id);
}

bool Node::stop(Milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  const auto left = [deadline] {
    const auto rest = std::chrono::duration_cast<Milliseconds>(deadline - std::chrono::steady_clock::now());
    return std::max(rest, Milliseconds(0));
  };
  auto& parts = *parts_;
  parts.stopping = true;
  // A reload that is under way sees `stopping` at once where it waits, and a later one at its start.
  { const std::lock_guard hold(parts.reloading); }
  parts.retention.reset();
  bool whole = true;
  if (parts.public_server) parts.public_server->stop_accepting();
  if (parts.tries) parts.tries->stop();
  if (parts.mailboxes) parts.mailboxes->stop();
  if (parts.desk) parts.desk->stop(left());
  if (parts.public_server) whole = parts.public_server->drain(left());
  // No more records come in from outside; what egress still reports and the router still commits is finished. Each gives
  // its lease back with that, so that another process goes on at once.
  if (parts.egress) parts.egress->stop();
  if (parts.router) parts.router->stop();
  // Last, so that /readyz said "stopping" all along.
  if (parts.ops_server) {
    parts.ops_server->stop_accepting();
    whole = parts.ops_server->drain(left()) && whole;
  }
  return whole;
}

std::optional<router::RouterStatus> Node::router_status() const {
  if (!parts_->router) return std::nullopt;
  return parts_->router->router().status();
}

bool Node::router_answered() {
  if (!parts_->router) return true;
  const bool since_last = parts_->answered->exchange(false);
  parts_->router->router().inspect([answered = parts_->answered](const engine::Engine*) { *answered = true; });
  return since_last;
}

const std::string& Node::public_address() const { return parts_->public_address; }
const std::string& Node::ops_address() const { return parts_->ops_address; }

}  // namespace usher::daemon
