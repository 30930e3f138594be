// Egress: the loop. A window of effects is read ahead; each is attempted once, reported, and the cursor moves over what
// is reported without a gap. Two effects of one conversation are never in flight together, so replies keep their order.
#include "connectors/egress.hpp"

#include <algorithm>
#include <charconv>

#include "connectors/egress_carrier.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t window_max = 256;   // Not reported yet.
static_assert(limits::mails_waiting_in_all_max + limits::mails_in_flight_max <= window_max - 100, "mails leave room for what is no mail");
constexpr std::size_t behind_max = 8192;  // With those that are and wait for one before them: a mail may take ten minutes.
constexpr int stretches_at_once = 16;      // Of the inbound stream, searched before anything else has its turn.
constexpr std::size_t recent_max = 2048;  // More than a router may have under way when it is paused.
constexpr Milliseconds quiet_pause{60'000};      // Nothing to do: wake() ends it.
constexpr Milliseconds finish_at_most{5'000};    // For what is in flight at the end.
const std::string consumer = egress_consumer;

}  // namespace

std::optional<Offset> cause_of(std::string_view effect) {
  const std::size_t slash = effect.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Offset cause = 0;
  const auto [end, error] = std::from_chars(effect.data() + slash + 1, effect.data() + effect.size(), cause);
  return error == std::errc{} && end != effect.data() + effect.size() && *end == '/' ? std::optional(cause) : std::nullopt;
}

Egress::Egress(Partition partition, Ports ports, std::vector<Instance> instances, bool allow_private_addresses, MailHooks hooks) {
  const auto notes = std::make_shared<EgressNotes>();
  const auto mailed = [notes](std::uint64_t ticket, std::optional<Verdict> verdict) {
    notes->leave([&](EgressNotes& left) { left.mailed.emplace_back(static_cast<Offset>(ticket), std::move(verdict)); });
  };
  carrier_.reset(new Carrier{partition, ports, notes, WebhookClient(allow_private_addresses), MailLane(ports.clock, std::move(hooks), mailed)});
  notes->client = &carrier_->client;
  notes->instances = std::move(instances);
  carrier_->find_start();
  ports.journal.on_append(journal::Stream::outbound, partition, [notes] {
    notes->leave([](EgressNotes& left) { left.appended = true; });
  });
  carrier_->thread = std::thread([carrier = carrier_.get()] { carrier->run(); });
}

Egress::~Egress() {
  carrier_->notes->leave([](EgressNotes& left) { left.stopping = true; });
  carrier_->thread.join();
  const std::lock_guard lock(carrier_->notes->mutex);
  carrier_->notes->client = nullptr;
}

void Egress::use(std::vector<Instance> instances) {
  carrier_->notes->leave([&](EgressNotes& left) { left.instances = std::move(instances); });
}

EgressStatus Egress::status() const {
  const std::lock_guard lock(carrier_->notes->mutex);
  return carrier_->notes->status;
}

// Rule E5: without a cursor at the end, and that is saved at once, so that a crash does not move it. Whole, or not at all and
// once more later: what is not known to be sent would be sent again.
void Egress::Carrier::find_start() {
  const auto cursor = ports.journal.cursor(consumer, journal::Stream::outbound, partition);
  if (!cursor) return hold(cursor.error());
  const auto bounds = ports.journal.bounds(journal::Stream::outbound, partition);
  if (!bounds) return hold(bounds.error());
  const Offset start = cursor->value_or(bounds->end);
  if (!cursor->has_value()) ports.journal.save_cursor(consumer, journal::Stream::outbound, partition, start);
  // What was just before, so that a repeat of it is known after a restart too.
  for (auto from = std::max(bounds->first, start - static_cast<Offset>(recent_max)); from < start;) {
    const auto records = ports.journal.read(journal::Stream::outbound, partition, from, window_max);
    if (!records) return hold(records.error());
    if (records->empty()) break;
    for (const auto& record : *records)
      if (record.offset < start) static_cast<void>(seen_before(record.entry.id));
    from = records->back().offset + 1;
  }
  next = saved = start;
}

// Where reports of what is not behind the cursor may stand in the inbound stream: after the record that caused the oldest of
// it. The cursor stands before the oldest that is not reported, so thousands behind it may be.
void Egress::Carrier::find_search() {
  const auto outbound = ports.journal.bounds(journal::Stream::outbound, partition);
  if (!outbound) return hold(outbound.error());
  const auto oldest = ports.journal.read(journal::Stream::outbound, partition, std::max(saved, outbound->first), 1);
  if (!oldest) return hold(oldest.error());
  const auto inbound = ports.journal.bounds(journal::Stream::inbound, partition);
  if (!inbound) return hold(inbound.error());
  // Nothing is there to be sent again.
  if (oldest->empty()) search = EgressSearch{inbound->end, inbound->end};
  else search = EgressSearch{std::max(inbound->first, cause_of(oldest->front().entry.id).value_or(0)), inbound->end};
}

// A stretch at a time, since it may be long. What is found is not sent again by this process.
void Egress::Carrier::find_reported() {
  if (!search) return find_search();
  for (int stretch = 0; stretch < stretches_at_once && search->from < search->to; ++stretch) {
    const auto records = ports.journal.read(journal::Stream::inbound, partition, search->from, window_max);
    if (!records && records.error().fault == Fault::not_found) search.reset();  // Erased meanwhile: from where it begins now.
    if (!records) return hold(records.error());
    search->from = records->empty() ? search->to : records->back().offset + 1;
    for (const auto& record : *records)
      if (record.entry.id.ends_with(egress_report_suffix))
        reported_before.insert(record.entry.id.substr(0, record.entry.id.size() - egress_report_suffix.size()));
  }
}

bool Egress::Carrier::has_room() const { return open() < window_max && window.size() < behind_max; }

std::size_t Egress::Carrier::open() const {
  return static_cast<std::size_t>(
      std::count_if(window.begin(), window.end(), [](const EgressAttempt& one) { return one.stage != EgressStage::done; }));
}

void Egress::Carrier::run() {
  std::optional<Milliseconds> finish_by;
  for (;;) {
    const bool stopping = take_notes();
    if (again && ports.clock.steady() >= *again) {
      again.reset();
      trouble.clear();  // Whatever still fails says so again.
    }
    if (!stopping) {
      if (!again && !next) find_start();
      if (!again && next && is_searching()) find_reported();
      read_ahead();
      start_ready();
    }
    move_cursor();
    show_status();
    if (stopping) {
      if (!finish_by) {
        finish_by = ports.clock.steady() + finish_at_most;
        mails.wind_down();
      }
      const bool busy = std::any_of(window.begin(), window.end(), [](const EgressAttempt& one) {
        return one.stage == EgressStage::in_flight || one.stage == EgressStage::reporting;
      });
      if (!busy || ports.clock.steady() >= *finish_by) return;
    }
    for (auto& [ticket, result] : client.finished(stopping ? Milliseconds{50} : pause())) {
      EgressAttempt* const attempt = at(static_cast<Offset>(ticket));
      expect(attempt != nullptr && attempt->stage == EgressStage::in_flight, "what finished had been started");
      attempt->verdict = judge(result);
      report(*attempt);
    }
  }
}

bool Egress::Carrier::take_notes() {
  std::vector<std::pair<Offset, std::optional<Offset>>> reported;
  std::vector<std::pair<Offset, std::optional<Verdict>>> mailed;
  bool stopping = false;
  {
    const std::lock_guard lock(notes->mutex);
    reported.swap(notes->reported);
    mailed.swap(notes->mailed);
    more = more || notes->appended;
    notes->appended = false;
    instances = notes->instances;
    stopping = notes->stopping;
  }
  for (const auto& [offset, report] : reported) {
    EgressAttempt* const attempt = at(offset);
    if (attempt == nullptr) continue;
    attempt->stage = report ? EgressStage::done : EgressStage::ready;
    if (report) {
      if (attempt->verdict->state == DeliveryState::deferred && !would_overtake(*attempt))
        put_off[attempt->request.conversation] = {attempt->request.reply, *report};
      attempt->request = {};
      continue;
    }
    attempt->not_before = ports.clock.steady() + egress_retry_pause;
    hold(fail(Fault::unavailable, "a delivery could not be appended"));
  }
  for (auto& [offset, verdict] : mailed) {
    EgressAttempt* const attempt = at(offset);
    expect(attempt != nullptr && attempt->stage == EgressStage::in_flight, "a mail that is done had been started");
    attempt->stage = EgressStage::ready;
    if (!verdict) continue;  // Cut off: the next process tries it.
    attempt->verdict = std::move(verdict);
    report(*attempt);
  }
  return stopping;
}

void Egress::Carrier::read_ahead() {
  if (!next || again || is_searching() || !more || !has_room()) return;
  auto records = ports.journal.read(journal::Stream::outbound, partition, *next, std::min(window_max - open(), behind_max - window.size()));
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
  const bool repeated = seen_before(stored.entry.id) || reported_before.erase(stored.entry.id) > 0;
  EgressAttempt attempt;
  attempt.offset = stored.offset;
  attempt.effect = std::move(stored.entry.id);
  attempt.stage = EgressStage::done;
  if (stored.entry.type == send_request_type && !repeated) {
    auto request = decode_send_request(stored.entry.value);
    if (request) {
      attempt.request = std::move(*request);
      attempt.stage = EgressStage::ready;
    } else {
      ++counts.unreadable;  // It names no reply, so there is nobody to tell.
    }
  }
  window.push_back(std::move(attempt));
}

void Egress::Carrier::move_cursor() {
  while (!window.empty() && window.front().stage == EgressStage::done) {
    const auto& verdict = window.front().verdict;
    if (verdict && verdict->state == DeliveryState::sent) ++counts.sent;
    else if (verdict && verdict->state == DeliveryState::deferred) ++counts.deferred;
    else if (verdict) ++counts.failed;
    // All that follows was caused by the same record or a later one.
    if (const auto cause = cause_of(window.front().effect))
      std::erase_if(put_off, [&](const auto& one) { return one.second.second <= *cause; });
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
  counts.mail_trouble = mails.trouble();
  counts.copies = mails.copies();
  counts.pending = open();
  const std::lock_guard lock(notes->mutex);
  notes->status = counts;
}

Milliseconds Egress::Carrier::pause() const {
  {
    const std::lock_guard lock(notes->mutex);
    if (notes->stopping || notes->appended || !notes->reported.empty() || !notes->mailed.empty()) return Milliseconds{0};
  }
  if (!next || again) return egress_retry_pause;
  if (is_searching()) return Milliseconds{0};
  if (more && has_room()) return Milliseconds{0};
  return turn_at ? std::clamp(*turn_at - ports.clock.steady(), Milliseconds{1}, quiet_pause) : quiet_pause;
}

EgressAttempt* Egress::Carrier::at(Offset offset) {
  const auto found = std::lower_bound(window.begin(), window.end(), offset, [](const EgressAttempt& one, Offset wanted) { return one.offset < wanted; });
  return found == window.end() || found->offset != offset ? nullptr : &*found;
}

void Egress::Carrier::hold(const Error& error) {
  trouble = error.detail;
  again = ports.clock.steady() + egress_retry_pause;
}

}  // namespace usher::connectors
