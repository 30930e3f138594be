// Router: see router.hpp. A round: open the mail, apply what arrived, commit what was applied, let out what was committed.
#include "routing/router/router.hpp"

#include <algorithm>
#include <iterator>

#include "routing/message/limits.hpp"
#include "routing/message/plant.hpp"
#include "routing/message/wire.hpp"
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
  if (const auto* reply = std::get_if<Reply>(&command->command)) written.text = reply->text;
  else if (const auto* note = std::get_if<Note>(&command->command)) written.text = note->text;
  else if (const auto* transfer = std::get_if<Transfer>(&command->command)) written.text = transfer->note;
  else return std::nullopt;
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
      guard(ports.journal, ports.store, options.partition, mailbox),
      publisher(ports.journal, options.partition, mailbox) {}

Milliseconds Router::Loop::pump() {
  mailbox->open();
  if (phase == Phase::stopped || phase == Phase::failed) return report(), idle_longest;
  const auto now = ports.clock.steady();
  if (now < not_before) return report(), not_before - now;
  if (phase == Phase::loading) {
    if (stopping) end(Phase::stopped, "stopped");
    else load();
    report();
    return phase == Phase::claiming ? Milliseconds{0} : idle_longest;
  }
  if (guard.failed() || publisher.failed()) load_anew("an append of the router's own failed");
  if (answer_lost) settle_lost_answer();
  if (phase == Phase::loading) return report(), Milliseconds{0};
  const bool more = !stopping && !troubled_now() && read_and_apply();
  if (phase == Phase::stopped || phase == Phase::failed || phase == Phase::loading) return report(), Milliseconds{0};
  write_unwritten();
  submit();
  publisher.pump();
  if (phase == Phase::claiming && caught_up && !claim_out && !stopping) claim();
  tick();
  report();
  if (more && !batch.full(records_max())) return Milliseconds{0};
  return until_due();
}

bool Router::Loop::read_and_apply() {
  // Before the claim is read back nothing may be committed, so the batch grows as far as the journal does.
  if (phase == Phase::routing && batch.full(records_max())) return false;
  if (read_ahead.empty()) {
    auto records = ports.journal.read(journal::Stream::inbound, options.partition, next, records_max());
    if (!records) {
      caught_up = false;
      if (records.error().fault == Fault::not_found)  // Rule J2: never skip.
        end(Phase::failed, "the journal no longer has offset " + std::to_string(next));
      else trouble(records.error());
      return false;
    }
    if (!answer_lost) well();
    std::move(records->begin(), records->end(), std::back_inserter(read_ahead));
    // A claim must name the epoch that is current at the end of the log: so only an empty read allows one.
    caught_up = read_ahead.empty();
    if (caught_up) return false;
  }
  while (!read_ahead.empty() && (phase == Phase::claiming || (phase == Phase::routing && !batch.full(records_max())))) {
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
  const auto mark = fingerprint(record.entry);
  auto decoded = decode_record(record.entry.type, record.entry.value);
  Arrival arrival{options.partition, offset, record.appended_at, Unreadable{"it crashed the router"}};
  if (guard.look(offset) != PoisonGuard::Verdict::skip)
    arrival.record = decoded ? std::move(*decoded) : Record{Unreadable{decoded.error().detail}};
  auto step = engine.apply(arrival);
  applied = offset;
  next = offset + 1;
  applied_steady = ports.clock.steady();
  const auto written = written_in(arrival.record, step, engine, engine.now());
  take_effects(step, record, written);
  take_bodies(step, record, written);
  batch.add_changes(std::move(step.changes));
  batch.add_frames(std::move(step.frames));
  std::move(step.bodies_gone.begin(), step.bodies_gone.end(), std::back_inserter(batch.bodies_gone));
  ++batch.records;
  batch.last = offset;
  batch.fingerprint = mark;
  ++totals.records;
  if (std::holds_alternative<Tick>(arrival.record)) tick_out = false;
  if (const auto* heard = std::get_if<Claimed>(&arrival.record)) heard_claim(*heard, offset);
}

// Rule S5: the text goes in with the same commit. A customer's message is kept as it stands in the journal.
void Router::Loop::take_bodies(engine::Step& step, journal::Stored& record, const std::optional<Written>& written) {
  for (const auto& body : step.bodies) {
    auto json = body.kind == engine::BodyKind::from_customer ? std::move(record.entry.value) : body_json(*written);
    batch.add_body({body.conversation, body.sequence, body.id, std::move(json)});
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
      else unwritten.push_back({wanted, record.offset, index});
    }
  }
}

// Another attempt at a reply: its text is in the store since the first.
void Router::Loop::write_unwritten() {
  while (!unwritten.empty()) {
    const auto& one = unwritten.front();
    const auto body = ports.store.body(options.partition, one.wanted.reply);
    if (!body) return trouble(body.error());
    expect(body->has_value(), "a reply on its way has a body");
    const auto written = read_body((*body)->json);
    expect(written.has_value(), "a body of ours can be read");
    add_outbox(journal::Stream::outbound, "usher.message.send.requested.v1", outbound_json(one.wanted, *written),
               one.offset, one.index);
    unwritten.erase(unwritten.begin());
  }
  std::stable_sort(batch.outbox.begin(), batch.outbox.end(), [](const auto& a, const auto& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.index < b.index;
  });
}

void Router::Loop::add_outbox(journal::Stream stream, std::string type, std::string value, Offset offset,
                              std::uint32_t index) {
  auto id = std::to_string(options.partition) + "/" + std::to_string(offset) + "/" + std::to_string(index);
  batch.outbox.push_back({offset, index, stream, {std::move(id), std::move(type), std::move(value)}});
}

