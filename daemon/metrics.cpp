// The metrics of one daemon; see metrics.hpp. prometheus-cpp locks inside; what happens often is looked up once and
// kept.
#include "daemon/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "routing/engine/step.hpp"

namespace usher::daemon {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Registry;

prometheus::Family<prometheus::Counter>& counter(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& gauge(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}

// Totals that are kept elsewhere and only grow.
void raise_to(prometheus::Counter& counter, std::uint64_t total) {
  if (const auto more = static_cast<double>(total) - counter.Value(); more > 0) counter.Increment(more);
}

double seconds(message::Milliseconds span) { return static_cast<double>(span.count()) / 1000.0; }

}  // namespace

struct Metrics::Families {
  Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      counter(registry, "usher_http_requests_total", "HTTP requests answered, by listener, route and status.");
  prometheus::Family<prometheus::Gauge>& open = gauge(registry, "usher_http_connections", "Open HTTP connections.");
  prometheus::Histogram& appends = BuildHistogram()
                                       .Name("usher_append_seconds")
                                       .Help("From handing a record to the journal until it is durable.")
                                       .Register(registry)
                                       .Add({}, prometheus::Histogram::BucketBoundaries{
                                                    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5});
  prometheus::Counter& append_failures =
      counter(registry, "usher_append_failures_total", "Records the journal did not take.").Add({});
  prometheus::Gauge& sessions = gauge(registry, "usher_agent_sessions", "Agents' sessions on this gateway.").Add({});
  prometheus::Family<prometheus::Counter>& closes =
      counter(registry, "usher_agent_sessions_closed_total", "Agents' sessions ended, by close code.");
  prometheus::Family<prometheus::Counter>& commands =
      counter(registry, "usher_agent_commands_total", "Agents' commands, by type and what the gateway did with them.");
  prometheus::Family<prometheus::Counter>& refusals =
      counter(registry, "usher_input_refused_total", "Input refused before the journal, by reason.");
  prometheus::Family<prometheus::Counter>& reloads =
      counter(registry, "usher_reloads_total", "Reloads of the configuration, by result.");
  prometheus::Family<prometheus::Gauge>& phase =
      gauge(registry, "usher_router_phase", "1 for the phase the router is in.");
  prometheus::Gauge& records = gauge(registry, "usher_router_records", "Records applied since start.").Add({});
  prometheus::Gauge& commits = gauge(registry, "usher_router_commits", "Commits since start.").Add({});
  prometheus::Gauge& dead_letters =
      gauge(registry, "usher_router_dead_letters", "Records set aside as dead letters since start.").Add({});
  prometheus::Gauge& lag =
      gauge(registry, "usher_router_lag_records", "Records in the journal and not yet committed.").Add({});
  prometheus::Gauge& rewrites =
      gauge(registry, "usher_router_rewrites", "Times since start that the state store was written anew.").Add({});
  prometheus::Gauge& texts_missing =
      gauge(registry, "usher_router_texts_missing", "Texts still to be written again after that.").Add({});
  prometheus::Gauge& texts_lost =
      gauge(registry, "usher_router_texts_lost", "Texts that the journal no longer had then.").Add({});
  prometheus::Gauge& texts_mended =
      gauge(registry, "usher_router_texts_mended", "Texts found missing or changed in the store and written again.").Add({});
  prometheus::Gauge& snapshots = gauge(registry, "usher_snapshots", "Snapshots written since start.").Add({});
  prometheus::Gauge& snapshot_offset =
      gauge(registry, "usher_snapshot_offset", "Offset of the newest snapshot written here; -1: none yet.").Add({});
  prometheus::Gauge& differences =
      gauge(registry, "usher_snapshot_differences", "Times that the stored state was not the fold of the journal.").Add({});
  prometheus::Gauge& egress_here =
      gauge(registry, "usher_egress_here", "1 while this process is the one that sends replies.").Add({});
  prometheus::Gauge& egress_pending =
      gauge(registry, "usher_egress_pending", "Replies read and not reported yet, at most one window.").Add({});
  prometheus::Gauge& egress_stuck =
      gauge(registry, "usher_egress_stuck", "1 while the journal or the state keeps replies from moving.").Add({});
  prometheus::Family<prometheus::Counter>& egress_attempts =
      counter(registry, "usher_egress_attempts_total", "Attempts to send a reply, by what became of them.");
  prometheus::Family<prometheus::Gauge>& egress_error =
      gauge(registry, "usher_egress_last_error", "1 for the kind of the newest attempt that was not sent.");
  prometheus::Family<prometheus::Gauge>& mailboxes_here =
      gauge(registry, "usher_mailbox_here", "1 while this process is the one that reads the mailbox.");
  prometheus::Family<prometheus::Gauge>& mailboxes_connected =
      gauge(registry, "usher_mailbox_connected", "1 while the mailbox's server is connected and nothing is wrong.");
  prometheus::Family<prometheus::Gauge>& mailboxes_polled =
      gauge(registry, "usher_mailbox_last_poll_seconds", "When the mailbox was last looked through, in Unix seconds.");
  prometheus::Family<prometheus::Counter>& mailboxes_mails =
      counter(registry, "usher_mailbox_mails_total", "Mails of the mailbox, by what became of them: taken, passed_over.");
  prometheus::Family<prometheus::Counter>& copies =
      counter(registry, "usher_sent_copies_total", "Copies of sent mails, by what became of them: kept, failed, dropped.");
  prometheus::Family<prometheus::Gauge>& programs =
      gauge(registry, "usher_zmq_connections", "Connections of agents' programs, with a session and without.");
  prometheus::Family<prometheus::Gauge>& programs_bytes =
      gauge(registry, "usher_zmq_waiting_bytes", "Bytes held for agents' programs, by direction.");
  prometheus::Counter& programs_cut =
      counter(registry, "usher_zmq_cut_total", "Connections without a session cut off to make room for newer ones.").Add({});
  prometheus::Gauge& journal_answers =
      gauge(registry, "usher_journal_answers", "1 while the journal answers and takes records.").Add({});
  prometheus::Counter& log_dropped =
      counter(registry, "usher_log_lines_dropped_total", "Lines dropped since the reader of the log was too slow.").Add({});
  prometheus::Family<prometheus::Gauge>& conversations =
      gauge(registry, "usher_conversations", "Conversations that are not closed, by queue and state.");
  prometheus::Family<prometheus::Gauge>& oldest =
      gauge(registry, "usher_queue_oldest_waiting_seconds", "Age of the longest waiting conversation of a queue.");
  prometheus::Family<prometheus::Gauge>& agents =
      gauge(registry, "usher_agents", "Agents by declared presence, and whether they are connected.");

