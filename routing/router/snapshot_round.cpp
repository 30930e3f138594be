// See snapshot_round.hpp. Two snapshots are kept; the third-newest is forgotten only once a newer manifest is durable.
#include "routing/router/snapshot_round.hpp"

#include <utility>

namespace usher::router {
namespace {

constexpr std::size_t records_at_once = 1024;
constexpr std::size_t snapshots_kept = 2;

}  // namespace

bool SnapshotRound::pump() {
  mailbox_->open();
  if (!options_.owning()) {
    replica_.forget();
    known_.reset();
    writing_ = {};
    return false;
  }
  if (writing_.offset == offset_none) return follow();
  write();
  return false;
}

bool SnapshotRound::follow() {
  if (!known_) {
    auto listed = list_snapshots(journal_, options_.partition);
    if (!listed) return say(listed.error().detail);
    known_.emplace(listed->begin(), listed->end());
  }
  const auto caught = replica_.catch_up(records_at_once);
  if (!caught) {
    if (caught.error().fault == Fault::malformed) ++status_.differences;
    return say(caught.error().detail);
  }
  if (!*caught) return true;
  // Until the owner has folded its own claim, the state is one between two owners.
  if (replica_.engine().owner().empty() || !options_.ours(replica_.engine().owner())) return say("");
  if (!due_at_) due_at_ = clock_.steady() + options_.every;
  if (clock_.steady() < *due_at_) return say("");
  const auto& engine = replica_.engine();
  writer_.begin({replica_.at(), engine.owner_version(), engine.epoch(), false, engine.serialize()});
  writing_ = {engine.epoch(), replica_.at().position.offset, writer_.chunks(), engine.owner_version()};
  write();
  return false;
}

void SnapshotRound::write() {
  // Effects up to there must be out before it counts: whoever starts from the snapshot does not make them again.
  const auto outbox = store_.outbox(options_.partition);
  writer_.pump(outbox && (outbox->empty() || outbox->front().offset > writing_.offset));
  if (writer_.failed()) {
    writing_ = {};
    due_at_ = clock_.steady() + options_.look_every;
    static_cast<void>(say("a snapshot could not be written"));
    return;
  }
  if (writer_.busy()) return;
  std::erase_if(*known_, [this](const auto& one) {
    return one.offset == writing_.offset && one.claimed_at == writing_.claimed_at;
  });
  known_->push_back(writing_);
  while (known_->size() > snapshots_kept) {
    writer_.forget(known_->front());
    known_->pop_front();
  }
  due_at_ = clock_.steady() + options_.every;
  status_.last = std::exchange(writing_, {}).offset;
  ++status_.written;
  status_.trouble.clear();
}

bool SnapshotRound::say(std::string trouble) {
  status_.trouble = std::move(trouble);
  return false;
}

}  // namespace usher::router
