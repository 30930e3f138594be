// The writes of one state commit: the check first (rule S1), then a row of the change log, the outbox, the position last.
#include <limits>

#include "routing/state/sqlite_carrier.hpp"
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

Result<void> append_log(SqliteConnection& connection, Partition partition, std::int64_t number,
                        const LoggedCommit& commit) {
  static const std::string insert = "INSERT INTO changes (number, partition, step) VALUES (?1, ?2, ?3)";
  const auto bytes = log_bytes(commit);
  return with_cursor(connection, insert,
                     [&](SqliteCursor& cursor) { return cursor.bind(number).bind(partition).bind_blob(bytes).run(); });
}

Result<void> append_outbox(SqliteWrites& writes, Partition partition, const std::vector<OutboxEntry>& outbox) {
  for (const auto& effect : outbox) {
    auto appended = writes.streams.append(writes.connection, {effect.stream, partition}, effect.entry);
    if (!appended) return appended.error();
  }
  return {};
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

// Rule J6: what was made of a record that was read early and then not written is void.
Result<void> refuse_lost(const SqliteWrites& writes, std::uint64_t losses) {
  if (losses == writes.early.losses()) return {};
  return fail(Fault::conflict, "it may rest on records that were not written");
}

}  // namespace

Result<LoggedRow> write_commit(SqliteWrites& writes, Commit& commit) {
  auto& connection = writes.connection;
  if (auto lost = refuse_lost(writes, commit.early_losses); !lost) return lost.error();
  auto stored = read_meta(connection, commit.partition);
  if (!stored) return stored.error();
  if (!*stored) return fail(Fault::conflict, "the partition has no state");
  if ((*stored)->position != commit.before)
    return fail(Fault::conflict, "the stored position is epoch " + std::to_string((*stored)->position.epoch) +
                                     ", offset " + std::to_string((*stored)->position.offset));
  LoggedRow row;
  row.commit.changes = std::move(commit.changes);
  row.commit.bodies = std::move(commit.bodies);
  row.commit.bodies_gone = std::move(commit.bodies_gone);
  // The journal has a customer's text already.
  for (auto& body : row.commit.bodies) {
    if (writes.streams.holds({Stream::inbound, commit.partition}, body.offset)) body.json.clear();
    else body.offset = offset_none;
  }
  row.number = writes.pending.next_number();
  if (auto logged = append_log(connection, commit.partition, row.number, row.commit); !logged) return logged.error();
  if (auto appended = append_outbox(writes, commit.partition, commit.outbox); !appended) return appended.error();
  if (auto written = write_meta(connection, commit.partition, commit.after); !written) return written.error();
  return row;
}

Result<void> write_rewrite(SqliteWrites& writes, const Rewrite& rewrite) {
  static const std::string drop_all = "DELETE FROM entities WHERE partition = ?1";
  auto& connection = writes.connection;
  if (auto lost = refuse_lost(writes, rewrite.early_losses); !lost) return lost.error();
  auto stored = read_meta(connection, rewrite.partition);
  if (!stored) return stored.error();
  // A row of meta can always be read.
  if (rewrite.over_damage) return fail(Fault::conflict, "the stored position can be read");
  const auto& before = rewrite.before;
  const bool expected = *stored ? before && (*stored)->position == *before : !before;
  if (!expected) return fail(Fault::conflict, "the stored position is not the expected one");
  // The texts in the log stay; its entities go with all others.
  if (auto emptied = empty_change_log(connection, rewrite.partition); !emptied) return emptied;
  auto dropped = with_cursor(connection, drop_all, [&](SqliteCursor& cursor) { return cursor.bind(rewrite.partition).run(); });
  if (!dropped) return dropped;
  PendingChanges anew;
  for (const auto& entity : rewrite.entities) anew.add(rewrite.partition, Change{entity.table, entity.key, entity.value});
  for (auto body : rewrite.bodies) {
    body.offset = offset_none;
    anew.add(rewrite.partition, std::move(body));
  }
  auto carried = Carrier(anew).carry(connection, std::numeric_limits<std::size_t>::max());
  if (!carried) return carried.error();
  if (auto appended = append_outbox(writes, rewrite.partition, rewrite.outbox); !appended) return appended;
  return write_meta(connection, rewrite.partition, rewrite.after);
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
