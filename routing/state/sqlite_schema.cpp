// The tables of usher.db. AUTOINCREMENT is what keeps an offset from being given twice (rule J6).
#include "routing/state/sqlite_schema.hpp"

#include <charconv>

namespace usher::state {

using namespace usher::message;

namespace {

constexpr std::int64_t application_id = 0x55736872;  // "Ushr"
constexpr std::int64_t schema_version = 2;

constexpr const char* tables = R"(
CREATE TABLE state_meta (
  partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, offset INTEGER NOT NULL, fingerprint BLOB NOT NULL,
  entities INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE entities (
  partition INTEGER NOT NULL, table_name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (partition, table_name, key)) WITHOUT ROWID;
CREATE TABLE bodies (
  partition INTEGER NOT NULL, conversation BLOB NOT NULL, sequence INTEGER NOT NULL, id BLOB NOT NULL,
  offset INTEGER, json TEXT, PRIMARY KEY (partition, conversation, sequence, id)) WITHOUT ROWID;
CREATE TABLE body_places (
  partition INTEGER NOT NULL, id BLOB NOT NULL, conversation BLOB NOT NULL, sequence INTEGER NOT NULL,
  PRIMARY KEY (partition, id)) WITHOUT ROWID;
CREATE TABLE changes (number INTEGER PRIMARY KEY, partition INTEGER NOT NULL, step BLOB NOT NULL);
CREATE TABLE attempts (partition INTEGER PRIMARY KEY, offset INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE TABLE cursors (
  consumer TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
  PRIMARY KEY (consumer, stream, partition)) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIEW readable_bodies AS
  SELECT partition, lower(hex(conversation)) AS conversation, sequence, lower(hex(id)) AS id,
  coalesce(json, (SELECT value FROM inbound_0 WHERE partition = 0 AND inbound_0.offset = bodies.offset)) AS json FROM bodies;
CREATE VIEW readable_state AS
  SELECT partition, epoch, offset, lower(hex(fingerprint)) AS fingerprint, entities, lower(hex(digest)) AS digest
  FROM state_meta;
)";

Result<std::int64_t> read_number(SqliteConnection& connection, const std::string& sql) {
  auto statement = connection.statement(sql);
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  auto row = cursor.next();
  if (!row) return row.error();
  return *row ? cursor.integer(0) : 0;
}

Result<void> create_all(SqliteConnection& connection) {
  if (auto begun = connection.run("BEGIN IMMEDIATE"); !begun) return begun.error();
  if (auto created = connection.run(tables); !created) return created.error();
  for (int stream = 0; stream < journal::stream_count; ++stream) {
    auto created = create_stream_table(connection, {static_cast<journal::Stream>(stream), 0});
    if (!created) return created.error();
  }
  const auto marks = "PRAGMA application_id=" + std::to_string(application_id) +
                     "; PRAGMA user_version=" + std::to_string(schema_version);
  if (auto marked = connection.run(marks); !marked) return marked.error();
  return connection.run("COMMIT");
}

}  // namespace

Result<void> ensure_schema(SqliteConnection& connection) {
  auto version = read_number(connection, "PRAGMA user_version");
  if (!version) return version.error();
  auto owner = read_number(connection, "PRAGMA application_id");
  if (!owner) return owner.error();
  auto objects = read_number(connection, "SELECT count(*) FROM sqlite_master");
  if (!objects) return objects.error();
  if (*objects == 0) return create_all(connection);
  if (*owner != application_id) return fail(Fault::malformed, "usher.db was not made by Usher");
  if (*version != schema_version)
    return fail(Fault::malformed, "usher.db has form " + std::to_string(*version) + "; this program reads form " +
                                      std::to_string(schema_version));
  return {};
}

std::string stream_table(StreamKey key) {
  return std::string(journal::stream_name(key.first)) + "_" + std::to_string(key.second);
}

std::optional<StreamKey> stream_of_table(std::string_view table) {
  const auto cut = table.rfind('_');
  if (cut == std::string_view::npos) return std::nullopt;
  Partition partition = 0;
  const auto number = table.substr(cut + 1);
  const auto read = std::from_chars(number.data(), number.data() + number.size(), partition);
  if (read.ec != std::errc() || read.ptr != number.data() + number.size()) return std::nullopt;
  for (int each = 0; each < journal::stream_count; ++each) {
    const auto stream = static_cast<journal::Stream>(each);
    if (journal::stream_name(stream) == table.substr(0, cut)) return StreamKey{stream, partition};
  }
  return std::nullopt;
}

Result<bool> has_stream_table(SqliteConnection& connection, StreamKey key) {
  const auto table = stream_table(key);
  auto statement = connection.statement("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1");
  if (!statement) return statement.error();
  return SqliteCursor(connection.handle(), *statement).bind_text(table).next();
}

Result<void> create_stream_table(SqliteConnection& connection, StreamKey key) {
  return connection.run("CREATE TABLE IF NOT EXISTS " + stream_table(key) +
                        " (offset INTEGER PRIMARY KEY AUTOINCREMENT, appended_at INTEGER NOT NULL, id TEXT NOT NULL, "
                        "type TEXT NOT NULL, value TEXT NOT NULL)");
}

}  // namespace usher::state
