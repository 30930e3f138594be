// Node: reading the configuration again. All or nothing, but for what other nodes decide.
#include "daemon/config_catalog.hpp"
#include "daemon/logging.hpp"
#include "daemon/node_parts.hpp"

namespace usher::daemon {

std::shared_ptr<const connectors::Triage> triage_of(const config::Settings& settings) {
  return std::make_shared<const connectors::Triage>(settings.labels);
}

Result<void> Node::reload() {
  const std::lock_guard hold(parts_->reloading);
  if (parts_->stopping) return fail(Fault::unavailable, "stopping");
  if (!parts_->open) return fail(Fault::unavailable, "starting");
  auto loaded = load_settings(parts_->options.config_file);
  std::string lines;
  for (const auto& line : loaded.problems.lines) {
    log_error("config", line);
    lines += (lines.empty() ? "" : "\n") + line;
  }
  Result<void> done = fail(Fault::malformed, lines);
  if (loaded.settings) {
    done = parts_->apply(std::move(*loaded.settings));
    if (!done && parts_->stopping) {
      log_info("config", "the stop ended a reload; the next start reads the file");
      return done;
    }
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
  const auto activated = activate(fresh.policy);
  if (!activated) return activated.error();
  ingress->use(triage_of(fresh));
  live_connectors->use(instances_of(fresh));
  if (egress) egress->use(instances_of(fresh));
  if (mailboxes) mailboxes->use(instances_of(fresh));
  tokens->use_config(fresh.tokens);
  if (desk) desk->use(fresh);
  if (retention) retention->use(fresh.journal_retention);
  set_log_level(parse_log_level(fresh.log_level));
  warn_of_restart(fresh);
  settings = std::move(fresh);
  name_agents();
  return {};
}

// Rule P1: by the owner of the partition alone. The others take what is theirs, and say that the policy is not.
Result<void> Node::Parts::activate(const Policy& policy) {
  if (router && !router->stands_by()) {
    if (backend->leases() != nullptr && !router->owns())
      return fail(Fault::unavailable, "the router is not routing at this moment; try again");
    auto ports = router->policy_ports();
    ports.give_up = [this] { return stopping.load(); };
    const auto activated = activate_policy(ports, policy, policy_within);
    if (!activated) return activated.error();
    if (*activated) log_info("config", "policy activated", {{"policy", policy_hash(policy)}});
    return {};
  }
  if (policy_hash(policy) != policy_hash(settings.policy))
    log_warn("config", "queues, rules, agents and times become active by a reload of the node whose router owns the partition");
  return {};
}

void Node::Parts::warn_of_restart(const config::Settings& fresh) const {
  const auto warn = [](const char* key) { log_warn("config", "this key takes effect after a restart", {{"key", key}}); };
  const auto differs = [](const config::Listen& one, const config::Listen& other) {
    return one.host != other.host || one.port != other.port;
  };
  auto zmq = fresh.zmq;
  zmq.allowed_keys = settings.zmq.allowed_keys;
  if (differs(fresh.http, settings.http)) warn("http.listen");
  if (fresh.public_url != settings.public_url) warn("http.public_url");
  if (differs(fresh.ops, settings.ops)) warn("ops.listen");
  if (fresh.log_format != settings.log_format) warn("log.format");
  if (fresh.agent_origins != settings.agent_origins) warn("desk.origins");
  if (fresh.trusted_proxies != settings.trusted_proxies) warn("trusted_proxies");
  if (fresh.kafka != settings.kafka) warn("kafka");
  if (fresh.redis != settings.redis) warn("redis");
  if (zmq != settings.zmq) warn("zmq");
  if (fresh.node_name != settings.node_name) warn("node.name");
  if (fresh.blobs_folder != settings.blobs_folder) warn("blobs");
  if (fresh.secrets_folder != settings.secrets_folder) warn("secrets");
}

}  // namespace usher::daemon
