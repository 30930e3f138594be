// SqliteStreams: offsets are given here, densely from 0, or before (sqlite_early.hpp), and bound explicitly; AUTOINCREMENT's own memory
// (sqlite_sequence) is what they go on from after a restart, so that erasing the newest records frees no offset.
#include "routing/state/sqlite_streams.hpp"

#include <algorithm>
#include <utility>

namespace usher::state {

using namespace usher::message;

namespace {

// The largest offset ever given in a table, or -1. A table that was never written has no row.
constexpr const char* last_given = "SELECT coalesce(max(seq), -1) FROM sqlite_sequence WHERE name = ?1";
constexpr const char* time_kept = "SELECT coalesce(max(value), 0) FROM facts WHERE name = 'last_append_at'";

Result<std::vector<StreamKey>> stream_tables(SqliteConnection& connection) {
  auto statement = connection.statement("SELECT name FROM sqlite_master WHERE type = 'table'");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  std::vector<StreamKey> keys;
  for (;;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) return keys;
    if (const auto key = stream_of_table(cursor.bytes(0))) keys.push_back(*key);
  }
}

// The first column of the only row.
Result<std::int64_t> number(SqliteConnection& connection, const std::string& sql, const std::string* name = nullptr) {
  auto statement = connection.statement(sql);
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  if (name != nullptr) cursor.bind_text(*name);
  auto row = cursor.next();
  if (!row) return row.error();
  return *row ? cursor.integer(0) : 0;
}

}  // namespace

Result<void> SqliteStreams::load(SqliteConnection& connection) {
  for (auto& [key, table] : tables_) table.exists = false;
  auto keys = stream_tables(connection);
  if (!keys) return keys.error();
  for (const auto& key : *keys)
    if (auto loaded = load_table(connection, key); !loaded) return loaded.error();
  for (const auto& [key, table] : tables_)
    if (!table.exists && table.acknowledged > 0) return fail(Fault::malformed, "usher.db lost " + stream_table(key));
  auto kept = number(connection, time_kept);
  if (!kept) return kept.error();
  last_time_ = std::max(last_time_, from_unix_ms(*kept));
  time_.not_before(last_time_);
  return {};
}

Result<void> SqliteStreams::load_table(SqliteConnection& connection, StreamKey key) {
  const auto name = stream_table(key);
  auto last = number(connection, last_given, &name);
  if (!last) return last.error();
  auto& table = table_of(key);
  if (*last + 1 < table.acknowledged)
    return fail(Fault::malformed, "usher.db lost acknowledged records of " + name + ": it ends at " +
                                      std::to_string(*last) + ", acknowledged was " +
                                      std::to_string(table.acknowledged - 1));
  // Reads the newest record itself, not only the count of it: a page that cannot be read is better known now.
  auto newest =
      number(connection, "SELECT appended_at + 0 * length(value) FROM " + name + " ORDER BY offset DESC LIMIT 1");
  if (!newest) return newest.error();
  last_time_ = std::max(last_time_, from_unix_ms(*newest));
  auto first = number(connection, "SELECT coalesce(min(offset), 0) FROM " + name);
  if (!first) return first.error();
  table.first = std::max(table.first, *first);
  table.next = table.acknowledged = *last + 1;
  table.exists = true;
  return {};
}

Result<journal::Appended> SqliteStreams::append(SqliteConnection& connection, StreamKey key,
                                                const journal::Entry& entry,
                                                const std::optional<journal::Appended>& given) {
  auto& table = table_of(key);
  // Until a commit has made the table durable, any of its transactions may have been undone with it.
  if (!table.exists)
    if (auto created = create_stream_table(connection, key); !created) return created.error();
  auto statement = connection.statement(table.insert);
  if (!statement) return statement.error();
  if (given && given->offset < table.next) return fail(Fault::unavailable, "offset " + std::to_string(given->offset) + " is taken");
  const auto appended = given ? *given : journal::Appended{table.next, time_.next()};
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(appended.offset).bind(unix_ms(appended.appended_at));
  cursor.bind_text(entry.id).bind_text(entry.type).bind_text(entry.value);
  // Whatever the reason, this record can be appended again: an offset that is taken (by a hand with the sqlite3 shell)
  // is passed over once the streams are read anew.
  if (auto inserted = cursor.run(); !inserted) return fail(Fault::unavailable, inserted.error().detail);
  table.next = appended.offset + 1;
  last_time_ = std::max(last_time_, appended.appended_at);
  grown_.insert(key);
  return appended;
}

bool SqliteStreams::holds(StreamKey key, Offset offset) const {
  const auto found = tables_.find(key);
  return found != tables_.end() && offset >= found->second.first && offset < found->second.next;
}

void SqliteStreams::erase_before(StreamKey key, Offset offset) {
  auto& table = table_of(key);
  table.first = std::max(table.first, offset);
}

Result<void> SqliteStreams::keep_time(SqliteConnection& connection) {
  auto statement = connection.statement("INSERT OR REPLACE INTO facts (name, value) VALUES ('last_append_at', ?1)");
  if (!statement) return statement.error();
  return SqliteCursor(connection.handle(), *statement).bind(unix_ms(last_time_)).run();
}

std::map<StreamKey, Offset> SqliteStreams::positions() const {
  std::map<StreamKey, Offset> positions;
  for (const auto& [key, table] : tables_) positions[key] = table.next;
  return positions;
}

void SqliteStreams::go_back(const std::map<StreamKey, Offset>& positions) {
  for (auto& [key, table] : tables_) {
    const auto found = positions.find(key);
    table.next = found == positions.end() ? table.acknowledged : found->second;
    // A table that was made within what is undone does not exist.
    if (table.next == table.acknowledged) grown_.erase(key);
  }
}

std::set<StreamKey> SqliteStreams::committed() {
  for (const auto& key : grown_) {
    auto& table = tables_.at(key);
    expect(table.next >= table.acknowledged, "offsets grow");
    table.acknowledged = table.next;
    table.exists = true;
  }
  return std::exchange(grown_, {});
}

void SqliteStreams::rolled_back() {
  for (auto& [key, table] : tables_) table.next = table.acknowledged;
  grown_.clear();
}

SqliteStreams::Table& SqliteStreams::table_of(StreamKey key) {
  auto& table = tables_[key];
  if (table.insert.empty())
    table.insert =
        "INSERT INTO " + stream_table(key) + " (offset, appended_at, id, type, value) VALUES (?1, ?2, ?3, ?4, ?5)";
  return table;
}

}  // namespace usher::state
