// Which state to begin with: the tracked one, if it is whole and belongs to this journal; else the newest snapshot; else the
// first record of all (rules J2, S2, X2). What follows is folded and committed as it goes, once the partition is ours.
#include <charconv>

#include "routing/router/arrival.hpp"
#include "routing/router/router_loop.hpp"

namespace usher::router {
namespace {

constexpr std::size_t effects_at_once = 4 * 4096;  // More than owners of before may have had under way together.

// PARTITION/OFFSET/INDEX.
std::optional<std::pair<Offset, std::uint32_t>> effect_place(std::string_view id) {
  const auto first = id.find('/');
  const auto second = first == std::string_view::npos ? first : id.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::pair<Offset, std::uint32_t> place;
  const auto offset = std::from_chars(id.data() + first + 1, id.data() + second, place.first);
  const auto index = std::from_chars(id.data() + second + 1, id.data() + id.size(), place.second);
  if (offset.ec != std::errc{} || index.ec != std::errc{}) return std::nullopt;
  return place;
}

}  // namespace

void Router::Loop::forget_all() {
  ++generation;
  batch = {};
  unwritten.clear();
  in_flight.clear();
  unanswered = 0;
  answer_lost = false;
  read_ahead.clear();
  claim_out = false;
  claimed_at = offset_none;
  rebuilt = false;
  foreign_version = false;
  folded_since = offset_none;
  caught_up = false;
  tick_out = false;
  engine_good = false;
  rewrite_wanted.reset();
  rewrite_outbox.clear();
  texts_missing.clear();
  texts_sweep.reset();
  texts_are_damaged = false;
  texts_look.clear();
  texts_soon.clear();
  texts_look_at = texts_walk_at = ports.clock.steady() + texts_look_first;
  texts_lost.clear();
  texts_note = Noted::no;
  known_out.clear();
  said_until = stored_once = offset_none;
  silent_gateways.clear();
  barrier = barrier_writing = false;
}

void Router::Loop::load() {
  forget_all();
  phase = Phase::loading;
  early_losses = ports.journal.early_losses();  // Before anything is read that a loss may take back.
  const auto meta = ports.store.load_meta(options.partition);
  const bool unreadable = !meta && meta.error().fault == Fault::malformed;
  if (!meta && !unreadable) return trouble(meta.error());
  auto begun = meta && *meta ? load_stored(**meta) : rebuild({}, unreadable);
  // Only what cannot become better by itself is an operator's.
  if (!begun) return begun.error().fault == Fault::malformed ? end(Phase::failed, begun.error().detail) : trouble(begun.error());
}

Result<void> Router::Loop::load_stored(const state::Meta& meta) {
  auto loaded = ports.store.load(options.partition);
  if (!loaded && loaded.error().fault == Fault::malformed) return rebuild(meta);
  if (!loaded) return loaded.error();
  const auto& position = loaded->meta.position;
  const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition);
  if (!bounds) return bounds.error();
  // An old copy that the journal no longer reaches back to. The last record before a new incarnation need not be there.
  const bool joined = position.offset == ports.journal.incarnation(options.partition).after;
  if (options.snapshots && position.offset != offset_none && position.offset < bounds->first && !joined) return rebuild(meta);
  if (const auto same = same_journal(ports.journal, options.partition, position.offset, loaded->meta.fingerprint); !same)
    return another_log(same.error());
  auto restored = engine::Engine::restore(loaded->entities);
  // Rule S2: half a state must not be taken for a whole one.
  if (!restored || restored->state_hash() != loaded->meta.digest) return rebuild(meta);
  if (const auto crossed = crosses_barrier(*restored, position.offset); !crossed) return crossed.error();
  else if (*crossed) return rebuild(meta);
  return start_from(std::move(*restored), loaded->meta, std::move(loaded->outbox));
}

// Rule O3: an old copy from before another version took over, which is in force no more, is no place to begin.
Result<bool> Router::Loop::crosses_barrier(const engine::Engine& restored, Offset at) const {
  const auto version = restored.owner_version();
  if (!options.snapshots || version == 0 || version == options.engine_version) return false;
  const auto listed = list_snapshots(ports.journal, options.partition);
  if (!listed) return listed.error();
  if (listed->empty() || listed->back().claimed_at <= restored.epoch()) return false;
  // An old copy is no newer than the base of who took over. One that is newer was committed after that base by the owner of
  // before, and who wrote the base never came to commit. An owner of its own version that went on from here is no barrier.
  const auto& base = listed->back();
  return base.offset > at || (base.offset == at && base.owner_version != version);
}

