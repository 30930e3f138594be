// See sqlite_texts.hpp.
#include "routing/state/sqlite_texts.hpp"

#include <algorithm>

namespace usher::state {

namespace {

constexpr std::int64_t bodies_at_once = 2000;

std::string_view view(const std::array<char, 16>& bytes) { return {bytes.data(), bytes.size()}; }

// SQL for the text of a row `b` of bodies.
Result<std::string> text_of(SqliteConnection& connection, Partition partition) {
  const StreamKey key{Stream::inbound, partition};
  auto there = has_stream_table(connection, key);
  if (!there) return there.error();
  if (!*there) return std::string("b.json");
  return "coalesce(b.json, (SELECT value FROM " + stream_table(key) + " AS r WHERE r.offset = b.offset))";
}

// Columns: conversation, sequence, id, text.
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

struct BodyPlace {
  std::string conversation;
  std::int64_t sequence = -1;
  std::string id;
};

// From `at` on, which moves to the last one looked at. False: there are no more.
Result<bool> give_texts(SqliteConnection& connection, Partition partition, Offset upto, BodyPlace& at) {
  auto list = connection.statement(
      "SELECT conversation, sequence, id, offset FROM bodies WHERE partition = ?1 AND (conversation, sequence, id) > "
      "(?2, ?3, ?4) ORDER BY conversation, sequence, id LIMIT ?5");
  if (!list) return list.error();
  std::vector<BodyPlace> found;
  std::int64_t looked_at = 0;
  const auto from = at;
  SqliteCursor cursor(connection.handle(), *list);
  cursor.bind(partition).bind_blob(from.conversation).bind(from.sequence).bind_blob(from.id).bind(bodies_at_once);
  for (;; ++looked_at) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) break;
    at = {std::string(cursor.bytes(0)), cursor.integer(1), std::string(cursor.bytes(2))};
    if (!cursor.is_null(3) && cursor.integer(3) < upto) found.push_back(at);
  }
  auto give = connection.statement("UPDATE bodies SET json = (SELECT value FROM " + stream_table({Stream::inbound, partition}) +
                                   " AS r WHERE r.offset = bodies.offset), offset = NULL WHERE partition = ?1 AND "
                                   "conversation = ?2 AND sequence = ?3 AND id = ?4");
  if (!give) return give.error();
  for (const auto& one : found) {
    SqliteCursor update(connection.handle(), *give);
    update.bind(partition).bind_blob(one.conversation).bind(one.sequence).bind_blob(one.id);
    if (auto given = update.run(); !given) return given.error();
  }
  return looked_at == bodies_at_once;
}

// What is not in the tables yet goes there with its text; that it is in the log too does no harm, for a body is written once.
Result<void> give_pending_texts(SqliteConnection& connection, Partition partition, Offset upto) {
  auto pending = read_change_log(connection, partition);
  if (!pending) return pending.error();
  PendingChanges texts;
  for (const auto& [key, text] : pending->bodies) {
    if (text.offset == offset_none || text.offset >= upto) continue;
    auto value = inbound_text(connection, partition, text.offset);
    if (!value) return value.error();
    if (!*value) continue;
    texts.add(partition, Body{std::get<1>(key), std::get<2>(key), std::get<3>(key), std::move(**value)});
  }
  auto carried = Carrier(texts).carry(connection, texts.size());
  if (!carried) return carried.error();
  return {};
}

}  // namespace

Result<std::optional<Body>> stored_body(SqliteConnection& connection, Partition partition, MessageId id) {
  const auto text = text_of(connection, partition);
  if (!text) return text.error();
  auto statement = connection.statement("SELECT b.conversation, b.sequence, b.id, " + *text +
                                        " AS text FROM body_places AS p JOIN bodies AS b USING (partition, conversation, "
                                        "sequence, id) WHERE p.partition = ?1 AND p.id = ?2 AND text IS NOT NULL");
  if (!statement) return statement.error();
  const auto key = to_bytes(id.high, id.low);
  SqliteCursor cursor(connection.handle(), *statement);
  auto row = cursor.bind(partition).bind_blob(view(key)).next();
  if (!row) return row.error();
  return *row ? std::optional(body_of(cursor)) : std::nullopt;
}

Result<std::vector<Body>> stored_bodies(SqliteConnection& connection, Partition partition, ConversationId conversation,
                                        std::uint32_t before, std::size_t limit) {
  const auto text = text_of(connection, partition);
  if (!text) return text.error();
  auto statement = connection.statement("SELECT b.conversation, b.sequence, b.id, " + *text +
                                        " AS text FROM bodies AS b WHERE b.partition = ?1 AND b.conversation = ?2 AND "
                                        "b.sequence < ?3 AND text IS NOT NULL ORDER BY b.sequence DESC, b.id DESC LIMIT ?4");
  if (!statement) return statement.error();
  const auto key = to_bytes(conversation.high, conversation.low);
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(partition).bind_blob(view(key)).bind(before).bind(static_cast<std::int64_t>(limit));
  std::vector<Body> found;
  for (;;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back(body_of(cursor));
  }
}

Result<std::optional<std::string>> inbound_text(SqliteConnection& connection, Partition partition, Offset offset) {
  auto statement = connection.statement("SELECT value FROM " + stream_table({Stream::inbound, partition}) + " WHERE offset = ?1");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  auto row = cursor.bind(offset).next();
  if (!row) return row.error();
  return *row ? std::optional(std::string(cursor.bytes(0))) : std::nullopt;
}

Result<std::vector<ConversationId>> stored_conversations(SqliteConnection& connection, Partition partition,
                                                         ConversationId after, std::size_t limit) {
  auto statement = connection.statement("SELECT DISTINCT conversation FROM bodies WHERE partition = ?1 AND conversation > ?2 "
                                        "ORDER BY conversation LIMIT ?3");
  if (!statement) return statement.error();
  const auto key = to_bytes(after.high, after.low);
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(partition).bind_blob(view(key)).bind(static_cast<std::int64_t>(limit));
  std::vector<ConversationId> found;
  for (;;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) return found;
    const auto [high, low] = from_bytes(cursor.bytes(0));
    found.push_back({high, low});
  }
}

Result<void> keep_texts_before(SqliteWriter& writer, Partition partition, Offset offset) {
  const StreamKey key{Stream::inbound, partition};
  auto begun = writer.write_and_wait([&](SqliteWrites& writes) -> Result<void> {
    const auto there = has_stream_table(writes.connection, key);
    if (!there) return there.error();
    if (!*there) return {};
    // Commits from here on keep the texts of what will be erased.
    writes.streams.erase_before(key, offset);
    return give_pending_texts(writes.connection, partition, offset);
  });
  if (!begun) return begun;
  BodyPlace at;
  for (bool more = true; more;) {
    auto given = writer.write_and_wait([&](SqliteWrites& writes) -> Result<void> {
      const auto there = has_stream_table(writes.connection, key);
      if (!there) return there.error();
      auto next = *there ? give_texts(writes.connection, partition, offset, at) : Result<bool>(false);
      if (!next) return next.error();
      more = *next;
      return {};
    });
    if (!given) return given;
  }
  return {};
}

}  // namespace usher::state
