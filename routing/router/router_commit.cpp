// Commits: what was applied is stored, and only then does the world see it (rules S1, S4). And what an owner leaves behind that
// stops in order.
#include <algorithm>
#include <iterator>

#include "routing/message/limits.hpp"
#include "routing/message/plant.hpp"
#include "routing/router/router_loop.hpp"

namespace usher::router {
namespace {

constexpr Milliseconds farewell_at_most{5'000};
constexpr std::size_t in_flight_bytes_max = 16 * 1024 * 1024;  // Of texts and effects; one commit may be more.

std::size_t bytes_of(const state::Commit& commit) {
  std::size_t bytes = 0;
  for (const auto& body : commit.bodies) bytes += body.json.size();
  for (const auto& effect : commit.outbox) bytes += effect.entry.value.size();
  return bytes;
}

}  // namespace

bool Router::Loop::early_lost() const {
  return ports.journal.early_losses() != early_losses && !planted(Plant::early_loss_ignored);
}

void Router::Loop::submit() {
  if (answer_lost || !unwritten.empty() || !may_follow()) return;
  if (rewrite_wanted) {
    if (in_flight.empty() && (rewrite_wanted->at_once || caught_up)) submit_rewrite();
    return;
  }
  if (batch.empty() && !trim_due()) return;
  // Once the position moves on, it no longer tells that texts are missing; the note does.
  // Not of single texts that are damaged, which whoever comes next looks for anyway.
  if ((!texts_missing.empty() || texts_sweep) && !texts_are_damaged && !texts_noted()) return;
  CommitInFlight flight;
  auto& commit = flight.commit;
  commit.partition = options.partition;
  commit.early_losses = planted(Plant::early_loss_ignored) ? ports.journal.early_losses() : early_losses;
  commit.before = in_flight.empty() ? stored : in_flight.back().commit.after.position;
  commit.after = {{engine.epoch(), applied}, applied_mark.value(), engine.state_hash()};
  commit.changes = batch.take_changes();
  commit.bodies = std::move(batch.bodies);
  commit.bodies_gone = std::move(batch.bodies_gone);
  commit.outbox = batch.outbox;
  commit.outbox_done = publisher.take_done();
  flight.frames = std::move(batch.frames);
  flight.outbox = std::move(batch.outbox);
  flight.dead_letters = batch.dead_letters;
  flight.bytes = bytes_of(commit);
  batch = {};
  in_flight.push_back(std::move(flight));
  ++unanswered;
  if (planted(Plant::frames_before_commit))
    for (const auto& frame : in_flight.back().frames) ports.delivery.send(frame);
  send_commit(in_flight.back());
}

// One more may go out while those before it are under way: the store is handed it as soon as it is free, and refuses it when it
// refused the one before. What does not move the position goes alone, since the position cannot tell of it.
bool Router::Loop::may_follow() const {
  if (in_flight.empty()) return true;
  if (mending_texts()) return false;  // That goes on between two commits.
  const auto& last = in_flight.back();
  std::size_t bytes = 0;
  for (const auto& flight : in_flight) bytes += flight.bytes;
  return bytes < in_flight_bytes_max && in_flight.size() < ports.store.commits_in_flight_max() && !last.rewrite && last.tells() &&
         applied != last.commit.after.position.offset;
}

// The outbox is trimmed with the next commit, or, when nothing more comes, by one of its own.
bool Router::Loop::trim_due() const {
  return publisher.has_done() && ports.clock.steady() - applied_steady >= trim_outbox_after;
}

void Router::Loop::send_commit(const CommitInFlight& flight) {
  auto done = [weak = weak_from_this(), letters = mailbox, mine = generation](const Result<state::CommitReceipt>& receipt) {
    letters->post([weak, mine, receipt] {
      const auto loop = weak.lock();
      if (loop && loop->generation == mine) loop->committed(receipt);
    });
  };
  if (flight.rewrite) ports.store.rewrite(*flight.rewrite, std::move(done));
  else ports.store.commit(flight.commit, std::move(done));
}

void Router::Loop::committed(const Result<state::CommitReceipt>& receipt) {
  --unanswered;
  if (answer_lost) return;  // What came of it is read, with the rest.
  if (receipt) return well(), leave(receipt->outbox_published);
  if (early_lost()) return load_anew("a record that was read early was not written");
  if (receipt.error().fault == Fault::conflict && planted(Plant::refusal_ignored)) return leave(true);
  if (receipt.error().fault == Fault::conflict || receipt.error().fault == Fault::malformed)
    return store_damaged(receipt.error().detail);
  if (planted(Plant::lost_answer_believed)) return leave(true);
  answer_lost = true;  // Rule S1: whether it was applied is found out by reading.
  trouble(receipt.error());
}

void Router::Loop::settle_lost_answer() {
  if (unanswered > 0) {  // The position may still move.
    not_before = ports.clock.steady() + backoff;
    return;
  }
  const auto meta = ports.store.load_meta(options.partition);
  if (!meta && meta.error().fault == Fault::malformed) return store_damaged(meta.error().detail);
  if (!meta) return trouble(meta.error());
  const auto there = *meta ? std::optional((*meta)->position) : std::nullopt;
  // One that leaves the position as it was (texts, a trimmed outbox) may simply be made twice.
  auto left = in_flight.begin();
  for (auto each = in_flight.begin(); each != in_flight.end(); ++each)
    if (each->tells() && there == each->commit.after.position) left = std::next(each);
  const auto& first = in_flight.front();
  const auto expected = first.rewrite ? first.rewrite->before : std::optional(first.commit.before);
  if (left == in_flight.begin() && there != expected) return store_damaged("the store does not stand where it was left");
  answer_lost = false;
  well();
  // Whether the store also published is not known: the tails are, on a load.
  if (std::any_of(in_flight.begin(), left, [](const auto& each) { return each.rewrite || !each.outbox.empty(); }))
    return load_anew("an answer was lost");
  for (auto stored_so_many = std::distance(in_flight.begin(), left); stored_so_many > 0; --stored_so_many) leave(true);
  for (const auto& each : in_flight) {
    ++unanswered;
    send_commit(each);
  }
}

// Only now may the world see it.
void Router::Loop::leave(bool published) {
  auto flight = std::move(in_flight.front());
  in_flight.pop_front();
  stored = flight.commit.after.position;
  trouble_since.reset();
  if (flight.rewrite) {
    ++totals.rewrites;
    restore_all_texts();
  }
  ++totals.commits;
  totals.dead_letters += flight.dead_letters;
  if (!published) publisher.add(std::move(flight.outbox));
  for (const auto& frame : flight.frames) ports.delivery.send(frame);
}

// An owner that stops in order leaves a snapshot where it stopped: whoever comes next, of whatever version, may begin there
// (rules O3, X2). Not for ever: without it the next one begins with the store.
void Router::Loop::say_farewell() {
  if (!stopping || !options.snapshots || phase != Phase::routing || troubled) return;
  const auto now = ports.clock.steady();
  if (!stopping_since) stopping_since = now;
  if (!farewell && in_flight.empty() && batch.empty() && publisher.idle() && applied == stored.offset &&
      applied >= claimed_at && !rewrite_wanted) {
    farewell = true;
    snapshots.begin({{stored, applied_mark.value(), engine.state_hash()}, engine.owner_version(), engine.epoch(), true,
                     engine.serialize()});
  }
  if (farewell) snapshots.pump();
}

bool Router::Loop::said_farewell() const {
  if (!options.snapshots) return true;
  if (stopping_since && ports.clock.steady() - *stopping_since > farewell_at_most) return true;
  // Before its own claim is folded, a router has nothing to leave.
  return applied < claimed_at || (farewell && (!snapshots.busy() || snapshots.failed()));
}

}  // namespace usher::router