void Router::Loop::submit() {
  if (phase != Phase::routing || in_flight || answer_lost || !unwritten.empty() || batch.empty()) return;
  CommitInFlight flight;
  auto& commit = flight.commit;
  commit.partition = options.partition;
  commit.before = stored;
  commit.after = {{engine.epoch(), batch.last}, batch.fingerprint, engine.state_hash()};
  commit.changes = batch.take_changes();
  commit.bodies = std::move(batch.bodies);
  commit.bodies_gone = std::move(batch.bodies_gone);
  commit.outbox = batch.outbox;
  commit.outbox_done = publisher.take_done();
  flight.frames = std::move(batch.frames);
  flight.outbox = std::move(batch.outbox);
  totals.dead_letters += batch.dead_letters;
  batch = {};
  in_flight = std::move(flight);
  if (planted(Plant::frames_before_commit))
    for (const auto& frame : in_flight->frames) ports.delivery.send(frame);
  send_commit();
}

void Router::Loop::send_commit() {
  ports.store.commit(in_flight->commit,
                     [weak = weak_from_this(), letters = mailbox, mine = generation](const Result<state::CommitReceipt>& receipt) {
                       letters->post([weak, mine, receipt] {
                         const auto loop = weak.lock();
                         if (loop && loop->generation == mine) loop->committed(receipt);
                       });
                     });
}

void Router::Loop::committed(const Result<state::CommitReceipt>& receipt) {
  if (receipt) return well(), leave(receipt->outbox_published);
  if (receipt.error().fault == Fault::conflict && planted(Plant::refusal_ignored)) return leave(true);
  if (receipt.error().fault == Fault::conflict) return load_anew("another router has written");
  if (planted(Plant::lost_answer_believed)) return leave(true);
  answer_lost = true;  // Rule S1: whether it was applied is found out by reading.
  trouble(receipt.error());
}

void Router::Loop::settle_lost_answer() {
  const auto meta = ports.store.load_meta(options.partition);
  if (!meta) return trouble(meta.error());
  const auto& flight = in_flight->commit;
  if (*meta && (*meta)->position == flight.after.position) {
    answer_lost = false;
    well();
    // Whether the store also published is not known: the tails are, on a load.
    return flight.outbox.empty() ? leave(true) : load_anew("an answer was lost");
  }
  if (!*meta || (*meta)->position != flight.before) return load_anew("another router has written");
  answer_lost = false;
  well();
  send_commit();
}

// Only now may the world see it.
void Router::Loop::leave(bool published) {
  stored = in_flight->commit.after.position;
  trouble_since.reset();
  ++totals.commits;
  if (!published) publisher.add(std::move(in_flight->outbox));
  for (const auto& frame : in_flight->frames) ports.delivery.send(frame);
  in_flight.reset();
}

void Router::Loop::tick() {
  if (phase != Phase::routing || stopping || tick_out || troubled) return;
  const auto due = engine.next_deadline();
  const auto steady = ports.clock.steady();
  if (!due || *due > engine_clock() || steady < tick_not_before) return;
  tick_out = true;
  tick_not_before = steady + tick_again_after;
  const Record record = Tick{};
  ports.journal.append(journal::Stream::inbound, options.partition, {"tick", std::string(record_type(record)), encode(record)},
                       [weak = weak_from_this(), letters = mailbox, mine = generation](const Result<journal::Appended>& done) {
                         if (done) return;
                         letters->post([weak, mine, error = done.error()] {
                           const auto loop = weak.lock();
                           if (!loop || loop->generation != mine) return;
                           loop->tick_out = false;
                           loop->trouble(error);
                         });
                       });
}

// The engine's time goes on while the wall clock is set back (rule J4).
Instant Router::Loop::engine_clock() const {
  return std::max(ports.clock.wall(), engine.now() + (ports.clock.steady() - applied_steady));
}

Milliseconds Router::Loop::until_due() const {
  if (troubled) return std::max(Milliseconds{1}, not_before - ports.clock.steady());
  const auto due = engine.next_deadline();
  if (phase != Phase::routing || tick_out || !due) return idle_longest;
  return std::clamp(Milliseconds(*due - engine_clock()), Milliseconds{1}, idle_longest);
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
  in_flight.reset();
  batch = {};
}

void Router::Loop::load_anew(std::string why) {
  ++generation;
  in_flight.reset();
  answer_lost = false;
  phase = Phase::loading;
  trouble(message::fail(Fault::unavailable, std::move(why)));
}

std::size_t Router::Loop::records_max() const {
  return options.batch_records_max == 0 ? limits::batch_records_max : options.batch_records_max;
}

// A lost answer is settled and lost again while the disk stays full, so what counts is whether anything was committed.
void Router::Loop::tell_condition() {
  if (!troubled && !in_flight && batch.empty() && phase == Phase::routing) trouble_since.reset();
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
  totals.committed = stored.offset;
  const auto steady = ports.clock.steady();
  if (steady - lag_looked < lag_every || phase == Phase::loading) return;
  lag_looked = steady;
  if (const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition))
    totals.lag_records = std::max<std::int64_t>(0, bounds->end - 1 - stored.offset);
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
  return loop_->stopping && !loop_->in_flight && loop_->batch.empty();
}
RouterStatus Router::status() const { return loop_->totals; }
const engine::Engine& Router::engine() const { return loop_->engine; }
bool Router::has_engine() const { return loop_->engine_good && loop_->phase != Phase::failed; }

}  // namespace usher::router
