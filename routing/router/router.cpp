// Router: see router.hpp. A round: open the mail, apply what arrived, commit what was applied, let out what was committed.
#include "routing/router/router.hpp"

#include <algorithm>
#include <iterator>

#include "routing/journal/continued_journal.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/plant.hpp"
#include "routing/router/arrival.hpp"
#include "routing/router/router_loop.hpp"

namespace usher::router {
namespace {

constexpr Milliseconds backoff_first{20};
constexpr Milliseconds backoff_longest{1000};
constexpr Milliseconds idle_longest{1000};
constexpr Milliseconds tick_again_after{5};
constexpr Milliseconds lag_every{500};
constexpr Milliseconds degraded_after{1000};  // Agents need not hear of what is over in a moment.

// What an agent wrote in this record, if it holds a reply or a note.
std::optional<Written> written_in(const Record& record, const engine::Step& step, const engine::Engine& engine, Instant at) {
  const auto* command = std::get_if<CommandIssued>(&record);
  if (command == nullptr || step.bodies.empty()) return std::nullopt;
  Written written;
  if (const auto* reply = std::get_if<Reply>(&command->command)) {
    written.text = reply->text;
    written.attachments = reply->attachments;
  } else if (const auto* note = std::get_if<Note>(&command->command)) {
    written.text = note->text;
  } else if (const auto* transfer = std::get_if<Transfer>(&command->command)) {
    written.text = transfer->note;
  } else {
    return std::nullopt;
  }
  const auto& body = step.bodies.front();
  written.id = body.id;
  written.conversation = body.conversation;
  written.note = body.kind == engine::BodyKind::note;
  written.author = command->agent;
  written.author_name = engine.display_name(command->agent);
  written.written_at = at;
  return written;
}

}  // namespace

Router::Loop::Loop(RouterOptions given, Router::Ports ports_given)
    : options(std::move(given)),
      ports(ports_given),
      guard(ports.journal, ports.store, options.partition, options.id, mailbox),
      publisher(ports.journal, options.partition, mailbox),
      replica(ports.journal, ports.store, options.partition),
      snapshots(ports.journal, options.partition, mailbox) {}

Milliseconds Router::Loop::pump() {
  mailbox->open();
  if (phase == Phase::stopped || phase == Phase::failed) return report(), idle_longest;
  const auto now = ports.clock.steady();
  if (now < not_before) return report(), not_before - now;
  if (phase == Phase::loading) {
    if (stopping) end(Phase::stopped, "stopped");
    else if (may_claim()) load();
    else phase = Phase::standby;
    report();
    return phase == Phase::claiming || phase == Phase::standby ? Milliseconds{0} : idle_longest;
  }
  if (phase == Phase::standby) {
    const auto wait = stand_by();
    report();
    return wait;
  }
  if (guard.failed() || publisher.failed()) load_anew("an append of the router's own failed");
  if (early_lost()) load_anew("a record that was read early was not written");
  if (answer_lost) settle_lost_answer();
  if (phase == Phase::loading) return report(), Milliseconds{0};
  bool more = false;
  if (phase == Phase::claiming && !stopping) more = scout();
  if (phase == Phase::routing && barrier_open()) {
    if (!stopping && !troubled_now() && may_apply()) more = read_and_apply();
    if (phase != Phase::routing) return report(), Milliseconds{0};
    write_unwritten();
    restore_texts();
    submit();
    watch_gateways();
    note_incarnation();
  }
  publisher.pump();
  tick();
  look_at_texts();  // Last: it asks the store, and nothing waits for it.
  say_farewell();
  report();
  if (more && !batch.full(records_max())) return Milliseconds{0};
  return until_due();
}

// What a rebuild begins with is stored before anything is added to it.
bool Router::Loop::may_apply() const { return !rewrite_wanted || !rewrite_wanted->at_once; }

bool Router::Loop::read_and_apply() {
  // An owner who must write the store anew reads to the end of the log first, however long the batch gets.
  const auto full = [this] { return !rewrite_wanted && batch.full(records_max()); };
  if (full()) return false;
  if (read_ahead.empty()) {
    // Careful after a crash, it announces each record before it looks at it; what is announced must be there.
    auto records = guard.careful() ? ports.journal.read(journal::Stream::inbound, options.partition, next, records_max())
                                   : ports.journal.read_early(options.partition, next, records_max());
    if (!records) {
      caught_up = false;
      if (records.error().fault == Fault::not_found)  // Rule J2: never skip.
        end(Phase::failed, "the journal no longer has offset " + std::to_string(next) + recover_hint());
      else trouble(records.error());
      return false;
    }
    if (!answer_lost) well();
    std::move(records->begin(), records->end(), std::back_inserter(read_ahead));
    caught_up = read_ahead.empty();
    if (caught_up) return false;
  }
  while (!read_ahead.empty() && phase == Phase::routing && !full()) {
    const auto ahead = read_ahead.front().appended_at - ports.clock.wall();
    if (options.clock_ahead_max.count() > 0 && ahead > options.clock_ahead_max) {  // Rule J4.
      trouble(message::fail(Fault::unavailable, "the record at offset " + std::to_string(read_ahead.front().offset) +
                                                    " is " + std::to_string(ahead / Milliseconds{1000}) +
                                                    " s ahead of this machine's clock: one of the clocks is wrong"));
      return false;
    }
    if (guard.look(read_ahead.front().offset) == PoisonGuard::Verdict::wait) return false;
    auto record = std::move(read_ahead.front());
    read_ahead.pop_front();
    apply(std::move(record));
  }
  return true;
}

void Router::Loop::apply(journal::Stored record) {
  expect(record.offset >= next, "the journal is read in order");
  const auto offset = record.offset;
  const auto arrival = read_arrival(options.partition, record, guard.look(offset) == PoisonGuard::Verdict::skip);
  applied_mark.is_of(record.entry);
  auto step = engine.apply(arrival);
  applied = offset;
  next = offset + 1;
  applied_steady = ports.clock.steady();
  const auto written = written_in(arrival.record, step, engine, engine.now());
  take_effects(step, record, written);
  take_bodies(step, record, written);
  batch.add_changes(std::move(step.changes));
  // What a rebuild passes again was said long ago; the welcome of our own claim tells every session how things stand.
  if (offset > said_until) batch.add_frames(std::move(step.frames));
  std::move(step.bodies_gone.begin(), step.bodies_gone.end(), std::back_inserter(batch.bodies_gone));
  ++batch.records;
  ++totals.records;
  if (std::holds_alternative<Tick>(arrival.record)) {
    tick_out = false;
    // Its time is the journal's. When that is behind ours, another one now would come too early as well.
    if (const auto due = engine.next_deadline(); due && *due > engine.now())
      tick_not_before = std::max(tick_not_before, applied_steady + std::min(Milliseconds(*due - engine.now()), idle_longest));
  }
  if (const auto* heard = std::get_if<Claimed>(&arrival.record)) heard_claim(*heard, offset);
}

// Rule S5: the text goes in with the same commit. A customer's message is kept as it stands in the journal.
void Router::Loop::take_bodies(engine::Step& step, journal::Stored& record, const std::optional<Written>& written) {
  for (const auto& body : step.bodies) {
    const bool as_it_stands = body.kind == engine::BodyKind::from_customer;
    auto json = as_it_stands ? std::move(record.entry.value) : body_json(*written);
    batch.add_body({body.conversation, body.sequence, body.id, std::move(json), as_it_stands ? record.offset : offset_none});
  }
}

void Router::Loop::take_effects(engine::Step& step, const journal::Stored& record, const std::optional<Written>& written) {
  for (std::uint32_t index = 0; index < step.effects.size(); ++index) {
    const auto& effect = step.effects[index];
    if (const auto* happened = std::get_if<engine::Happened>(&effect)) {
      add_outbox(journal::Stream::events, happened->type, event_json(*happened, engine.now()), record.offset, index);
    } else if (const auto* dead = std::get_if<engine::DeadLettered>(&effect)) {
      add_outbox(journal::Stream::dead_letters, "usher.dead-letter.v1", dead_letter_json(dead->reason, record),
                 record.offset, index);
      ++batch.dead_letters;
    } else {
      const auto& wanted = std::get<engine::ReplyWanted>(effect);
      if (written && written->id == wanted.reply)
        add_outbox(journal::Stream::outbound, "usher.message.send.requested.v1", outbound_json(wanted, *written),
                   record.offset, index);
      else if (!known_out.contains({journal::Stream::outbound, record.offset, index}))
        unwritten.push_back({wanted, record.offset, index});
    }
  }
}

// Another attempt at a reply: its text is in the store since the first.
void Router::Loop::write_unwritten() {
  while (!unwritten.empty()) {
    const auto& one = unwritten.front();
    look_soon_at(one.wanted.conversation);
    const auto body = text_of(one.wanted);
    if (!body) return trouble(body.error());
    if (!*body) {
      append_own(DeliveryReported{one.wanted.reply, one.wanted.attempt, DeliveryState::failed, "its text is lost", {}},
                 "lost/" + one.wanted.reply.text(), [] {});
      unwritten.erase(unwritten.begin());
      continue;
    }
    const auto written = read_body(**body);
    expect(written.has_value(), "a body of ours can be read");
    add_outbox(journal::Stream::outbound, "usher.message.send.requested.v1", outbound_json(one.wanted, *written),
               one.offset, one.index);
    unwritten.erase(unwritten.begin());
  }
  std::stable_sort(batch.outbox.begin(), batch.outbox.end(), [](const auto& a, const auto& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.index < b.index;
  });
}

// What the store holds or is about to be given; else, when it has lost it, what the journal says.
Result<std::optional<std::string>> Router::Loop::text_of(const engine::ReplyWanted& wanted) {
  const auto held = [&](const std::vector<state::Body>& bodies) {
    return std::find_if(bodies.begin(), bodies.end(), [&](const state::Body& body) { return body.id == wanted.reply; });
  };
  if (const auto body = held(batch.bodies); body != batch.bodies.end()) return std::optional(body->json);
  for (const auto& flight : in_flight)
    if (const auto body = held(flight.commit.bodies); body != flight.commit.bodies.end()) return std::optional(body->json);
  auto body = ports.store.body(options.partition, wanted.reply);
  if (!body) return body.error();
  // An earlier build's text has no checksum, and may be damaged beyond reading.
  if (*body && read_body((*body)->json)) return std::optional(std::move((*body)->json));
  return text_from_journal(wanted);
}

void Router::Loop::add_outbox(journal::Stream stream, std::string type, std::string value, Offset offset,
                              std::uint32_t index) {
  if (known_out.contains({stream, offset, index})) return;
  auto id = std::to_string(options.partition) + "/" + std::to_string(offset) + "/" + std::to_string(index);
  batch.outbox.push_back({offset, index, stream, {std::move(id), std::move(type), std::move(value)}});
}

void Router::Loop::tick() {
  // Not before our own claim was folded: what is due by then fires with it.
  if (phase != Phase::routing || stopping || tick_out || troubled || applied < claimed_at) return;
  const auto due = engine.next_deadline();
  const auto steady = ports.clock.steady();
  if (!due || *due > engine_clock() || steady < tick_not_before) return;
  tick_out = true;
  tick_not_before = steady + tick_again_after;
  append_own(Tick{}, "tick", [this] { tick_out = false; });
}

// The engine's time goes on while the wall clock is set back (rule J4).
Instant Router::Loop::engine_clock() const {
  return std::max(ports.clock.wall(), engine.now() + (ports.clock.steady() - applied_steady));
}

Milliseconds Router::Loop::until_due() const {
  if (troubled) return std::max(Milliseconds{1}, not_before - ports.clock.steady());
  auto longest = idle_longest;
  if (phase == Phase::routing && publisher.has_done()) longest = trim_outbox_after;
  if (farewell) longest = Milliseconds{20};
  // Nobody wakes a walk that found nothing to erase.
  if (texts_sweep && texts_missing.empty() && in_flight.empty() && phase == Phase::routing) longest = Milliseconds{1};
  if (texts_are_damaged && !texts_missing.empty() && in_flight.empty()) longest = Milliseconds{1};
  if (may_look_at_texts()) longest = std::clamp(texts_look_at - ports.clock.steady(), Milliseconds{1}, longest);
  const auto due = engine.next_deadline();
  if (phase != Phase::routing || tick_out || !due) return longest;
  return std::clamp(Milliseconds(*due - engine_clock()), Milliseconds{1}, longest);
}

void Router::Loop::trouble(const Error& error) {
  troubled = true;
  if (!trouble_since) trouble_since = ports.clock.steady();
  reason = error.detail;
  backoff = std::clamp(backoff * 2, backoff_first, backoff_longest);
  not_before = ports.clock.steady() + backoff;
}

void Router::Loop::end(Phase last, std::string why) {
  phase = last;
  reason = std::move(why);
  ++generation;
  in_flight.clear();
  unanswered = 0;
  batch = {};
}

void Router::Loop::load_anew(std::string why) {
  ++generation;
  in_flight.clear();
  unanswered = 0;
  answer_lost = false;
  rewrite_wanted.reset();
  phase = Phase::loading;
  trouble(message::fail(Fault::unavailable, std::move(why)));
}

std::size_t Router::Loop::records_max() const {
  return options.batch_records_max == 0 ? limits::batch_records_max : options.batch_records_max;
}

// A lost answer is settled and lost again while the disk stays full, so what counts is whether anything was committed.
void Router::Loop::tell_condition() {
  if (!troubled && in_flight.empty() && batch.empty() && phase == Phase::routing) trouble_since.reset();
  // Whoever stands by has nothing to commit: what the owner can do is the owner's to say.
  if (phase == Phase::standby) trouble_since.reset();
  const bool degraded = trouble_since && ports.clock.steady() - *trouble_since >= degraded_after;
  if (degraded == told_degraded || (!degraded && trouble_since)) return;
  told_degraded = degraded;
  ports.delivery.service(degraded);
}

void Router::Loop::report() {
  tell_condition();
  totals.phase = troubled && phase != Phase::failed && phase != Phase::stopped ? Phase::paused : phase;
  totals.reason = totals.phase == Phase::routing ? "" : reason;
  totals.applied = applied;
  totals.committed = phase == Phase::standby && replica.loaded() ? replica.at().position.offset : stored.offset;
  totals.texts_missing = texts_missing.size();
  const auto steady = ports.clock.steady();
  if (steady - lag_looked < lag_every || phase == Phase::loading) return;
  lag_looked = steady;
  if (const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition))
    // Between two incarnations of a log lie offsets that nobody has.
    totals.lag_records = std::max<std::int64_t>(0, bounds->end - std::max(totals.committed + 1, journal::first_offset(ports.journal.incarnation(options.partition))));
}

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::loading: return "loading";
    case Phase::standby: return "standby";
    case Phase::claiming: return "claiming";
    case Phase::routing: return "routing";
    case Phase::paused: return "paused";
    case Phase::stopped: return "stopped";
    case Phase::failed: return "failed";
  }
  return "unknown";
}

Router::Router(RouterOptions options, Ports ports) : loop_(std::make_shared<Loop>(std::move(options), ports)) {}
Router::~Router() = default;
Milliseconds Router::pump() { return loop_->pump(); }
void Router::on_wake(std::function<void()> wake) { loop_->mailbox->on_wake(std::move(wake)); }
void Router::stop() { loop_->stopping = true; }
bool Router::drained() const {
  if (loop_->phase == Phase::stopped || loop_->phase == Phase::failed) return true;
  if (loop_->phase != Phase::routing) return loop_->stopping;
  // What cannot be committed now is in the journal, and is folded again by the next owner.
  if (loop_->troubled) return loop_->stopping;
  return loop_->stopping && loop_->in_flight.empty() && loop_->batch.empty() && loop_->said_farewell();
}
RouterStatus Router::status() const { return loop_->totals; }
const engine::Engine& Router::engine() const {
  return loop_->phase == Phase::standby ? loop_->replica.engine() : loop_->engine;
}
bool Router::has_engine() const {
  return loop_->phase == Phase::standby ? loop_->replica.loaded() : loop_->engine_good && loop_->phase != Phase::failed && !loop_->early_lost();
}

}  // namespace usher::router
