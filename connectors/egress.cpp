// Egress: the loop. A window of effects is read ahead; each is attempted once, reported, and the cursor moves over what
// is reported without a gap. Two effects of one conversation are never in flight together, so replies keep their order.
#include "connectors/egress.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "connectors/catalog.hpp"
#include "connectors/send_request.hpp"
#include "connectors/webhook_client.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t window_max = 256;
constexpr std::size_t recent_max = 2048;  // More than a router may have under way when it is paused.
// A receiver that hangs may not hold up all the others.
constexpr std::size_t one_connector_max = limits::webhooks_in_flight_max / 2;
constexpr Milliseconds retry_pause{1'000};       // After the journal or the state failed.
constexpr Milliseconds quiet_pause{60'000};      // Nothing to do: wake() ends it.
constexpr Milliseconds finish_at_most{2'000};    // For what is in flight at the end.
constexpr Milliseconds unconfigured_pause{60'000};
constexpr Milliseconds missing_pause{5'000};
const std::string consumer = egress_consumer;

enum class Stage { ready, in_flight, reporting, done };

struct Attempt {
  Offset offset = offset_none;
  std::string effect;              // Its id.
  SendRequest request;
  Stage stage = Stage::ready;
  std::optional<Verdict> verdict;  // Set once attempted; a report that failed is repeated, the attempt is not.
  Milliseconds not_before{0};
};

// What other threads leave for the carrier's. Outlives it, since the journal keeps the wake-up for ever.
struct Mailbox {
  std::mutex mutex;
  // Guarded by mutex.
  WebhookClient* client = nullptr;  // While it may be woken.
  bool stopping = false;
  bool appended = true;
  std::vector<std::pair<Offset, bool>> reported;
  std::vector<Instance> instances;
  EgressStatus status;

  template <class Change>
  void leave(Change change) {
    const std::lock_guard lock(mutex);
    change(*this);
    if (client != nullptr) client->wake();
  }
};

}  // namespace

struct Egress::Carrier {
  // Constant after construction.
  const Partition partition;
  const Ports ports;
  const std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();

  // The carrier's thread only.
  WebhookClient client;
  std::optional<Offset> next{};         // Where to read on; none: the cursor could not be read yet.
  Offset saved = offset_none;
  std::deque<Attempt> window{};         // By offset.
  std::set<std::string> recent{};       // Ids of the newest effects, and their order.
  std::deque<std::string> recent_order{};
  std::vector<Instance> instances{};
  bool more = true;                     // There may be records beyond the window.
  std::optional<Milliseconds> again{};  // Something failed: look again then.
  std::string trouble{};
  EgressStatus counts{};
  std::thread thread{};

  void find_start();
  void run();
  bool take_mail();
  void read_ahead();
  void take(journal::Stored stored);
  bool seen_before(const std::string& effect);
  void start_ready();
  void attempt(Attempt& attempt, const Instance& instance, const Connector& connector);
  void report(Attempt& attempt);
  void move_cursor();
  void show_status();
  Milliseconds pause() const;
  Attempt* at(Offset offset);
  void hold(const Error& error);
};

Egress::Egress(Partition partition, Ports ports, std::vector<Instance> instances, bool allow_private_addresses)
    : carrier_(new Carrier{partition, ports, std::make_shared<Mailbox>(), WebhookClient(allow_private_addresses)}) {
  const auto mailbox = carrier_->mailbox;
  mailbox->client = &carrier_->client;
  mailbox->instances = std::move(instances);
  carrier_->find_start();
  ports.journal.on_append(journal::Stream::outbound, partition, [mailbox] {
    mailbox->leave([](Mailbox& box) { box.appended = true; });
  });
  carrier_->thread = std::thread([carrier = carrier_.get()] { carrier->run(); });
}

Egress::~Egress() {
  carrier_->mailbox->leave([](Mailbox& box) { box.stopping = true; });
  carrier_->thread.join();
  const std::lock_guard lock(carrier_->mailbox->mutex);
  carrier_->mailbox->client = nullptr;
}

void Egress::use(std::vector<Instance> instances) {
  carrier_->mailbox->leave([&](Mailbox& box) { box.instances = std::move(instances); });
}

EgressStatus Egress::status() const {
  const std::lock_guard lock(carrier_->mailbox->mutex);
  return carrier_->mailbox->status;
}

// Rule E5: without a cursor at the end, and that is saved at once, so that a crash does not move it.
void Egress::Carrier::find_start() {
  auto cursor = ports.journal.cursor(consumer, journal::Stream::outbound, partition);
  if (!cursor) return hold(cursor.error());
  if (cursor->has_value()) {
    next = **cursor;
  } else {
    auto bounds = ports.journal.bounds(journal::Stream::outbound, partition);
    if (!bounds) return hold(bounds.error());
    next = bounds->end;
    ports.journal.save_cursor(consumer, journal::Stream::outbound, partition, *next);
  }
  saved = *next;
  // What was just before, so that a repeat of it is known after a restart too.
  const auto bounds = ports.journal.bounds(journal::Stream::outbound, partition);
  for (auto from = bounds ? std::max(bounds->first, saved - static_cast<Offset>(recent_max)) : saved; from < saved;) {
    const auto records = ports.journal.read(journal::Stream::outbound, partition, from, window_max);
    if (!records || records->empty()) break;
    for (const auto& record : *records)
      if (record.offset < saved) static_cast<void>(seen_before(record.entry.id));
    from = records->back().offset + 1;
  }
}

void Egress::Carrier::run() {
  std::optional<Milliseconds> finish_by;
  for (;;) {
    const bool stopping = take_mail();
    if (again && ports.clock.steady() >= *again) {
      again.reset();
      trouble.clear();  // Whatever still fails says so again.
    }
    if (!stopping) {
      if (!again && !next) find_start();
      read_ahead();
      start_ready();
    }
    move_cursor();
    show_status();
    if (stopping) {
      if (!finish_by) finish_by = ports.clock.steady() + finish_at_most;
      const bool busy = std::any_of(window.begin(), window.end(), [](const Attempt& one) {
        return one.stage == Stage::in_flight || one.stage == Stage::reporting;
      });
      if (!busy || ports.clock.steady() >= *finish_by) return;
    }
    for (auto& [ticket, result] : client.finished(stopping ? Milliseconds{50} : pause())) {
      Attempt* const attempt = at(static_cast<Offset>(ticket));
      expect(attempt != nullptr && attempt->stage == Stage::in_flight, "what finished had been started");
      attempt->verdict = judge(result);
      report(*attempt);
    }
  }
}

bool Egress::Carrier::take_mail() {
  std::vector<std::pair<Offset, bool>> reported;
  bool stopping = false;
  {
    const std::lock_guard lock(mailbox->mutex);
    reported.swap(mailbox->reported);
    more = more || mailbox->appended;
    mailbox->appended = false;
    instances = mailbox->instances;
    stopping = mailbox->stopping;
  }
  for (const auto& [offset, done] : reported) {
    Attempt* const attempt = at(offset);
    if (attempt == nullptr) continue;
    attempt->stage = done ? Stage::done : Stage::ready;
    if (done) continue;
    attempt->not_before = ports.clock.steady() + retry_pause;
    hold(fail(Fault::unavailable, "a delivery could not be appended"));
  }
  return stopping;
}

void Egress::Carrier::read_ahead() {
  if (!next || again || !more || window.size() >= window_max) return;
  auto records = ports.journal.read(journal::Stream::outbound, partition, *next, window_max - window.size());
  if (!records && records.error().fault == Fault::not_found) {
    // Erased before it was sent: nobody can send it now. Said in the status, and the rest goes on.
    auto bounds = ports.journal.bounds(journal::Stream::outbound, partition);
    if (!bounds) return hold(bounds.error());
    // Not to be skipped: this stream was made anew, or lost its end, and where one is to go on was noted elsewhere (rule J2).
    if (*next > bounds->end)
      return hold(fail(Fault::unavailable, "the outbound stream is not the one that was read so far; restart this process"));
    next = counts.erased_before = std::max(*next, bounds->first);
    return;
  }
  if (!records) return hold(records.error());
  more = !records->empty();
  for (journal::Stored& stored : *records) take(std::move(stored));
}

// Rule E2: an owner that was paused may publish what its successor has published already, under the same ids.
bool Egress::Carrier::seen_before(const std::string& effect) {
  if (!recent.insert(effect).second) return true;
  recent_order.push_back(effect);
  if (recent_order.size() > recent_max) {
    recent.erase(recent_order.front());
    recent_order.pop_front();
  }
  return false;
}

void Egress::Carrier::take(journal::Stored stored) {
  next = stored.offset + 1;
  const bool repeated = seen_before(stored.entry.id);
  Attempt attempt;
  attempt.offset = stored.offset;
  attempt.effect = std::move(stored.entry.id);
  attempt.stage = Stage::done;
  if (stored.entry.type == send_request_type && !repeated) {
    auto request = decode_send_request(stored.entry.value);
    if (request) {
      attempt.request = std::move(*request);
      attempt.stage = Stage::ready;
    } else {
      ++counts.unreadable;  // It names no reply, so there is nobody to tell.
    }
  }
  window.push_back(std::move(attempt));
}

void Egress::Carrier::start_ready() {
  std::set<ConversationId> busy;
  std::map<ConnectorId, std::size_t> in_flight;
  for (const Attempt& one : window)
    if (one.stage == Stage::in_flight) ++in_flight[one.request.connector];
  for (Attempt& one : window) {
    if (one.stage == Stage::done) continue;
    const bool first = busy.insert(one.request.conversation).second;
    if (!first || one.stage != Stage::ready || ports.clock.steady() < one.not_before) continue;
    if (one.verdict) {
      report(one);
      continue;
    }
    const auto instance = std::find_if(instances.begin(), instances.end(), [&](const Instance& i) { return i.id == one.request.connector; });
    const Connector* connector = instance == instances.end() ? nullptr : find_connector(instance->type);
    if (connector == nullptr) {
      one.verdict = Verdict{DeliveryState::deferred, "the connector is not configured", unconfigured_pause, "not_configured"};
      report(one);
      continue;
    }
    if (client.in_flight() >= limits::webhooks_in_flight_max || in_flight[one.request.connector] >= one_connector_max) continue;
    attempt(one, *instance, *connector);
    if (one.stage == Stage::in_flight) ++in_flight[one.request.connector];
  }
}

void Egress::Carrier::attempt(Attempt& attempt, const Instance& instance, const Connector& connector) {
  const auto failed = [&](std::string why) {
    attempt.verdict = Verdict{DeliveryState::failed, std::move(why), {}, "unrenderable"};
    report(attempt);
  };
  auto body = ports.state.body(partition, attempt.request.in_reply_to);
  if (!body) {
    attempt.not_before = ports.clock.steady() + retry_pause;
    return hold(body.error());
  }
  if (!body->has_value()) {  // Erased, or on its way back into a store that was lost: the last attempt will tell.
    attempt.verdict = Verdict{DeliveryState::deferred, "the message it answers is not kept at this moment", missing_pause, "text_missing"};
    return report(attempt);
  }
  auto message = decode_message((*body)->json);
  if (!message) return failed("the message it answers cannot be read");

  const SendRequest& request = attempt.request;
  auto rendered = connector.render(instance,
                                   Outbound{request.reply, request.conversation, request.attempt, request.author_name, request.text,
                                            request.written_at, std::move(*message)},
                                   ports.clock.wall());
  if (!rendered) return failed(rendered.error().detail);
  if (auto* post = std::get_if<HttpPost>(&*rendered)) {
    attempt.stage = Stage::in_flight;
    client.start(static_cast<std::uint64_t>(attempt.offset), std::move(*post));
    return;
  }
  attempt.verdict = Verdict{DeliveryState::sent, "kept for the customer", {}};
  report(attempt);
}

void Egress::Carrier::report(Attempt& attempt) {
  const Verdict& verdict = *attempt.verdict;
  if (!verdict.kind.empty()) counts.last_error = verdict.kind;
  const Record record =
      DeliveryReported{attempt.request.reply, attempt.request.attempt, verdict.state, verdict.detail, verdict.retry_after};
  attempt.stage = Stage::reporting;
  const Offset offset = attempt.offset;
  journal::Entry entry{attempt.effect + "/delivery", std::string(record_type(record)), encode(record)};
  ports.journal.append(journal::Stream::inbound, partition, std::move(entry),
                       [mailbox = mailbox, offset](Result<journal::Appended> appended) {
                         mailbox->leave([&](Mailbox& box) { box.reported.emplace_back(offset, appended.has_value()); });
                       });
}

void Egress::Carrier::move_cursor() {
  while (!window.empty() && window.front().stage == Stage::done) {
    const auto& verdict = window.front().verdict;
    if (verdict && verdict->state == DeliveryState::sent) ++counts.sent;
    else if (verdict && verdict->state == DeliveryState::deferred) ++counts.deferred;
    else if (verdict) ++counts.failed;
    window.pop_front();
  }
  if (!next) return;
  const Offset reached = window.empty() ? *next : window.front().offset;
  if (reached == saved) return;
  ports.journal.save_cursor(consumer, journal::Stream::outbound, partition, reached);
  saved = reached;
  more = true;  // There is room in the window again.
}

void Egress::Carrier::show_status() {
  counts.cursor = saved;
  counts.trouble = trouble;
  counts.pending = static_cast<std::size_t>(
      std::count_if(window.begin(), window.end(), [](const Attempt& one) { return one.stage != Stage::done; }));
  const std::lock_guard lock(mailbox->mutex);
  mailbox->status = counts;
}

Milliseconds Egress::Carrier::pause() const {
  {
    const std::lock_guard lock(mailbox->mutex);
    if (mailbox->stopping || mailbox->appended || !mailbox->reported.empty()) return Milliseconds{0};
  }
  if (!next || again) return retry_pause;
  return more && window.size() < window_max ? Milliseconds{0} : quiet_pause;
}

Attempt* Egress::Carrier::at(Offset offset) {
  const auto found = std::lower_bound(window.begin(), window.end(), offset, [](const Attempt& one, Offset wanted) { return one.offset < wanted; });
  return found == window.end() || found->offset != offset ? nullptr : &*found;
}

void Egress::Carrier::hold(const Error& error) {
  trouble = error.detail;
  again = ports.clock.steady() + retry_pause;
}

}  // namespace usher::connectors
