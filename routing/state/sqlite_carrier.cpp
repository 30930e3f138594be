// See sqlite_carrier.hpp. The order of the stages is that of PendingChanges: what is dropped before what is written after.
#include "routing/state/sqlite_carrier.hpp"

#include <algorithm>

namespace usher::state {

namespace {

// Rows of a dropped table lie side by side: many cost as much as one elsewhere.
constexpr std::size_t dropped_as_one = 16;

std::string_view view(const std::array<char, 16>& bytes) { return {bytes.data(), bytes.size()}; }

Result<void> write_entity(SqliteConnection& connection, const PendingChanges::EntityKey& place,
                          const std::optional<std::string>& value) {
  static const std::string set =
      "INSERT OR REPLACE INTO entities (partition, table_name, key, value) VALUES (?1, ?2, ?3, ?4)";
  static const std::string erase = "DELETE FROM entities WHERE partition = ?1 AND table_name = ?2 AND key = ?3";
  const auto& [partition, table, key] = place;
  auto statement = connection.statement(value ? set : erase);
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(partition).bind_text(table).bind_text(key);
  if (value) cursor.bind_text(*value);
  return cursor.run();
}

Result<void> write_body(SqliteConnection& connection, const PendingChanges::BodyKey& key,
                        const PendingChanges::Text& text) {
  static const std::string point =
      "INSERT OR IGNORE INTO bodies (partition, conversation, sequence, id, offset) VALUES (?1, ?2, ?3, ?4, ?5)";
  static const std::string keep =
      "INSERT OR IGNORE INTO bodies (partition, conversation, sequence, id, json) VALUES (?1, ?2, ?3, ?4, ?5)";
  auto statement = connection.statement(text.offset == offset_none ? keep : point);
  if (!statement) return statement.error();
  const auto conversation = to_bytes(std::get<1>(key).high, std::get<1>(key).low);
  const auto id = to_bytes(std::get<3>(key).high, std::get<3>(key).low);
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(std::get<0>(key)).bind_blob(view(conversation)).bind(std::get<2>(key)).bind_blob(view(id));
  if (text.offset == offset_none) cursor.bind_text(text.json);
  else cursor.bind(text.offset);
  return cursor.run();
}

Result<void> write_place(SqliteConnection& connection, const PendingChanges::IdKey& key,
                         const std::pair<ConversationId, std::uint32_t>& place) {
  static const std::string insert =
      "INSERT OR IGNORE INTO body_places (partition, id, conversation, sequence) VALUES (?1, ?2, ?3, ?4)";
  auto statement = connection.statement(insert);
  if (!statement) return statement.error();
  const auto id = to_bytes(key.second.high, key.second.low);
  const auto conversation = to_bytes(place.first.high, place.first.low);
  SqliteCursor cursor(connection.handle(), *statement);
  return cursor.bind(key.first).bind_blob(view(id)).bind_blob(view(conversation)).bind(place.second).run();
}

Result<void> erase_bodies(SqliteConnection& connection, const PendingChanges::ConversationKey& key) {
  static const std::string places =
      "DELETE FROM body_places WHERE partition = ?1 AND id IN (SELECT id FROM bodies WHERE partition = ?1 AND "
      "conversation = ?2)";
  static const std::string bodies = "DELETE FROM bodies WHERE partition = ?1 AND conversation = ?2";
  const auto conversation = to_bytes(key.second.high, key.second.low);
  for (const auto* sql : {&places, &bodies}) {
    auto statement = connection.statement(*sql);
    if (!statement) return statement.error();
    SqliteCursor cursor(connection.handle(), *statement);
    if (auto erased = cursor.bind(key.first).bind_blob(view(conversation)).run(); !erased) return erased;
  }
  return {};
}

}  // namespace

Carrier::Carrier(const PendingChanges& changes)
    : changes_(changes),
      dropped_(changes.dropped.begin()),
      gone_(changes.gone.begin()),
      entity_(changes.entities.begin()),
      body_(changes.bodies.begin()),
      place_(changes.places.begin()) {}

Result<bool> Carrier::carry(SqliteConnection& connection, std::size_t rows) {
  if (auto dropped = drop_some(connection, rows); !dropped) return dropped.error();
  if (dropped_ != changes_.dropped.end()) return false;
  auto done = each(gone_, changes_.gone.end(), rows, [&](const auto& key) { return erase_bodies(connection, key); });
  const auto write = [&](auto& place, const auto& map, auto&& function) {
    if (done) done = each(place, map.end(), rows, [&](const auto& one) { return function(connection, one.first, one.second); });
  };
  write(entity_, changes_.entities, write_entity);
  write(body_, changes_.bodies, write_body);
  write(place_, changes_.places, write_place);
  if (!done) return done.error();
  return gone_ == changes_.gone.end() && entity_ == changes_.entities.end() && body_ == changes_.bodies.end() &&
         place_ == changes_.places.end();
}

template <class Place, class End, class Write>
Result<void> Carrier::each(Place& place, End end, std::size_t& rows, const Write& write) {
  for (; rows > 0 && place != end; ++place, --rows)
    if (auto written = write(*place); !written) return written;
  return {};
}

// A whole table may be millions: in pieces too.
Result<void> Carrier::drop_some(SqliteConnection& connection, std::size_t& rows) {
  static const std::string drop =
      "DELETE FROM entities WHERE partition = ?1 AND table_name = ?2 AND key IN (SELECT key FROM entities WHERE "
      "partition = ?1 AND table_name = ?2 LIMIT ?3) RETURNING 1";
  constexpr std::size_t piece_max = 1 << 20;
  while (rows > 0 && dropped_ != changes_.dropped.end()) {
    auto statement = connection.statement(drop);
    if (!statement) return statement.error();
    const auto wanted = std::min(rows, piece_max) * dropped_as_one;
    SqliteCursor cursor(connection.handle(), *statement);
    cursor.bind(dropped_->first).bind_text(dropped_->second).bind(static_cast<std::int64_t>(wanted));
    std::size_t found = 0;
    for (;; ++found) {
      auto row = cursor.next();
      if (!row) return row.error();
      if (!*row) break;
    }
    rows -= std::min(rows, 1 + found / dropped_as_one);
    if (found < wanted) ++dropped_;
  }
  return {};
}

}  // namespace usher::state