// The store has nothing, or nothing that can be trusted.
Result<void> Router::Loop::rebuild(const std::optional<state::Meta>& damaged, bool unreadable) {
  const auto what = damaged || unreadable ? "the tracked state is damaged" : "the state is gone";
  const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition);
  if (!bounds) return bounds.error();
  std::optional<Snapshot> snapshot;
  if (options.snapshots) {
    auto found = newest_snapshot(ports.journal, options.partition);
    if (!found) return found.error();
    snapshot = std::move(*found);
  }
  if (damaged) stored_once = damaged->position.offset;
  rebuilt = damaged || unreadable || bounds->end > 0;
  if (damaged) rewrite_wanted = RewriteWanted{damaged->position, true};
  if (unreadable) rewrite_wanted = RewriteWanted{std::nullopt, true, true};
  if (snapshot && snapshot->meta.position.offset + 1 >= bounds->first) {
    if (snapshot->owner_version != options.engine_version && !snapshot->drained)
      return message::fail(Fault::malformed, std::string(what) + ", and the newest snapshot was made by engine version " +
                                                 std::to_string(snapshot->owner_version) +
                                                 ", which did not stop in order: only a program of that version can go on");
    auto restored = engine::Engine::restore(snapshot->entities);
    if (!restored) return restored.error();
    const auto& at = snapshot->meta;
    const bool joined = at.position.offset == ports.journal.incarnation(options.partition).after;
    if (at.position.offset >= bounds->first || joined)
      if (auto same = same_journal(ports.journal, options.partition, at.position.offset, at.fingerprint); !same)
        return another_log(same.error());
    if (!rewrite_wanted) rewrite_wanted = RewriteWanted{std::nullopt, true};
    folded_since = snapshot->claimed_at;
    return start_from(std::move(*restored), snapshot->meta, {});
  }
  // Offsets begin at 0 or 1; what begins later has lost its beginning to retention.
  if (bounds->first > 1)
    return message::fail(Fault::malformed, std::string(what) + ", there is no snapshot, and the journal has lost its first records");
  if (!damaged && !unreadable) {
    auto made = ports.store.initialise(options.partition);
    // Another router made one since we looked, so there is something to load.
    if (!made && made.error().fault == Fault::conflict) return message::fail(Fault::unavailable, made.error().detail);
    if (!made) return made.error();
  }
  return start_from(engine::Engine{}, state::Meta{}, {});
}

// Rule E2: what is out already of records behind `at` is not sent again: replies, events and dead letters of a store that was
// lost or brought back from an old copy. Effects leave in the order of their records, so the look goes back from the end
// until a whole chunk has only older ones: a late owner may have repeated some old ones at the end.
Result<void> Router::Loop::learn_what_is_out(Offset behind, Offset stored_at) {
  for (const auto stream : {journal::Stream::outbound, journal::Stream::events, journal::Stream::dead_letters}) {
    const auto bounds = ports.journal.bounds(stream, options.partition);
    if (!bounds) return bounds.error();
    auto until = bounds->end;
    while (until > bounds->first) {
      const auto from = std::max(bounds->first, until - static_cast<Offset>(effects_at_once));
      bool newer = false;
      for (auto next_from = from; next_from < until;) {
        const auto records = ports.journal.read(stream, options.partition, next_from, effects_at_once);
        if (!records) return records.error();
        if (records->empty()) break;
        for (const auto& record : *records) newer = note_out(stream, record, behind, stored_at) || newer;
        next_from = records->back().offset + 1;
      }
      if (!newer) break;
      until = from;
    }
  }
  return {};
}

bool Router::Loop::note_out(journal::Stream stream, const journal::Stored& record, Offset behind, Offset stored_at) {
  const auto place = effect_place(record.entry.id);
  if (!place || place->first <= behind) return false;
  known_out.insert({stream, place->first, place->second});
  if (place->first > stored_at) said_until = std::max(said_until, place->first);
  return true;
}

Result<void> Router::Loop::start_from(engine::Engine restored, const state::Meta& meta, std::vector<state::OutboxEntry> outbox) {
  // Of what waits in the outbox some may be out as well.
  const auto waiting = outbox.empty() ? meta.position.offset : std::min(meta.position.offset, outbox.front().offset - 1);
  if (const auto learnt = learn_what_is_out(waiting, meta.position.offset); !learnt) return learnt.error();
  // What an earlier owner sent or stored, it has applied.
  if (const auto begun = guard.begin(meta.position.offset, std::max(said_until, stored_once)); !begun) return begun.error();
  publisher.resume(std::move(outbox), [this](const state::OutboxEntry& entry) {
    return known_out.contains({entry.stream, entry.offset, entry.index});
  });
  const auto wanted = texts_wanted(meta.position.offset);
  if (!wanted) return wanted.error();
  engine = std::move(restored);
  engine_good = true;
  stored = meta.position;
  applied = stored.offset;
  applied_mark.is(meta.fingerprint);
  next = stored.offset == offset_none ? Offset{0} : stored.offset + 1;
  if (stored.offset == offset_none) {
    const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition);
    if (!bounds) return bounds.error();
    next = bounds->first;
  }
  applied_steady = ports.clock.steady();
  if (*wanted && !rewrite_wanted) restore_all_texts();  // An earlier owner did not come to the end of it.
  scout_next = next;
  scout_epoch = engine.epoch();
  phase = Phase::claiming;
  if (!std::exchange(attached, true))
    ports.journal.on_early(options.partition, [letters = mailbox] { letters->knock(); });
  return {};
}

}  // namespace usher::router
