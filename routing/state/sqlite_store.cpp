// SqliteStore: reads as SQL on a reader's connection; commits as jobs (their writes are in sqlite_commit.cpp).
#include "routing/state/sqlite_store.hpp"

#include <algorithm>

namespace usher::state {

namespace {

class CommitJob final : public SqliteWriteJob {
 public:
  CommitJob(Commit commit, CommitDone done) : commit_(std::move(commit)), done_(std::move(done)) {}

  Result<void> write(SqliteWrites& writes) override { return write_commit(writes, commit_); }
  void finish(const Result<void>& outcome) override {
    if (outcome)
      done_(CommitReceipt{.outbox_published = true});
    else
      done_(outcome.error());
  }

 private:
  Commit commit_;
  CommitDone done_;
};

// Columns: conversation, sequence, id, json.
Body body_of(const SqliteCursor& row) {
  Body body;
  const auto [conversation_high, conversation_low] = from_bytes(row.bytes(0));
  body.conversation = {conversation_high, conversation_low};
  body.sequence = static_cast<std::uint32_t>(row.integer(1));
  const auto [id_high, id_low] = from_bytes(row.bytes(2));
  body.id = {id_high, id_low};
  body.json = std::string(row.bytes(3));
  return body;
}

Result<Loaded> read_all(SqliteConnection& connection, Partition partition) {
  auto meta = read_meta(connection, partition);
  if (!meta) return meta.error();
  if (!*meta) return fail(Fault::not_found, "the partition has no state");
  Loaded loaded;
  loaded.meta = **meta;
  auto statement =
      connection.statement("SELECT table_name, key, value FROM entities WHERE partition = ?1 ORDER BY table_name, key");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(partition);
  for (;;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) return loaded;
    loaded.entities.push_back(
        {std::string(cursor.bytes(0)), std::string(cursor.bytes(1)), std::string(cursor.bytes(2))});
  }
}

}  // namespace

Result<std::vector<Body>> SqliteStore::bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                              std::size_t limit) {
  const auto key = to_bytes(conversation.high, conversation.low);
  return readers_.with([&](SqliteConnection& connection) -> Result<std::vector<Body>> {
    auto statement = connection.statement(
        "SELECT conversation, sequence, id, json FROM bodies WHERE conversation = ?1 AND partition = ?2 "
        "AND sequence < ?3 ORDER BY sequence DESC LIMIT ?4");
    if (!statement) return statement.error();
    SqliteCursor cursor(connection.handle(), *statement);
    cursor.bind_blob({key.data(), key.size()}).bind(partition).bind(before).bind(static_cast<std::int64_t>(limit));
    std::vector<Body> found;
    for (;;) {
      auto row = cursor.next();
      if (!row) return row.error();
      if (!*row) break;
      found.push_back(body_of(cursor));
    }
    std::reverse(found.begin(), found.end());
    return found;
  });
}

Result<std::optional<Body>> SqliteStore::body(Partition partition, MessageId id) {
  const auto key = to_bytes(id.high, id.low);
  return readers_.with([&](SqliteConnection& connection) -> Result<std::optional<Body>> {
    auto statement =
        connection.statement("SELECT conversation, sequence, id, json FROM bodies WHERE id = ?1 AND partition = ?2");
    if (!statement) return statement.error();
    SqliteCursor cursor(connection.handle(), *statement);
    cursor.bind_blob({key.data(), key.size()}).bind(partition);
    auto row = cursor.next();
    if (!row) return row.error();
    return *row ? std::optional(body_of(cursor)) : std::nullopt;
  });
}

Result<std::optional<std::string>> SqliteStore::entity(Partition partition, const std::string& table,
                                                       const std::string& key) {
  return readers_.with([&](SqliteConnection& connection) -> Result<std::optional<std::string>> {
    auto statement =
        connection.statement("SELECT value FROM entities WHERE partition = ?1 AND table_name = ?2 AND key = ?3");
    if (!statement) return statement.error();
    SqliteCursor cursor(connection.handle(), *statement);
    cursor.bind(partition).bind_text(table).bind_text(key);
    auto row = cursor.next();
    if (!row) return row.error();
    return *row ? std::optional(std::string(cursor.bytes(0))) : std::nullopt;
  });
}

Result<void> SqliteStore::initialise(Partition partition) {
  return writer_.write_and_wait([=](SqliteWrites& writes) { return write_first_meta(writes, partition); });
}

Result<int> SqliteStore::count_attempt(Partition partition, Offset at) {
  std::int64_t count = 0;
  auto counted = writer_.write_and_wait([&](SqliteWrites& writes) -> Result<void> {
    auto statement = writes.connection.statement(
        "INSERT INTO attempts (partition, offset, count) VALUES (?1, ?2, 1) ON CONFLICT (partition) DO UPDATE SET "
        "count = CASE WHEN offset = excluded.offset THEN count + 1 ELSE 1 END, offset = excluded.offset RETURNING "
        "count");
    if (!statement) return statement.error();
    SqliteCursor cursor(writes.connection.handle(), *statement);
    auto row = cursor.bind(partition).bind(at).next();
    if (!row) return row.error();
    count = cursor.integer(0);
    return cursor.run();
  });
  if (!counted) return counted.error();
  return static_cast<int>(count);
}

Result<std::optional<Meta>> SqliteStore::load_meta(Partition partition) {
  return readers_.with([=](SqliteConnection& connection) { return read_meta(connection, partition); });
}

Result<Loaded> SqliteStore::load(Partition partition) {
  return readers_.with([=](SqliteConnection& connection) { return read_all(connection, partition); });
}

void SqliteStore::commit(Commit commit, CommitDone done) {
  std::unique_ptr<SqliteWriteJob> job = std::make_unique<CommitJob>(std::move(commit), std::move(done));
  if (auto taken = writer_.submit(job); !taken) job->finish(taken);
}

}  // namespace usher::state
