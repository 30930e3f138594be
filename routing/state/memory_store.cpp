// MemoryStore: ordered maps by partition; what happens later is a queue of events.
#include "routing/state/memory_store.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include "routing/state/text_checksum.hpp"

namespace usher::state {

namespace {

constexpr std::size_t early_commits_in_flight_max = 64;  // As SQLite.

Error meta_is_lost() { return fail(Fault::malformed, "the state does not say where it stands"); }
Error outbox_is_short() { return fail(Fault::malformed, "effects are missing from the outbox"); }
Error rests_on_lost() { return fail(Fault::conflict, "it may rest on records that were not written"); }
Error told_to_fail() { return fail(Fault::unavailable, "the memory store was told to fail"); }

}  // namespace

MemoryStore::MemoryStore(Delivering delivering, journal::MemoryJournal* publish_to)
    : delivering_(delivering), publish_to_(publish_to) {}

Result<std::vector<Body>> MemoryStore::bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                              std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  const auto& state = look_at(partition);
  const auto first = state.order.lower_bound({conversation, 0});
  auto last = state.order.lower_bound({conversation, before});
  std::vector<Body> found;
  for (std::size_t seen = 0; last != first && seen < limit; ++seen) {
    const auto& text = state.bodies.at((--last)->second);
    if (sound(text)) found.push_back(text.body);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Result<std::optional<Body>> MemoryStore::body(Partition partition, MessageId id) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  const auto& bodies = look_at(partition).bodies;
  const auto found = bodies.find(id);
  return found == bodies.end() || !sound(found->second) ? std::nullopt : std::optional(found->second.body);
}

Result<std::optional<std::string>> MemoryStore::entity(Partition partition, const std::string& table,
                                                       const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  const auto& entities = look_at(partition).entities;
  const auto found = entities.find({table, key});
  return found == entities.end() ? std::nullopt : std::optional(found->second);
}

Result<void> MemoryStore::initialise(Partition partition) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  if (!partitions_.try_emplace(partition).second) return fail(Fault::conflict, "the partition has a state already");
  return {};
}

Result<std::optional<Meta>> MemoryStore::load_meta(Partition partition) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  const auto found = partitions_.find(partition);
  if (found != partitions_.end() && found->second.meta_lost) return meta_is_lost();
  return found == partitions_.end() ? std::nullopt : std::optional(found->second.meta);
}

Result<Loaded> MemoryStore::load(Partition partition) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return fail(Fault::not_found, "the partition has no state");
  if (found->second.meta_lost) return meta_is_lost();
  if (found->second.outbox_lost) return outbox_is_short();
  Loaded loaded;
  loaded.meta = found->second.meta;
  for (const auto& [name, value] : found->second.entities) loaded.entities.push_back({name.first, name.second, value});
  for (const auto& [position, entry] : found->second.outbox) loaded.outbox.push_back(entry);
  return loaded;
}

std::size_t MemoryStore::commits_in_flight_max() const {
  return publish_to_ != nullptr && publish_to_->gives_early() ? early_commits_in_flight_max : limits::commits_in_flight_max;
}

void MemoryStore::commit(Commit commit, CommitDone done) {
  auto kept = std::make_shared<Commit>(std::move(commit));
  schedule([this, kept, call = std::move(done)] { apply(*kept, call); });
}

void MemoryStore::rewrite(Rewrite rewrite, CommitDone done) {
  auto kept = std::make_shared<Rewrite>(std::move(rewrite));
  schedule([this, kept, call = std::move(done)] {
    if (!follows_journal(kept->partition, kept->after.position.offset, kept->early_losses))
      return schedule([call] { call(rests_on_lost()); });
    std::set<Stream> published;
    for (const auto& entry : kept->outbox) published.insert(entry.stream);
    answer(published, kept->partition, call, [&] { return rewrite_locked(*kept); });
  });
}

Result<TextsPage> MemoryStore::texts_held(Partition partition, const std::string& from, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  const auto& order = look_at(partition).order;
  const auto after = ConversationId::parse(from);
  TextsPage page;
  auto place = after ? order.upper_bound({*after, std::numeric_limits<std::uint32_t>::max()}) : order.begin();
  while (place != order.end() && page.conversations.size() < limit) {
    page.conversations.push_back(place->first.first);
    place = order.upper_bound({page.conversations.back(), std::numeric_limits<std::uint32_t>::max()});
  }
  if (place != order.end() && !page.conversations.empty()) page.next = page.conversations.back().text();
  return page;
}

Result<int> MemoryStore::count_attempt(Partition partition, Offset at) {
  const std::lock_guard lock(mutex_);
  if (call_fails()) return told_to_fail();
  auto& attempts = attempts_[partition];
  if (attempts.at != at) attempts = Attempts{at, 0};
  return ++attempts.count;
}

