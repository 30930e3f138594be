// SqliteStore: the state port on usher.db. A commit is one job of the writer's group commit, with a savepoint of its
// own so that a refused one leaves nothing. Journal and state being one file, the outbox goes straight into its
// streams. Any thread; `done` runs on the writer's thread.
#pragma once

#include "routing/state/sqlite_readers.hpp"
#include "routing/state/sqlite_writer.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

class SqliteStore final : public StateStore {
 public:
  // Both outlive the store.
  SqliteStore(SqliteWriter& writer, SqliteReaders& readers) : writer_(writer), readers_(readers) {}

  [[nodiscard]] Result<std::vector<Body>> bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                                 std::size_t limit) override;
  [[nodiscard]] Result<std::optional<Body>> body(Partition partition, MessageId id) override;
  [[nodiscard]] Result<std::optional<std::string>> entity(Partition partition, const std::string& table,
                                                          const std::string& key) override;
  // These two wait for the writer: not from a `done`.
  [[nodiscard]] Result<void> initialise(Partition partition) override;
  [[nodiscard]] Result<TextsPage> texts_held(Partition partition, const std::string& from, std::size_t limit) override;
  [[nodiscard]] Result<int> count_attempt(Partition partition, Offset at) override;
  [[nodiscard]] Result<std::optional<Meta>> load_meta(Partition partition) override;
  [[nodiscard]] Result<Loaded> load(Partition partition) override;
  // Always empty: what a commit publishes is in its streams.
  [[nodiscard]] Result<std::vector<OutboxEntry>> outbox(Partition partition) override;
  // As many as come in while one transaction is written; they become one.
  [[nodiscard]] std::size_t commits_in_flight_max() const override { return sqlite_commits_in_flight_max; }
  void commit(Commit commit, CommitDone done) override;
  void rewrite(Rewrite rewrite, CommitDone done) override;

 private:
  template <class Read>
  [[nodiscard]] auto with_pending(Read&& read) -> decltype(read(std::declval<SqliteConnection&>()));

  SqliteWriter& writer_;
  SqliteReaders& readers_;
};

// What a commit became in the change log.
struct LoggedRow {
  std::int64_t number = 0;
  LoggedCommit commit;
};
// The writes of one commit, inside the writer's transaction (sqlite_commit.cpp); takes what it logs out of `commit`.
// `conflict`: the stored position is not commit.before; nothing was written.
[[nodiscard]] Result<LoggedRow> write_commit(SqliteWrites& writes, Commit& commit);
// The same for a whole state anew.
[[nodiscard]] Result<void> write_rewrite(SqliteWrites& writes, const Rewrite& rewrite);
// Also for readers. None: never initialised.
[[nodiscard]] Result<std::optional<Meta>> read_meta(SqliteConnection& connection, Partition partition);
// `conflict`: there is one already.
[[nodiscard]] Result<void> write_first_meta(SqliteWrites& writes, Partition partition);

}  // namespace usher::state