  std::mutex mutex;
  // Guarded by mutex: counters already looked up by their labels.
  std::map<std::tuple<std::string, std::string, int>, prometheus::Counter*> request_counters;
  // Guarded by mutex: the one kind shown, or null.
  prometheus::Gauge* last_error = nullptr;
  // Guarded by mutex: one scrape at a time fills the gauges.
  void fill(const router::RouterStatus& status, const engine::Engine* engine, message::Instant now);
};

void Metrics::Families::fill(const router::RouterStatus& status, const engine::Engine* engine, message::Instant now) {
  for (const auto each : router::phases)
    phase.Add({{"phase", std::string(router::phase_name(each))}}).Set(each == status.phase ? 1 : 0);
  records.Set(static_cast<double>(status.records));
  commits.Set(static_cast<double>(status.commits));
  dead_letters.Set(static_cast<double>(status.dead_letters));
  lag.Set(static_cast<double>(status.lag_records));
  rewrites.Set(static_cast<double>(status.rewrites));
  texts_missing.Set(static_cast<double>(status.texts_missing));
  texts_lost.Set(static_cast<double>(status.texts_lost));
  texts_mended.Set(static_cast<double>(status.texts_mended));
  if (engine == nullptr) return;
  for (const auto& queue : engine->queues()) {
    const auto& name = queue.id.text();
    const std::pair<const char*, std::uint64_t> counts[] = {{"waiting", queue.waiting},
                                                            {"offered", queue.offered},
                                                            {"assigned", queue.assigned},
                                                            {"snoozed", queue.snoozed},
                                                            {"wrap_up", queue.wrap_up}};
    for (const auto& [state, count] : counts)
      conversations.Add({{"queue", name}, {"state", state}}).Set(static_cast<double>(count));
    const auto age = queue.oldest_waiting_since ? now - *queue.oldest_waiting_since : message::Milliseconds{0};
    oldest.Add({{"queue", name}}).Set(seconds(age));
  }
  std::map<std::pair<std::string, bool>, int> by_presence;
  for (const char* word : {"offline", "away", "available"})
    for (const bool connected : {false, true}) by_presence[{word, connected}] = 0;
  for (const auto& agent : engine->agents()) {
    const char* word = agent.presence == message::Presence::available ? "available"
                       : agent.presence == message::Presence::away    ? "away"
                                                                      : "offline";
    ++by_presence[{word, agent.connected}];
  }
  for (const auto& [key, count] : by_presence)
    agents.Add({{"presence", key.first}, {"connected", key.second ? "true" : "false"}}).Set(count);
}

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::request(const std::string& server, const std::string& route, int status) {
  prometheus::Counter* counted = nullptr;
  {
    const std::lock_guard lock(families_->mutex);
    auto& known = families_->request_counters[{server, route, status}];
    if (known == nullptr)
      known = &families_->requests.Add({{"listener", server}, {"route", route}, {"status", std::to_string(status)}});
    counted = known;
  }
  counted->Increment();
}

void Metrics::connections(const std::string& server, std::int64_t now) {
  families_->open.Add({{"listener", server}}).Set(static_cast<double>(now));
}

void Metrics::append(std::chrono::nanoseconds took, bool accepted) {
  if (!accepted) return families_->append_failures.Increment();
  families_->appends.Observe(std::chrono::duration<double>(took).count());
}

void Metrics::sessions(std::int64_t now) { families_->sessions.Set(static_cast<double>(now)); }

void Metrics::session_closed(int code) { families_->closes.Add({{"code", std::to_string(code)}}).Increment(); }

void Metrics::command(const std::string& type, const std::string& result) {
  families_->commands.Add({{"type", type}, {"result", result}}).Increment();
}

void Metrics::refused(const std::string& why) { families_->refusals.Add({{"reason", why}}).Increment(); }

void Metrics::reload(bool good) { families_->reloads.Add({{"result", good ? "good" : "bad"}}).Increment(); }

void Metrics::snapshots(const router::SnapshotStatus& status) {
  families_->snapshots.Set(static_cast<double>(status.written));
  families_->snapshot_offset.Set(static_cast<double>(status.last));
  families_->differences.Set(static_cast<double>(status.differences));
}

void Metrics::egress(bool here, const connectors::EgressStatus& status) {
  auto& shown = *families_;
  shown.egress_here.Set(here ? 1 : 0);
  shown.egress_pending.Set(static_cast<double>(status.pending));
  shown.egress_stuck.Set(status.trouble.empty() ? 0 : 1);
  const std::lock_guard lock(shown.mutex);
  const std::pair<const char*, std::uint64_t> results[] = {
      {"sent", status.sent}, {"deferred", status.deferred}, {"failed", status.failed}, {"unreadable", status.unreadable}};
  for (const auto& [result, total] : results) raise_to(shown.egress_attempts.Add({{"result", result}}), total);
  const std::pair<const char*, std::uint64_t> copies[] = {{"kept", status.copies.kept}, {"failed", status.copies.failed}, {"dropped", status.copies.dropped}};
  for (const auto& [result, total] : copies) raise_to(shown.copies.Add({{"result", result}}), total);
  if (shown.last_error != nullptr) shown.last_error->Set(0);
  shown.last_error = status.last_error.empty() ? nullptr : &shown.egress_error.Add({{"kind", status.last_error}});
  if (shown.last_error != nullptr) shown.last_error->Set(1);
}

void Metrics::mailboxes(const std::vector<MailboxFigures>& figures) {
  auto& shown = *families_;
  const std::lock_guard lock(shown.mutex);
  for (const auto& one : figures) {
    const auto& status = one.status;
    shown.mailboxes_here.Add({{"connector", one.connector}}).Set(one.here ? 1 : 0);
    shown.mailboxes_connected.Add({{"connector", one.connector}}).Set(status.connected && status.trouble.empty() ? 1 : 0);
    if (status.last_poll) shown.mailboxes_polled.Add({{"connector", one.connector}}).Set(static_cast<double>(message::unix_ms(*status.last_poll) / 1000));
    raise_to(shown.mailboxes_mails.Add({{"connector", one.connector}, {"result", "taken"}}), status.taken);
    raise_to(shown.mailboxes_mails.Add({{"connector", one.connector}, {"result", "passed_over"}}), status.passed_over);
  }
}

void Metrics::programs(const ZmqAgentsFigures& figures) {
  auto& shown = *families_;
  shown.programs.Add({{"session", "yes"}}).Set(static_cast<double>(figures.sessions));
  shown.programs.Add({{"session", "no"}}).Set(static_cast<double>(figures.strangers));
  shown.programs_bytes.Add({{"direction", "out"}}).Set(static_cast<double>(figures.send_bytes));
  shown.programs_bytes.Add({{"direction", "in"}}).Set(static_cast<double>(figures.heard_bytes));
  const std::lock_guard lock(shown.mutex);
  raise_to(shown.programs_cut, figures.cut);
}

void Metrics::process(bool journal_answers, std::uint64_t log_lines_dropped) {
  families_->journal_answers.Set(journal_answers ? 1 : 0);
  const std::lock_guard lock(families_->mutex);
  raise_to(families_->log_dropped, log_lines_dropped);
}

std::string Metrics::text(const std::optional<router::RouterStatus>& status, const engine::Engine* engine, message::Instant now) {
  const std::lock_guard lock(families_->mutex);
  if (status) families_->fill(*status, engine, now);
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace usher::daemon