bool MemoryStore::deliver_one() {
  std::function<void()> event;
  {
    const std::lock_guard lock(mutex_);
    if (events_.empty()) return false;
    event = std::move(events_.front());
    events_.pop_front();
  }
  event();
  return true;
}

std::size_t MemoryStore::deliver_all() {
  std::size_t count = 0;
  while (deliver_one()) ++count;
  return count;
}

std::size_t MemoryStore::undelivered() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

void MemoryStore::fail_next_commits(int count, Applied applied) {
  const std::lock_guard lock(mutex_);
  commit_failures_ = count;
  failure_applied_ = applied;
}

void MemoryStore::fail_commits_after_rewrite(int count) {
  const std::lock_guard lock(mutex_);
  failures_after_rewrite_ = count;
}

void MemoryStore::fail_next_calls(int count) {
  const std::lock_guard lock(mutex_);
  call_failures_ = count;
}

void MemoryStore::crash() {
  // Destroyed after the lock is released: callbacks' destructors may come back here.
  std::deque<std::function<void()>> events;
  const std::lock_guard lock(mutex_);
  events.swap(events_);
}

void MemoryStore::wipe() {
  const std::lock_guard lock(mutex_);
  partitions_.clear();
  attempts_.clear();
}

void MemoryStore::keep() {
  const std::lock_guard lock(mutex_);
  kept_ = partitions_;
}

void MemoryStore::restore() {
  const std::lock_guard lock(mutex_);
  partitions_ = kept_;
}

void MemoryStore::damage(Partition partition, std::size_t which) {
  const std::lock_guard lock(mutex_);
  const auto found = partitions_.find(partition);
  if (found == partitions_.end() || found->second.entities.empty()) return;
  auto& state = found->second;
  auto entity = std::next(state.entities.begin(), static_cast<std::ptrdiff_t>(which % state.entities.size()));
  state.damaged = true;
  if (which % 2 == 0) state.entities.erase(entity);
  else entity->second += '?';
}

bool MemoryStore::damage_text(Partition partition, std::size_t which) {
  const std::lock_guard lock(mutex_);
  const auto found = partitions_.find(partition);
  if (found == partitions_.end() || found->second.bodies.empty()) return false;
  auto& bodies = found->second.bodies;
  return damage_text(std::next(bodies.begin(), static_cast<std::ptrdiff_t>(which % bodies.size()))->second);
}

bool MemoryStore::damage_text(Partition partition, MessageId id) {
  const std::lock_guard lock(mutex_);
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return false;
  const auto text = found->second.bodies.find(id);
  return text != found->second.bodies.end() && damage_text(text->second);
}

bool MemoryStore::damage_text(Text& text) {
  if (text.body.json.empty()) return false;
  auto& letter = text.body.json[text.body.json.size() / 2];
  letter = static_cast<char>(letter ^ 1);
  return true;
}

bool MemoryStore::sound(const Text& text) { return text.checksum == text_checksum(text.body); }

void MemoryStore::lose_meta(Partition partition) {
  const std::lock_guard lock(mutex_);
  const auto found = partitions_.find(partition);
  if (found != partitions_.end()) found->second.meta_lost = true;
}

bool MemoryStore::lose_outbox(Partition partition) {
  const std::lock_guard lock(mutex_);
  const auto found = partitions_.find(partition);
  if (found == partitions_.end() || found->second.outbox.empty()) return false;
  found->second.outbox.clear();
  found->second.outbox_lost = true;
  return true;
}

