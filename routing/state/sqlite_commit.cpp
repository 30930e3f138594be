// The writes of one state commit: the check first (rule S1), then entities, bodies and outbox, the position last.
#include "routing/state/sqlite_store.hpp"

namespace usher::state {

namespace {

std::string_view view(const std::array<char, 16>& bytes) { return {bytes.data(), bytes.size()}; }

// Prepares and hands a cursor to `use`; what `use` binds must live as long as the call.
template <class Use>
auto with_cursor(SqliteConnection& connection, const std::string& sql, Use&& use)
    -> decltype(use(std::declval<SqliteCursor&>())) {
  auto statement = connection.statement(sql);
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  return use(cursor);
}

Result<void> write_change(SqliteConnection& connection, Partition partition, const Change& change) {
  static const std::string set =
      "INSERT OR REPLACE INTO entities (partition, table_name, key, value) VALUES (?1, ?2, ?3, ?4)";
  static const std::string drop_table = "DELETE FROM entities WHERE partition = ?1 AND table_name = ?2";
  static const std::string drop = "DELETE FROM entities WHERE partition = ?1 AND table_name = ?2 AND key = ?3";
  const bool whole_table = !change.value && change.key == "*";
  return with_cursor(connection,
                     change.value  ? set
                     : whole_table ? drop_table
                                   : drop,
                     [&](SqliteCursor& cursor) {
                       cursor.bind(partition).bind_text(change.table);
                       if (!whole_table) cursor.bind_text(change.key);
                       if (change.value) cursor.bind_text(*change.value);
                       return cursor.run();
                     });
}

Result<void> write_body(SqliteConnection& connection, Partition partition, const Body& body) {
  // Written once: the same id again changes nothing (rule S5).
  static const std::string insert =
      "INSERT INTO bodies (partition, conversation, sequence, id, json) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (id, partition) DO NOTHING";
  const auto conversation = to_bytes(body.conversation.high, body.conversation.low);
  const auto id = to_bytes(body.id.high, body.id.low);
  return with_cursor(connection, insert, [&](SqliteCursor& cursor) {
    cursor.bind(partition).bind_blob(view(conversation)).bind(body.sequence).bind_blob(view(id)).bind_text(body.json);
    return cursor.run();
  });
}

Result<void> erase_bodies(SqliteConnection& connection, Partition partition, ConversationId gone) {
  static const std::string erase = "DELETE FROM bodies WHERE conversation = ?1 AND partition = ?2";
  const auto conversation = to_bytes(gone.high, gone.low);
  return with_cursor(connection, erase,
                     [&](SqliteCursor& cursor) { return cursor.bind_blob(view(conversation)).bind(partition).run(); });
}

Result<void> write_meta(SqliteConnection& connection, Partition partition, const Meta& meta) {
  static const std::string set =
      "INSERT OR REPLACE INTO state_meta (partition, epoch, offset, fingerprint, entities, digest) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
  const auto fingerprint = to_bytes(meta.fingerprint.high, meta.fingerprint.low);
  const auto digest = to_bytes(meta.digest.sum.high, meta.digest.sum.low);
  return with_cursor(connection, set, [&](SqliteCursor& cursor) {
    cursor.bind(partition).bind(meta.position.epoch).bind(meta.position.offset).bind_blob(view(fingerprint));
    return cursor.bind(static_cast<std::int64_t>(meta.digest.count)).bind_blob(view(digest)).run();
  });
}

}  // namespace

Result<void> write_commit(SqliteWrites& writes, const Commit& commit) {
  auto& connection = writes.connection;
  auto stored = read_meta(connection, commit.partition);
  if (!stored) return stored.error();
  if (!*stored) return fail(Fault::conflict, "the partition has no state");
  if ((*stored)->position != commit.before)
    return fail(Fault::conflict, "the stored position is epoch " + std::to_string((*stored)->position.epoch) +
                                     ", offset " + std::to_string((*stored)->position.offset));
  for (const auto& change : commit.changes)
    if (auto written = write_change(connection, commit.partition, change); !written) return written;
  for (const auto& body : commit.bodies)
    if (auto written = write_body(connection, commit.partition, body); !written) return written;
  for (const auto gone : commit.bodies_gone)
    if (auto erased = erase_bodies(connection, commit.partition, gone); !erased) return erased;
  for (const auto& effect : commit.outbox) {
    auto appended = writes.streams.append(connection, {effect.stream, commit.partition}, effect.entry);
    if (!appended) return appended.error();
  }
  return write_meta(connection, commit.partition, commit.after);
}

Result<std::optional<Meta>> read_meta(SqliteConnection& connection, Partition partition) {
  static const std::string select =
      "SELECT epoch, offset, fingerprint, entities, digest FROM state_meta WHERE partition = ?1";
  return with_cursor(connection, select, [&](SqliteCursor& cursor) -> Result<std::optional<Meta>> {
    auto row = cursor.bind(partition).next();
    if (!row) return row.error();
    if (!*row) return std::optional<Meta>();
    Meta meta;
    meta.position = {cursor.integer(0), cursor.integer(1)};
    const auto [fingerprint_high, fingerprint_low] = from_bytes(cursor.bytes(2));
    meta.fingerprint = {fingerprint_high, fingerprint_low};
    meta.digest.count = static_cast<std::uint64_t>(cursor.integer(3));
    const auto [sum_high, sum_low] = from_bytes(cursor.bytes(4));
    meta.digest.sum = {sum_high, sum_low};
    return std::optional(meta);
  });
}

Result<void> write_first_meta(SqliteWrites& writes, Partition partition) {
  auto stored = read_meta(writes.connection, partition);
  if (!stored) return stored.error();
  if (*stored) return fail(Fault::conflict, "the partition has a state already");
  return write_meta(writes.connection, partition, Meta{});
}

}  // namespace usher::state
