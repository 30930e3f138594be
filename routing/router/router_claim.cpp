// Who may go on: standing by, claiming, and hearing the claims of others (rules O1, O2, O3), and whose sessions have ended
// with their gateway (rule A1).
#include "routing/journal/continued_journal.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "routing/router/arrival.hpp"
#include "routing/router/router_loop.hpp"

namespace usher::router {
namespace {

constexpr Milliseconds standby_look_every{100};
constexpr Milliseconds gateways_look_every{1'000};
constexpr Milliseconds incarnation_note_every{15 * 60'000};  // The control stream keeps an hour at least.
// A store that was wiped has the lease of a live gateway again after a third of its time: that must not count as a death.
constexpr int gateway_silent_max = 4;
static_assert(gateway_silent_max * gateways_look_every > Milliseconds(limits::gateway_lease) / 3 + gateways_look_every);

}  // namespace

// Folds along with the owner, a little behind, and takes over when it may.
Milliseconds Router::Loop::stand_by() {
  if (stopping) return end(Phase::stopped, "stopped"), Milliseconds{0};
  reason = "another router owns the partition; this one is ready to take over";
  const auto caught = replica.catch_up(records_max());
  if (!caught && may_claim() && caught.error().fault != Fault::unavailable) {
    phase = Phase::loading;  // There is nothing to take over from: it begins as the only one.
    return Milliseconds{0};
  }
  // Only the owner mends the store; until it has, there is nothing to follow.
  if (!caught) return trouble(caught.error()), backoff;
  well();
  if (!*caught) return Milliseconds{0};
  if (!may_claim()) return standby_look_every;
  return take_over() ? Milliseconds{0} : standby_look_every;
}

bool Router::Loop::take_over() {
  auto outbox = ports.store.outbox(options.partition);
  if (!outbox && outbox.error().fault == Fault::malformed) return phase = Phase::loading, true;  // It begins by mending that.
  if (!outbox) return trouble(outbox.error()), false;
  const auto meta = replica.at();
  // Rule J2: the log may have become another one since this record was folded. Loading says so, and does not go on.
  if (const auto same = same_journal(ports.journal, options.partition, meta.position.offset, meta.fingerprint); !same) {
    phase = Phase::loading;
    return trouble(same.error()), false;
  }
  // What the old owner committed meanwhile is found at the first commit.
  std::erase_if(*outbox, [&](const auto& entry) { return entry.offset > meta.position.offset; });
  forget_all();
  if (auto begun = start_from(replica.take(), meta, std::move(*outbox)); !begun) {
    phase = Phase::loading;
    return trouble(begun.error()), false;
  }
  return true;
}

// Reads ahead for claims alone: a claim names the epoch that is current at the end of the log, and nothing is committed
// before our own was read back as valid (rule O1). What lies between is folded afterwards, commit by commit. True: there is
// more to read now.
bool Router::Loop::scout() {
  const auto records = ports.journal.read(journal::Stream::inbound, options.partition, scout_next, records_max());
  if (!records) {
    if (records.error().fault == Fault::not_found)  // Rule J2: never skip.
      end(Phase::failed, "the journal no longer has offset " + std::to_string(scout_next) + recover_hint());
    else trouble(records.error());
    return false;
  }
  troubled = false;  // The backoff stays: a disk that takes no claim has this one load again.
  // Only an empty read is the end of the log.
  if (records->empty() && !claim_out && !may_claim()) {  // The lease went to another while this one read.
    phase = Phase::loading;
    return true;
  }
  if (records->empty() && !claim_out) claim();
  for (const auto& record : *records) {
    scout_next = record.offset + 1;
    if (record.entry.type != record_type(Claimed{})) continue;
    const auto decoded = decode_record(record.entry.type, record.entry.value);
    if (const auto* claimed = decoded ? std::get_if<Claimed>(&*decoded) : nullptr) heard_by_scout(*claimed, record.offset);
    if (phase != Phase::claiming) return true;
  }
  return !records->empty();
}

void Router::Loop::heard_by_scout(const Claimed& claimed, Offset offset) {
  const bool mine = claimed.router == options.id;
  if (claimed.previous_epoch != scout_epoch) {
    // Void. Somebody was faster, or it is a second copy of our own after an answer was lost: claim again, naming the epoch
    // that is current now.
    if (mine) claim_out = false;
    return;
  }
  scout_epoch = offset;
  // A claim of our own that we did not append since this load is history like another's: others may have claimed after it.
  if (!mine || !claim_out) {
    // Before the claim that a snapshot names, the owners of old are told apart already.
    foreign_version = foreign_version || (offset > folded_since && claimed.engine_version != options.engine_version);
    return;
  }
  const auto before = engine.owner_version();
  const bool other = foreign_version || (before != 0 && before != options.engine_version);
  if (foreign_version && rebuilt)  // Rule O3: what an engine of another version may have made of these records is not ours to guess.
    return end(Phase::failed, "the state is gone, and between what it is rebuilt from and now another engine version owned the "
                                  "partition: only a program of that version can go on");
  claimed_at = offset;
  // Rule J2: whatever is lost after this, the log before it cannot bring back, so the first owner of an incarnation leaves a base.
  barrier = (other || joins_another_log()) && options.snapshots;
  phase = Phase::routing;
}

bool Router::Loop::joins_another_log() const {
  const auto incarnation = ports.journal.incarnation(options.partition);
  return incarnation.number > 0 && stored.offset == incarnation.after;
}

// The control stream forgets by age, and the note of an operator must not be among what it forgets while the log lives on.
void Router::Loop::note_incarnation() {
  const auto incarnation = ports.journal.incarnation(options.partition);
  if (incarnation.number == 0 || stopping || applied < claimed_at) return;
  const auto now = ports.clock.steady();
  if (incarnation_noted && now - *incarnation_noted < incarnation_note_every) return;
  incarnation_noted = now;
  ports.journal.append(journal::Stream::control, options.partition, journal::incarnation_note(incarnation, options.id.text()),
                       [](const Result<journal::Appended>&) {});  // The next one is soon enough.
}

// A replica may lag behind the owner of before. A base further back than what was committed would make whoever rebuilds from
// it fold the old owner's records by its own rules.
bool Router::Loop::begins_where_the_store_is() {
  if (rebuilt) return true;
  const auto meta = ports.store.load_meta(options.partition);
  if (!meta && meta.error().fault == Fault::unavailable) return trouble(meta.error()), false;
  if (!meta || !*meta || (*meta)->position.offset <= stored.offset) return true;
  return load_anew("the owner of before has committed more than this router began with"), false;
}

// Rule O3: a new version snapshots what the old one left, before its first commit.
bool Router::Loop::barrier_open() {
  if (!barrier) return true;
  if (!begins_where_the_store_is()) return false;
  if (!barrier_writing) {
    if (!publisher.idle()) return publisher.pump(), false;
    barrier_writing = true;
    snapshots.begin({{stored, applied_mark.value(), engine.state_hash()}, options.engine_version, claimed_at, false,
                     engine.serialize()});
  }
  snapshots.pump();
  if (snapshots.failed()) {
    barrier_writing = false;
    trouble(message::fail(Fault::unavailable, "the snapshot at a version barrier could not be written"));
    return false;
  }
  if (snapshots.busy()) return false;
  barrier = barrier_writing = false;
  return true;
}

void Router::Loop::claim() {
  claim_out = true;
  append_own(Claimed{scout_epoch, options.id, options.engine_version}, "claim/" + options.id.text(),
             [this] { claim_out = false; });
}

void Router::Loop::heard_claim(const Claimed& claimed, Offset offset) {
  if (engine.epoch() != offset) return;  // Void.
  if (offset == claimed_at) return guard.settled();
  if (offset < claimed_at) return;  // While folding what came before our own claim, another's is history.
  auto why = "the partition was claimed by " + claimed.router.text();
  // Rule O1: not one record further. Who has no lease to wait for stops for good.
  if (options.may_claim) load_anew(std::move(why));
  else end(Phase::stopped, std::move(why));
}

// `failed` runs on the router's thread when the record could not be written, in this life of the loop.
void Router::Loop::append_own(const Record& record, std::string id, std::function<void()> failed) {
  ports.journal.append(
      journal::Stream::inbound, options.partition, {std::move(id), std::string(record_type(record)), encode(record)},
      [weak = weak_from_this(), letters = mailbox, mine = generation, failed = std::move(failed)](const Result<journal::Appended>& done) {
        if (done) return;
        letters->post([weak, mine, failed, error = done.error()] {
          const auto loop = weak.lock();
          if (!loop || loop->generation != mine) return;
          failed();
          loop->trouble(error);
        });
      });
}

// Rule A1: the sessions of a gateway that is gone end, so that their agents' grace begins.
void Router::Loop::watch_gateways() {
  const auto now = ports.clock.steady();
  if (!options.live_gateways || stopping || applied < claimed_at || now - gateways_looked < gateways_look_every) return;
  gateways_looked = now;
  const auto live = options.live_gateways();
  if (!live) return;
  const auto known = engine.gateways();
  std::erase_if(silent_gateways, [&](const auto& one) { return !known.contains(one.first); });
  for (const auto& gateway : known) {
    auto& silent = silent_gateways[gateway];
    silent = live->contains(gateway) ? 0 : silent + 1;
    if (silent != gateway_silent_max) continue;  // Said once; said again if it stays so for as long again.
    silent = 0;
    append_own(GatewayLost{gateway}, "lost/" + gateway.text(), [] {});
  }
}

}  // namespace usher::router
