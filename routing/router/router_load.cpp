// Taking a partition: load the tracked state, make sure that it belongs to this journal, fold what the journal has beyond
// it, and claim (rules O1, J2, S2, X1).
#include "routing/message/wire.hpp"
#include "routing/router/router_loop.hpp"

namespace usher::router {

void Router::Loop::load() {
  ++generation;
  batch = {};
  unwritten.clear();
  in_flight.reset();
  answer_lost = false;
  read_ahead.clear();
  claim_out = false;
  caught_up = false;
  tick_out = false;
  engine_good = false;
  phase = Phase::loading;
  auto loaded = load_or_initialise();
  if (!loaded) return loaded.error().fault == Fault::malformed ? end(Phase::failed, loaded.error().detail)
                                                               : trouble(loaded.error());
  const auto& meta = loaded->meta;
  auto restored = engine::Engine::restore(loaded->entities);
  if (!restored) return end(Phase::failed, "the tracked state cannot be read: " + restored.error().detail);
  // Rule S2: half a state must not be taken for a whole one.
  if (restored->state_hash() != meta.digest)
    return end(Phase::failed, "the tracked state is damaged: its entities do not add up to its digest");
  if (const auto same = same_journal(meta); !same)
    return same.error().fault == Fault::unavailable ? trouble(same.error()) : end(Phase::failed, same.error().detail);
  if (const auto begun = guard.begin(meta.position.offset); !begun) return trouble(begun.error());
  if (const auto resumed = publisher.resume(std::move(loaded->outbox)); !resumed) return trouble(resumed.error());
  engine = std::move(*restored);
  engine_good = true;
  stored = meta.position;
  applied = stored.offset;
  next = stored.offset + 1;
  applied_steady = ports.clock.steady();
  phase = Phase::claiming;
  if (!attached) {
    attached = true;
    ports.journal.on_append(journal::Stream::inbound, options.partition, [letters = mailbox] { letters->knock(); });
  }
}

Result<state::Loaded> Router::Loop::load_or_initialise() {
  const auto meta = ports.store.load_meta(options.partition);
  if (!meta) return meta.error();
  if (!*meta) {
    // Nothing tracked: everything is in the journal, if it still has its beginning.
    const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition);
    if (!bounds) return bounds.error();
    // Offsets begin at 0 or 1; what begins later has lost its beginning to retention.
    if (bounds->first > 1) return fail_load("the state is gone and the journal has lost its first records");
    if (const auto made = ports.store.initialise(options.partition); !made) return made.error();
    next = bounds->first;
  }
  return ports.store.load(options.partition);
}

Error Router::Loop::fail_load(std::string why) { return message::fail(Fault::malformed, std::move(why)); }

// Rule J2: the record at the stored offset must be the one that was applied there.
Result<void> Router::Loop::same_journal(const state::Meta& meta) {
  if (meta.position.offset == offset_none) return {};
  const auto records = ports.journal.read(journal::Stream::inbound, options.partition, meta.position.offset, 1);
  if (!records && records.error().fault != Fault::not_found) return records.error();
  const bool there = records.has_value() && !records->empty() && records->front().offset == meta.position.offset;
  if (there && fingerprint(records->front().entry) == meta.fingerprint) return {};
  return fail_load(there ? "the journal is not the one this state was made from: another record stands at offset " +
                               std::to_string(meta.position.offset)
                         : "the journal has lost the record at offset " + std::to_string(meta.position.offset) +
                               ", which the state has applied");
}

// Rule O1: asked for after everything before it was folded, so that it names the epoch that is current there.
void Router::Loop::claim() {
  claim_out = true;
  const Record record = Claimed{engine.epoch(), options.id, engine::engine_version};
  ports.journal.append(journal::Stream::inbound, options.partition,
                       {"claim/" + options.id.text(), std::string(record_type(record)), encode(record)},
                       [weak = weak_from_this(), letters = mailbox, mine = generation](const Result<journal::Appended>& done) {
                         if (done) return;
                         letters->post([weak, mine, error = done.error()] {
                           const auto loop = weak.lock();
                           if (!loop || loop->generation != mine) return;
                           loop->claim_out = false;
                           loop->trouble(error);
                         });
                       });
}

void Router::Loop::heard_claim(const Claimed& claimed, Offset offset) {
  const bool mine = claimed.router == options.id;
  if (engine.epoch() == offset) {  // Valid.
    if (mine) phase = Phase::routing;
    else if (phase == Phase::routing) return end(Phase::stopped, "the partition was claimed by " + claimed.router.text());
    // While folding what came before our own claim, another's is history.
    if (mine) guard.settled();
    return;
  }
  // Void. Somebody was faster, or it is a second copy of our own after an answer was lost. Whoever still wants the
  // partition claims again, naming the epoch that is current now; the one who had it stops when it reads that.
  if (mine && phase == Phase::claiming) claim_out = false;
}

}  // namespace usher::router
