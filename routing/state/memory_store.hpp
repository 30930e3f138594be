// MemoryStore: the state port inside one process, for tests and the deterministic simulation. Nothing survives the
// object; crash() forgets commits that were not applied yet.
//
// Runs at_once or by_hand like MemoryJournal: by hand, applying a commit and calling `done` are two events that happen
// when the test calls deliver_one(). Given a journal to publish to, a commit puts its outbox into that journal in the
// same step, as the SQLite store does; without one it keeps the outbox until it is trimmed, as the Redis store does.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "routing/journal/memory_journal.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

using journal::Applied;
using journal::Delivering;

class MemoryStore final : public StateStore {
 public:
  // `publish_to` outlives the store; none: the caller publishes.
  explicit MemoryStore(Delivering delivering = Delivering::at_once, journal::MemoryJournal* publish_to = nullptr);

  [[nodiscard]] Result<std::vector<Body>> bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                                 std::size_t limit) override;
  [[nodiscard]] Result<std::optional<Body>> body(Partition partition, MessageId id) override;
  [[nodiscard]] Result<std::optional<std::string>> entity(Partition partition, const std::string& table,
                                                          const std::string& key) override;
  [[nodiscard]] Result<void> initialise(Partition partition) override;
  [[nodiscard]] Result<std::optional<Meta>> load_meta(Partition partition) override;
  [[nodiscard]] Result<Loaded> load(Partition partition) override;
  [[nodiscard]] std::size_t commits_in_flight_max() const override;
  void commit(Commit commit, CommitDone done) override;
  void rewrite(Rewrite rewrite, CommitDone done) override;
  [[nodiscard]] Result<TextsPage> texts_held(Partition partition, const std::string& from, std::size_t limit) override;
  [[nodiscard]] bool checks_texts() const override { return true; }
  [[nodiscard]] Result<int> count_attempt(Partition partition, Offset at) override;

  // By hand: runs the oldest event. False: there was none.
  bool deliver_one();
  std::size_t deliver_all();
  [[nodiscard]] std::size_t undelivered() const;

  // The next `count` commits answer `unavailable`; a later call replaces an earlier one.
  void fail_next_commits(int count, Applied applied);
  // The same, not applied, from the next rewrite on.
  void fail_commits_after_rewrite(int count);
  // The next `count` calls that read, initialise or count answer `unavailable`.
  void fail_next_calls(int count);

  // The process died: events not yet delivered never happen. What is applied stays.
  void crash();
  // The store was lost: nothing of any partition is left (rule S1: absent means refused).
  void wipe();
  // An old backup of it was brought back: partitions are as they were at the last keep().
  void keep();
  void restore();
  // One entity is gone or changed although nobody committed that: what a broken disk or a stray hand does.
  void damage(Partition partition, std::size_t which);
  // One bit of a text is another. False: there is no such text.
  bool damage_text(Partition partition, std::size_t which);
  bool damage_text(Partition partition, MessageId id);
  // All effects that wait are gone. False: there were none.
  bool lose_outbox(Partition partition);
  // The state says no more where it stands.
  void lose_meta(Partition partition);

 private:
  struct Text {
    Body body;
    Hash128 checksum;
  };
  struct PartitionState {
    Meta meta;
    bool outbox_lost = false;  // Noticed, too: they were counted.
    bool meta_lost = false;
    bool damaged = false;  // Then entities that are missing are noticed, as an adapter that counts them does.
    std::map<std::pair<std::string, std::string>, std::string> entities;
    std::map<MessageId, Text> bodies;
    std::map<std::pair<ConversationId, std::uint32_t>, MessageId> order;
    std::map<std::pair<Offset, std::uint32_t>, OutboxEntry> outbox;
  };
  struct Attempts {
    Offset at = offset_none;
    int count = 0;
  };

  void schedule(std::function<void()> event);
  [[nodiscard]] bool follows_journal(Partition partition, Offset offset, std::uint64_t losses);
  void apply(Commit& commit, const CommitDone& done);
  void answer(const std::set<Stream>& published, Partition partition, const CommitDone& done,
              const std::function<Result<CommitReceipt>()>& change);
  // Requires: mutex_ is held.
  Result<CommitReceipt> apply_locked(Commit& commit);
  Result<CommitReceipt> rewrite_locked(Rewrite& rewrite);
  void put_outbox(PartitionState& state, Partition partition, std::vector<OutboxEntry>& outbox);
  static void change_entities(PartitionState& state, std::vector<Change>& changes);
  static void add_bodies(PartitionState& state, std::vector<Body>& bodies);
  static void erase_bodies(PartitionState& state, const std::vector<ConversationId>& gone);
  static bool damage_text(Text& text);
  [[nodiscard]] static bool sound(const Text& text);
  [[nodiscard]] const PartitionState& look_at(Partition partition) const;
  [[nodiscard]] bool call_fails();

  // Constant after construction.
  const Delivering delivering_;
  journal::MemoryJournal* const publish_to_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<Partition, PartitionState> partitions_;
  std::map<Partition, PartitionState> kept_;
  std::map<Partition, Attempts> attempts_;
  std::deque<std::function<void()>> events_;
  int commit_failures_ = 0;
  int failures_after_rewrite_ = 0;
  Applied failure_applied_ = Applied::no;
  int call_failures_ = 0;
};

}  // namespace usher::state