void MemoryStore::schedule(std::function<void()> event) {
  if (delivering_ == Delivering::at_once) return event();
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

// Behind the records that it rests on, as in one file; but not when one of them was lost.
bool MemoryStore::follows_journal(Partition partition, Offset offset, std::uint64_t losses) {
  if (publish_to_ == nullptr || !publish_to_->gives_early()) return true;
  publish_to_->store_through(partition, offset);
  return publish_to_->early_losses() == losses;
}

void MemoryStore::apply(Commit& commit, const CommitDone& done) {
  if (!follows_journal(commit.partition, commit.after.position.offset, commit.early_losses))
    return schedule([done] { done(rests_on_lost()); });
  std::set<Stream> published;
  for (const auto& entry : commit.outbox) published.insert(entry.stream);
  answer(published, commit.partition, done, [&] { return apply_locked(commit); });
}

void MemoryStore::answer(const std::set<Stream>& published, Partition partition, const CommitDone& done,
                         const std::function<Result<CommitReceipt>()>& change) {
  Result<CommitReceipt> outcome = told_to_fail();
  bool applied = false;
  {
    const std::lock_guard lock(mutex_);
    const bool failing = commit_failures_ > 0;
    if (failing) --commit_failures_;
    if (!failing || failure_applied_ == Applied::yes) {
      auto result = change();
      applied = result.has_value();
      if (!failing) outcome = std::move(result);
    }
  }
  // Outside the lock: a reader that is woken may look here at once.
  if (applied && publish_to_ != nullptr)
    for (const auto stream : published) publish_to_->wake(stream, partition);
  schedule([done, outcome = std::move(outcome)] { done(outcome); });
}

Result<CommitReceipt> MemoryStore::apply_locked(Commit& commit) {
  const auto found = partitions_.find(commit.partition);
  if (found == partitions_.end()) return fail(Fault::conflict, "the partition has no state");
  auto& state = found->second;
  if (state.meta_lost) return meta_is_lost();
  if (state.meta.position != commit.before) return fail(Fault::conflict, "the stored position is not the expected one");
  if (state.entities.size() != state.meta.digest.count && state.damaged)
    return fail(Fault::malformed, "entities are missing");
  if (state.outbox_lost) return outbox_is_short();
  change_entities(state, commit.changes);
  add_bodies(state, commit.bodies);
  erase_bodies(state, commit.bodies_gone);
  put_outbox(state, commit.partition, commit.outbox);
  if (commit.outbox_done)
    std::erase_if(state.outbox, [&](const auto& each) { return each.first.first <= *commit.outbox_done; });
  state.meta = commit.after;
  return CommitReceipt{publish_to_ != nullptr};
}

Result<CommitReceipt> MemoryStore::rewrite_locked(Rewrite& rewrite) {
  const auto found = partitions_.find(rewrite.partition);
  const auto there = found == partitions_.end() ? std::nullopt : std::optional(found->second.meta.position);
  const bool unreadable = found != partitions_.end() && found->second.meta_lost;
  if (unreadable && !rewrite.over_damage) return meta_is_lost();
  if (!unreadable && rewrite.over_damage) return fail(Fault::conflict, "the stored position can be read");
  if (unreadable) rewrite.before = there;
  if (there != rewrite.before) return fail(Fault::conflict, "the stored position is not the expected one");
  auto& state = partitions_[rewrite.partition];
  state.entities.clear();
  state.outbox.clear();
  state.damaged = state.outbox_lost = state.meta_lost = false;
  for (auto& entity : rewrite.entities)
    state.entities.insert_or_assign({std::move(entity.table), std::move(entity.key)}, std::move(entity.value));
  add_bodies(state, rewrite.bodies);
  put_outbox(state, rewrite.partition, rewrite.outbox);
  state.meta = rewrite.after;
  if (failures_after_rewrite_ > 0) {
    commit_failures_ = std::exchange(failures_after_rewrite_, 0);
    failure_applied_ = Applied::no;
  }
  return CommitReceipt{publish_to_ != nullptr};
}

void MemoryStore::put_outbox(PartitionState& state, Partition partition, std::vector<OutboxEntry>& outbox) {
  for (auto& entry : outbox) {
    if (publish_to_ != nullptr)
      publish_to_->publish(entry.stream, partition, std::move(entry.entry));
    else
      state.outbox.insert_or_assign({entry.offset, entry.index}, std::move(entry));
  }
}

void MemoryStore::change_entities(PartitionState& state, std::vector<Change>& changes) {
  for (auto& change : changes) {
    if (change.value) {
      state.entities.insert_or_assign({std::move(change.table), std::move(change.key)}, std::move(*change.value));
    } else if (change.key == "*") {
      std::erase_if(state.entities, [&](const auto& each) { return each.first.first == change.table; });
    } else {
      state.entities.erase({change.table, change.key});
    }
  }
}

void MemoryStore::add_bodies(PartitionState& state, std::vector<Body>& bodies) {
  for (auto& body : bodies) {
    const auto id = body.id;
    const auto place = std::pair(body.conversation, body.sequence);
    body.offset = offset_none;
    if (std::exchange(body.replaces, false)) state.bodies.erase(id);
    const auto checksum = text_checksum(body);
    if (state.bodies.try_emplace(id, Text{std::move(body), checksum}).second) state.order.insert_or_assign(place, id);
  }
}

void MemoryStore::erase_bodies(PartitionState& state, const std::vector<ConversationId>& gone) {
  for (const auto conversation : gone) {
    auto place = state.order.lower_bound({conversation, 0});
    while (place != state.order.end() && place->first.first == conversation) {
      state.bodies.erase(place->second);
      place = state.order.erase(place);
    }
  }
}

const MemoryStore::PartitionState& MemoryStore::look_at(Partition partition) const {
  static const PartitionState none;
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? none : found->second;
}

bool MemoryStore::call_fails() {
  if (call_failures_ == 0) return false;
  --call_failures_;
  return true;
}

}  // namespace usher::state
