// See sqlite_pending.hpp.
#include "routing/state/sqlite_pending.hpp"

#include <algorithm>
#include <limits>

namespace usher::state {

namespace {

using Bodies = std::map<PendingChanges::BodyKey, PendingChanges::Text>;

Body body_of(const Bodies::value_type& entry) {
  const auto& [key, text] = entry;
  return {std::get<1>(key), std::get<2>(key), std::get<3>(key), text.json, text.offset};
}

// All of a conversation's bodies with sequence < before.
auto range_of(const Bodies& bodies, Partition partition, ConversationId conversation, std::uint32_t before) {
  const MessageId first{};
  return std::pair{bodies.lower_bound({partition, conversation, 0, first}),
                   bodies.lower_bound({partition, conversation, before, first})};
}

std::optional<Body> find(const PendingChanges& changes, Partition partition, MessageId id) {
  const auto place = changes.places.find({partition, id});
  if (place == changes.places.end()) return std::nullopt;
  const auto found = changes.bodies.find({partition, place->second.first, place->second.second, id});
  expect(found != changes.bodies.end(), "a body stands where its place says");
  return body_of(*found);
}

}  // namespace

void PendingChanges::add(Partition partition, Change change) {
  if (!change.value && change.key == "*") {
    const auto first = entities.lower_bound({partition, change.table, ""});
    auto last = first;
    while (last != entities.end() && std::get<0>(last->first) == partition && std::get<1>(last->first) == change.table) ++last;
    entities.erase(first, last);
    dropped.insert({partition, std::move(change.table)});
    return;
  }
  entities.insert_or_assign({partition, std::move(change.table), std::move(change.key)}, std::move(change.value));
}

// Rule S5: written once; the same id again changes nothing.
void PendingChanges::add(Partition partition, Body body) {
  const auto place = places.try_emplace({partition, body.id}, body.conversation, body.sequence);
  if (!place.second) return;
  bodies.try_emplace({partition, body.conversation, body.sequence, body.id}, Text{body.offset, std::move(body.json)});
}

void PendingChanges::forget(Partition partition, ConversationId conversation) {
  const auto first = bodies.lower_bound({partition, conversation, 0, MessageId{}});
  auto end = first;
  while (end != bodies.end() && std::get<0>(end->first) == partition && std::get<1>(end->first) == conversation) ++end;
  for (auto each = first; each != end; ++each) places.erase({partition, std::get<3>(each->first)});
  bodies.erase(first, end);
  gone.insert({partition, conversation});
}

void PendingChanges::clear(Partition partition) {
  const auto its = [partition](const auto& key) { return std::get<0>(key) == partition; };
  std::erase_if(dropped, its);
  std::erase_if(entities, [&](const auto& entry) { return its(entry.first); });
  std::erase_if(gone, its);
  std::erase_if(bodies, [&](const auto& entry) { return its(entry.first); });
  std::erase_if(places, [&](const auto& entry) { return its(entry.first); });
}

std::size_t PendingChanges::size() const {
  return dropped.size() + entities.size() + gone.size() + bodies.size() + places.size();
}

void SqlitePending::replace(PendingChanges all) {
  const std::lock_guard lock(mutex_);
  next_number_ = std::max(next_number_, all.last_number + 1);
  active_ = std::move(all);
  frozen_.reset();
  ++times_carried_;
}

void SqlitePending::add(Partition partition, std::int64_t number, LoggedCommit commit) {
  const std::lock_guard lock(mutex_);
  active_.last_number = number;
  for (auto& change : commit.changes) active_.add(partition, std::move(change));
  for (auto& body : commit.bodies)
    // What is on its way into the tables is as good as there.
    if (!frozen_ || !frozen_->places.contains({partition, body.id})) active_.add(partition, std::move(body));
  for (const auto gone : commit.bodies_gone) active_.forget(partition, gone);
}

void SqlitePending::clear(Partition partition) {
  const std::lock_guard lock(mutex_);
  active_.clear(partition);
  if (frozen_) frozen_->clear(partition);
  ++times_carried_;
}

void SqlitePending::freeze() {
  expect(!frozen_, "one stretch is carried over at a time");
  const std::lock_guard lock(mutex_);
  frozen_ = std::make_unique<PendingChanges>(std::move(active_));
  active_ = {};
  active_.last_number = frozen_->last_number;
}

void SqlitePending::carried() {
  carried_.reset();
  const std::lock_guard lock(mutex_);
  carried_ = std::move(frozen_);
  ++times_carried_;
}

void SqlitePending::free_carried(std::size_t entries) {
  if (!carried_) return;
  const auto free_some = [&](auto& some) {
    for (; entries > 0 && !some.empty(); --entries) some.erase(some.begin());
  };
  free_some(carried_->entities);
  free_some(carried_->bodies);
  free_some(carried_->places);
  if (entries > 0) carried_.reset();
}

std::optional<Body> SqlitePending::body(Partition partition, MessageId id) const {
  const std::lock_guard lock(mutex_);
  auto found = find(active_, partition, id);
  if (found || !frozen_) return found;
  found = find(*frozen_, partition, id);
  return found && !active_.gone.contains({partition, found->conversation}) ? found : std::nullopt;
}

std::vector<Body> SqlitePending::bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                        std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Body> found;
  const auto take = [&](const PendingChanges& changes) {
    const auto [first, end] = range_of(changes.bodies, partition, conversation, before);
    std::size_t taken = 0;
    for (auto each = end; each != first && taken < limit; ++taken) found.push_back(body_of(*--each));
  };
  take(active_);
  if (frozen_ && !active_.gone.contains({partition, conversation})) take(*frozen_);
  return found;
}

std::set<ConversationId> SqlitePending::conversations(Partition partition, ConversationId after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::set<ConversationId> found;
  const auto take = [&](const PendingChanges& changes, bool frozen) {
    const auto end = changes.bodies.end();
    const auto behind = [&](ConversationId one) {
      return changes.bodies.upper_bound({partition, one, std::numeric_limits<std::uint32_t>::max(), MessageId{~0ULL, ~0ULL}});
    };
    std::size_t taken = 0;
    for (auto each = behind(after); each != end && std::get<0>(each->first) == partition && taken < limit;) {
      const auto conversation = std::get<1>(each->first);
      each = behind(conversation);
      if (frozen && active_.gone.contains({partition, conversation})) continue;
      found.insert(conversation);
      ++taken;
    }
  };
  take(active_, false);
  if (frozen_) take(*frozen_, true);
  return found;
}

bool SqlitePending::gone(Partition partition, ConversationId conversation) const {
  const std::lock_guard lock(mutex_);
  const PendingChanges::ConversationKey key{partition, conversation};
  return active_.gone.contains(key) || (frozen_ && frozen_->gone.contains(key));
}

}  // namespace usher::state
