// See sqlite_fold.hpp.
#include "routing/state/sqlite_fold.hpp"

#include <algorithm>
#include <limits>

namespace usher::state {

namespace {

// In each transaction: some, and as many as came in since the last one, so that the next stretch is shorter than this one
// when its turn comes, and no transaction carries more than it must. But not many at once: a transaction that follows a
// stall has many commits to write, and would make the next one as late. Until so many stretches are in memory.
constexpr std::size_t rows_least = 24;
constexpr std::size_t rows_at_once = 96;
constexpr std::size_t stretches_behind = 3;
constexpr std::int64_t trimmed_at_once = 4;

// None: the statement is for every partition.
void bind_partition(SqliteCursor& cursor, std::optional<Partition> partition) {
  if (partition) cursor.bind(*partition);
}

}  // namespace

Result<void> SqliteFold::load(SqliteConnection& connection) {
  auto all = read_change_log(connection, std::nullopt);
  if (!all) return all.error();
  carrier_.reset();
  all_carried_ = false;
  trim_to_ = 0;
  pending_.replace(std::move(*all));
  grown_to_ = pending_.growing();
  return {};
}

Result<void> SqliteFold::carry_some(SqliteConnection& connection) {
  if (auto trimmed = trim(connection); !trimmed) return trimmed;
  const auto now = pending_.growing();
  const auto wanted = rows_least + (now - std::min(now, grown_to_));
  const auto held = now + (pending_.frozen() ? pending_.frozen()->size() : 0);
  const auto rows = held < stretches_behind * entries_max_ ? std::min(wanted, rows_at_once) : wanted;
  grown_to_ = now;
  pending_.free_carried(rows);
  if (!pending_.frozen()) {
    if (now < entries_max_) return {};
    pending_.freeze();
    grown_to_ = 0;
  }
  if (!carrier_) carrier_.emplace(*pending_.frozen());
  auto carried = carrier_->carry(connection, rows);
  if (!carried) return carried.error();
  all_carried_ = *carried;
  return {};
}

void SqliteFold::committed() {
  if (!all_carried_) return;
  trim_to_ = pending_.frozen()->last_number;
  carrier_.reset();
  all_carried_ = false;
  pending_.carried();
}

// What is being carried over begins again: values are absolute, and nothing newer is in the tables.
void SqliteFold::clear(Partition partition) {
  carrier_.reset();
  pending_.clear(partition);
}

Result<void> SqliteFold::trim(SqliteConnection& connection) {
  static const std::string erase =
      "DELETE FROM changes WHERE number IN (SELECT number FROM changes WHERE number <= ?1 ORDER BY number LIMIT ?2) "
      "RETURNING 1";
  if (trim_to_ == 0) return {};
  auto statement = connection.statement(erase);
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(trim_to_).bind(trimmed_at_once);
  std::int64_t erased = 0;
  for (;; ++erased) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) break;
  }
  if (erased < trimmed_at_once) trim_to_ = 0;
  return {};
}

Result<PendingChanges> read_change_log(SqliteConnection& connection, std::optional<Partition> partition) {
  auto statement = connection.statement(partition ? "SELECT number, partition, step FROM changes WHERE partition = ?1 ORDER BY number"
                                                  : "SELECT number, partition, step FROM changes ORDER BY number");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  bind_partition(cursor, partition);
  PendingChanges all;
  for (;;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) return all;
    all.last_number = cursor.integer(0);
    const auto its = static_cast<Partition>(cursor.integer(1));
    auto commit = read_log_bytes(cursor.bytes(2));
    if (!commit) return commit.error();
    for (auto& change : commit->changes) all.add(its, std::move(change));
    for (auto& body : commit->bodies) all.add(its, std::move(body));
    for (const auto gone : commit->bodies_gone) all.forget(its, gone);
  }
}

Result<void> empty_change_log(SqliteConnection& connection, std::optional<Partition> partition) {
  const auto all = read_change_log(connection, partition);
  if (!all) return all.error();
  auto carried = Carrier(*all).carry(connection, std::numeric_limits<std::size_t>::max());
  if (!carried) return carried.error();
  expect(*carried, "everything was asked for");
  auto statement = connection.statement(partition ? "DELETE FROM changes WHERE partition = ?1" : "DELETE FROM changes");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  bind_partition(cursor, partition);
  return cursor.run();
}

}  // namespace usher::state
