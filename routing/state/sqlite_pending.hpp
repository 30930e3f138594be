// What the change log of usher.db holds: state that is committed and not yet in the tables (docs/storage.md says why).
// PendingChanges is a stretch of the log folded in memory; SqlitePending is the whole of it, in two stretches: the one that
// is being carried into the tables, and the one that grows. The writer's thread changes it; readers look up texts in it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "routing/state/state_store.hpp"

namespace usher::state {

// Later changes win over earlier ones, and over the tables. Sorted as the tables are, so that carrying it over goes through
// their pages in order.
struct PendingChanges {
  using TableKey = std::pair<Partition, std::string>;
  using EntityKey = std::tuple<Partition, std::string, std::string>;
  using ConversationKey = std::pair<Partition, ConversationId>;
  using BodyKey = std::tuple<Partition, ConversationId, std::uint32_t, MessageId>;
  using IdKey = std::pair<Partition, MessageId>;
  struct Text {
    Offset offset = offset_none;  // Of the inbound record that is the text; then `json` is empty.
    std::string json;
  };

  std::set<TableKey> dropped;      // Before `entities`.
  std::map<EntityKey, std::optional<std::string>> entities;
  std::set<ConversationKey> gone;  // Before `bodies`.
  std::map<BodyKey, Text> bodies;
  std::map<IdKey, std::pair<ConversationId, std::uint32_t>> places;
  std::int64_t last_number = 0;    // Of the log's rows in it.

  void add(Partition partition, Change change);
  void add(Partition partition, Body body);
  void forget(Partition partition, ConversationId conversation);
  void clear(Partition partition);
  [[nodiscard]] std::size_t size() const;
};

// One commit, as a row of the log holds it.
struct LoggedCommit {
  std::vector<Change> changes;
  std::vector<Body> bodies;  // With an offset, without the json.
  std::vector<ConversationId> bodies_gone;
};
[[nodiscard]] std::string log_bytes(const LoggedCommit& commit);
// `malformed`: the file is damaged.
[[nodiscard]] Result<LoggedCommit> read_log_bytes(std::string_view bytes);

class SqlitePending {
 public:
  // --- The writer's thread. -----------------------------------------------------------------------------------------
  // From the log itself, after the database was opened.
  void replace(PendingChanges all);
  [[nodiscard]] std::int64_t next_number() { return next_number_++; }
  // A commit is durable.
  void add(Partition partition, std::int64_t number, LoggedCommit commit);
  // The partition's state was written anew, into the tables.
  void clear(Partition partition);
  // What grew becomes what is carried over. Requires: nothing is being carried over.
  void freeze();
  // All of it is in the tables.
  void carried();
  // Frees up to so many entries of what was carried over last: all of them at once would hold up a commit.
  void free_carried(std::size_t entries);
  [[nodiscard]] const PendingChanges* frozen() const { return frozen_.get(); }
  [[nodiscard]] std::size_t growing() const { return active_.size(); }

  // --- Any thread. Who asks here and the tables asks again when times_carried() grew meanwhile. -----------------------
  // How often something left for the tables.
  [[nodiscard]] std::uint64_t times_carried() const { return times_carried_; }
  // A body whose text is that of an inbound record has its offset and no json.
  [[nodiscard]] std::optional<Body> body(Partition partition, MessageId id) const;
  // The bodies that are here with sequence < before, the newest `limit` of each stretch.
  [[nodiscard]] std::vector<Body> bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                         std::size_t limit) const;
  // Conversations with bodies that are here, in order, after that one: the first `limit`.
  [[nodiscard]] std::set<ConversationId> conversations(Partition partition, ConversationId after, std::size_t limit) const;
  // True: what the tables have of this conversation is erased.
  [[nodiscard]] bool gone(Partition partition, ConversationId conversation) const;

 private:
  // The writer's thread only.
  std::int64_t next_number_ = 1;
  std::unique_ptr<PendingChanges> carried_;  // Of no use any more.

  std::atomic<std::uint64_t> times_carried_{0};
  mutable std::mutex mutex_;
  // Written by the writer's thread under mutex_; read by it without, by others under mutex_.
  PendingChanges active_;
  std::unique_ptr<PendingChanges> frozen_;
};

}  // namespace usher::state
