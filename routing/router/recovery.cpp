// See recovery.hpp.
#include "routing/router/recovery.hpp"

#include <algorithm>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "routing/engine/engine.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "routing/router/arrival.hpp"
#include "routing/router/snapshot.hpp"

namespace usher::router {
namespace {

constexpr std::size_t records_at_once = 1024;

// What can be gone on from.
struct Known {
  state::Meta meta;
  engine::Engine engine;
  std::uint64_t unpublished = 0;
  bool from_snapshot = false;
};

Result<std::optional<Known>> known_by_store(state::StateStore& store, Partition partition) {
  const auto meta = store.load_meta(partition);
  if (!meta && meta.error().fault == Fault::malformed) return std::optional<Known>();
  if (!meta) return meta.error();
  if (!*meta) return std::optional<Known>();
  const auto loaded = store.load(partition);
  if (!loaded && loaded.error().fault == Fault::malformed) return std::optional<Known>();
  if (!loaded) return loaded.error();
  auto restored = engine::Engine::restore(loaded->entities);
  if (!restored || restored->state_hash() != loaded->meta.digest) return std::optional<Known>();
  return std::optional(Known{loaded->meta, std::move(*restored), loaded->outbox.size(), false});
}

Result<std::optional<Known>> known_by_snapshot(journal::Journal& log, Partition partition) {
  const auto snapshot = newest_snapshot(log, partition);
  if (!snapshot) return snapshot.error();
  if (!*snapshot) return std::optional<Known>();
  auto restored = engine::Engine::restore((*snapshot)->entities);
  if (!restored) return std::optional<Known>();
  return std::optional(Known{(*snapshot)->meta, std::move(*restored), 0, true});
}

// The record at this place of the log itself, if there is one.
Result<std::optional<journal::Stored>> record_at(journal::Journal& log, Partition partition, Offset at) {
  auto records = log.read(journal::Stream::inbound, partition, at, 1);
  if (!records && records.error().fault != Fault::not_found) return records.error();
  if (!records || records->empty() || records->front().offset != at) return std::optional<journal::Stored>();
  return std::optional(std::move(records->front()));
}

// The claim by which the state's owner held the partition stands in the log: so it is that one, as far as it goes.
Result<bool> has_claim(journal::Journal& log, Partition partition, const engine::Engine& engine) {
  if (engine.epoch() == offset_none) return false;
  const auto record = record_at(log, partition, journal::offset_in_log(engine.epoch()));
  if (!record) return record.error();
  if (!*record) return false;
  const auto decoded = decode_record((*record)->entry.type, (*record)->entry.value);
  const auto* claimed = decoded ? std::get_if<Claimed>(&*decoded) : nullptr;
  return claimed != nullptr && claimed->router == engine.owner();
}

// The first record that is younger than the state, from its claim on.
Result<Offset> first_after(journal::Journal& log, Partition partition, const engine::Engine& engine, const journal::Bounds& bounds) {
  for (auto from = std::max(journal::offset_in_log(engine.epoch()), bounds.first); from < bounds.end;) {
    const auto records = log.read(journal::Stream::inbound, partition, from, records_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records)
      if (record.appended_at > engine.now()) return record.offset;
    from = records->back().offset + 1;
  }
  return bounds.end;
}

// A log made anew has nothing in it but what came in since: no router claims before it was recovered, and nothing is older
// than the state. Anything else is not ours to guess.
Result<void> surely_made_anew(journal::Journal& log, Partition partition, const engine::Engine& engine, const journal::Bounds& bounds) {
  for (auto from = bounds.first; from < bounds.end;) {
    const auto records = log.read(journal::Stream::inbound, partition, from, records_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    if (from == bounds.first && records->front().appended_at < engine.now())
      return fail(Fault::malformed,
                  "whether the log was made anew or lost its end cannot be told: its first record, at offset " +
                      std::to_string(records->front().offset) + ", came before the newest one that the state knows, and the claim "
                      "of the state's owner is not in it. Find the first record that was not applied, and name it with --from OFFSET");
    for (const auto& record : *records)
      if (record.entry.type == record_type(Claimed{}))
        return fail(Fault::malformed, "a router has claimed this log at offset " + std::to_string(record.offset) +
                                          ", and not the one whose state this is: are these the Kafka and the Redis that belong together?");
    from = records->back().offset + 1;
  }
  return {};
}

Result<Known> newest_known(journal::Journal& log, state::StateStore& store, Partition partition) {
  auto stored = known_by_store(store, partition);
  if (!stored) return stored.error();
  auto kept = known_by_snapshot(log, partition);
  if (!kept) return kept.error();
  if (*kept && (!*stored || (*stored)->meta.position.offset < (*kept)->meta.position.offset)) return std::move(**kept);
  if (*stored) return std::move(**stored);
  return fail(Fault::not_found, "there is neither a tracked state nor a snapshot of this partition to go on from");
}

std::uint64_t conversations_of(const engine::Engine& engine) {
  return engine.conversations(std::numeric_limits<std::size_t>::max()).size();
}

}  // namespace

Result<RecoveryPlan> plan_recovery(journal::Journal& log, state::StateStore& store, Partition partition,
                                   std::optional<Offset> from) {
  const auto known = newest_known(log, store, partition);
  if (!known) return known.error();
  const auto& meta = known->meta;
  const auto at = meta.position.offset;
  const auto noted = journal::read_incarnation(log, partition);
  if (!noted) return noted.error();
  journal::ContinuedJournal journal(log, partition, *noted);
  const auto bounds = log.bounds(journal::Stream::inbound, partition);
  if (!bounds) return bounds.error();
  // A note to which this log does not fit any more: it was made anew once again, or its beginning was erased meanwhile.
  const bool outdated = noted->number > 0 && noted->after == at && (noted->begins < bounds->first || noted->begins > bounds->end);
  if (const auto same = same_journal(journal, partition, at, meta.fingerprint); same && !outdated)
    return fail(Fault::conflict, "there is nothing to recover: the log is the one of the tracked state");
  else if (!same && same.error().fault != Fault::malformed) return same.error();

  RecoveryPlan plan;
  plan.from_snapshot = known->from_snapshot;
  plan.as_of = known->engine.now();
  plan.conversations = conversations_of(known->engine);
  plan.unpublished = known->unpublished;
  plan.next = {1 + std::max(noted->number, journal::incarnation_of(at)), at, meta.fingerprint, bounds->first};
  const auto last = record_at(log, partition, journal::offset_in_log(at));
  if (!last) return last.error();
  const auto claimed = has_claim(log, partition, known->engine);
  if (!claimed) return claimed.error();
  const bool ahead = journal::incarnation_of(at) > noted->number;
  if (*last && fingerprint((*last)->entry) == meta.fingerprint && (ahead || *claimed)) {
    plan.found = LogFound::note_lost;
    if (ahead) plan.next.number = journal::incarnation_of(at);
    plan.next.begins = journal::offset_in_log(at) + 1;
  } else if (from) {
    if (*from < bounds->first || *from > bounds->end)
      return fail(Fault::malformed, "--from: the log has offsets from " + std::to_string(bounds->first) + " to before " +
                                        std::to_string(bounds->end));
    plan.found = *from > bounds->first ? LogFound::cut_off : LogFound::made_anew;
    plan.next.begins = *from;
  } else if (*claimed) {
    plan.found = LogFound::cut_off;
    const auto first = first_after(log, partition, known->engine, *bounds);
    if (!first) return first.error();
    plan.next.begins = *first;
  } else if (const auto sure = surely_made_anew(log, partition, known->engine, *bounds); !sure) {
    return sure.error();
  }
  if (plan.next.number > limits::incarnations_max)
    return fail(Fault::malformed, "the partition has had " + std::to_string(limits::incarnations_max) +
                                      " incarnations: begin anew with another topic prefix and another key prefix");
  plan.records = bounds->end - plan.next.begins;
  return plan;
}

Result<void> recover(journal::Journal& log, Partition partition, const RecoveryPlan& plan) {
  // Shared: the answer may come after we have given up waiting for it.
  const auto answer = std::make_shared<std::promise<Result<journal::Appended>>>();
  auto answered = answer->get_future();
  log.append(journal::Stream::control, partition, journal::incarnation_note(plan.next, "usherctl"),
             [answer](Result<journal::Appended> done) { answer->set_value(std::move(done)); });
  if (answered.wait_for(limits::append_within) != std::future_status::ready)
    return fail(Fault::unavailable, "the journal did not take the note in time");
  const auto done = answered.get();
  if (!done) return done.error();
  return {};
}

}  // namespace usher::router
