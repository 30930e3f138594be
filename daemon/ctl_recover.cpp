// `usherctl recover [--from OFFSET] [--yes]` (rule J2): goes on with a log that is not the one the tracked state was made from. Says what it
// would do; with --yes it does it. Talks to Kafka and Redis as the configuration says; no daemon need run.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "connectors/egress.hpp"
#include "daemon/agent_tokens.hpp"
#include "daemon/config_catalog.hpp"
#include "daemon/ctl.hpp"
#include "daemon/node_lease.hpp"
#include "daemon/node_servers.hpp"
#include "daemon/secret_files.hpp"
#include "routing/journal/kafka_journal.hpp"
#include "routing/router/recovery.hpp"

namespace usher::daemon {
namespace {

constexpr auto kafka_within = Milliseconds(10'000);
constexpr auto mark_within = std::chrono::seconds(10);
constexpr auto mark_look_every = std::chrono::milliseconds(100);
constexpr auto lease_wait = Milliseconds(limits::router_lease) + Milliseconds(1'000);

struct Choice {
  std::string config = "usher.yaml";
  bool yes = false;
  std::optional<Offset> from;
};

std::string_view found_name(router::LogFound found) {
  switch (found) {
    case router::LogFound::made_anew: return "made_anew";
    case router::LogFound::cut_off: return "cut_off";
    case router::LogFound::note_lost: return "note_lost";
  }
  return "unknown";
}

std::string sentence(router::LogFound found) {
  switch (found) {
    case router::LogFound::made_anew:
      return "The log of the partition is another one than the state was made from: its topic was made anew.";
    case router::LogFound::cut_off: return "The log of the partition has lost its end.";
    case router::LogFound::note_lost: return "The log is the right one, but which incarnation it is has been forgotten.";
  }
  return "";
}

void show(const router::RecoveryPlan& plan, bool done) {
  std::printf("%s\n", sentence(plan.found).c_str());
  std::printf("It %s with %s as of %s, after offset %lld: %llu conversations, %llu effects still to go out.\n",
              done ? "goes on" : "would go on", plan.from_snapshot ? "the newest snapshot" : "the tracked state",
              format_rfc3339(plan.as_of).c_str(), static_cast<long long>(plan.next.after),
              static_cast<unsigned long long>(plan.conversations), static_cast<unsigned long long>(plan.unpublished));
  std::printf("Of the log %lld records are applied, from its offset %lld on, as incarnation %lld of the partition.\n",
              static_cast<long long>(plan.records), static_cast<long long>(plan.next.begins),
              static_cast<long long>(plan.next.number));
  if (plan.found != router::LogFound::note_lost)
    std::puts("What the old log held after that offset is lost: messages that were acknowledged and not yet routed.");
  if (plan.from_snapshot) std::puts("What happened between the snapshot and the loss of the state is lost as well.");
  std::puts(done ? "Recovered. Now restart every usherd."
                 : "Nothing was changed. Do it with: usherctl recover --yes");
}

void show_json(const router::RecoveryPlan& plan, bool done) {
  const boost::json::object answer{{"found", found_name(plan.found)},
                                   {"incarnation", plan.next.number},
                                   {"after", plan.next.after},
                                   {"begins", plan.next.begins},
                                   {"from", plan.from_snapshot ? "snapshot" : "state"},
                                   {"as_of", format_rfc3339(plan.as_of)},
                                   {"conversations", plan.conversations},
                                   {"unpublished", plan.unpublished},
                                   {"records", plan.records},
                                   {"done", done}};
  std::puts(boost::json::serialize(answer).c_str());
}

// Rule E5: without a mark egress begins at the end, and a mark goes with its topic. Set now, before anybody publishes, it
// misses nothing of what is published before egress is there. `other`: the same journal, which has to ask for the mark.
Result<void> mark_egress(journal::Journal& log, journal::Journal& other, Partition partition) {
  const auto saved = log.cursor(connectors::egress_consumer, journal::Stream::outbound, partition);
  if (!saved) return saved.error();
  const auto bounds = log.bounds(journal::Stream::outbound, partition);
  if (!bounds) return bounds.error();
  if (*saved && **saved <= bounds->end) return {};
  log.save_cursor(connectors::egress_consumer, journal::Stream::outbound, partition, bounds->end);
  for (const auto until = std::chrono::steady_clock::now() + mark_within; std::chrono::steady_clock::now() < until;) {
    const auto there = other.cursor(connectors::egress_consumer, journal::Stream::outbound, partition);
    if (there && *there == bounds->end) return {};
    std::this_thread::sleep_for(mark_look_every);
  }
  return fail(Fault::unavailable, "from where on replies are sent could not be noted; nothing else was changed");
}

// While it is noted nobody may route: what is planned would be old by then.
Result<router::RecoveryPlan> recover_alone(journal::Journal& log, journal::Journal& other, state::StateStore& store,
                                           state::Leases& leases, Partition partition, std::optional<Offset> from) {
  const auto name = "partition/" + std::to_string(partition);
  const HeldLease lease(leases, {name, "usherctl-" + sha256_of(random_bytes(16)).substr(0, 12), "usherctl recover"}, Milliseconds(limits::router_lease));
  if (!lease.wait_held(lease_wait))
    return fail(Fault::conflict, "a router holds " + name + ": stop every usherd that has the router role, then try again");
  auto plan = router::plan_recovery(log, store, partition, from);
  if (!plan) return plan;
  if (!lease.held()) return fail(Fault::unavailable, name + " could not be held");
  if (const auto marked = mark_egress(log, other, partition); !marked) return marked.error();
  if (const auto done = router::recover(log, partition, *plan); !done) return done.error();
  return plan;
}

Exit recover(const CtlContext& context, const Choice& choice) {
  const auto loaded = load_settings(choice.config);
  for (const auto& line : loaded.problems.lines) std::fprintf(stderr, "%s\n", line.c_str());
  if (!loaded.settings) return Exit::config;
  const auto& settings = *loaded.settings;
  if (!settings.kafka || !settings.redis) {
    std::fprintf(stderr, "usherctl: %s names no Kafka and Redis: the embedded form has its log and its state in one file\n",
                 choice.config.c_str());
    return Exit::config;
  }
  auto kafka = kafka_options(*settings.kafka);
  kafka.log = {};
  const auto log = journal::KafkaJournal::open(kafka, kafka_within);
  if (!log) return complain(log.error());
  const auto other = journal::KafkaJournal::open(kafka, kafka_within);
  if (!other) return complain(other.error());
  const auto redis = redis_options(*settings.redis);
  const auto store = state::RedisStore::open(redis);
  if (!store) return complain(store.error());
  state::RedisLeases leases(redis);
  const auto partition = settings.kafka->partition;
  const auto plan = choice.yes ? recover_alone(**log, **other, **store, leases, partition, choice.from)
                               : router::plan_recovery(**log, **store, partition, choice.from);
  if (!plan) return complain(plan.error());
  if (context.json) show_json(*plan, choice.yes);
  else {
    std::printf("Kafka %s, topics %s.*; Redis %s; partition %d.\n", kafka.brokers.c_str(), kafka.topic_prefix.c_str(),
                redis.key_prefix.c_str(), partition);
    show(*plan, choice.yes);
  }
  return Exit::ok;
}

}  // namespace

void add_recover_command(CLI::App& app, CtlContext& context) {
  auto choice = std::make_shared<Choice>();
  auto* command = app.add_subcommand("recover", "Go on with a log in Kafka that is not the one of the tracked state");
  command->add_option("--config", choice->config, "The daemon's configuration file")->envname("USHER_CONFIG")->capture_default_str();
  command->add_option("--from", choice->from, "The first record of the log that counts, when it cannot be found out");
  command->add_flag("--yes", choice->yes, "Do it; without, only say what would be done");
  command->callback([&context, choice] { context.chosen = [&context, choice] { return recover(context, *choice); }; });
}

}  // namespace usher::daemon
