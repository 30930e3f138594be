// Texts of messages on disk: bodies that hold their text, and bodies that only say which inbound record is it. Inside a read
// or write transaction of the connection's.
#pragma once

#include "routing/state/sqlite_pending.hpp"
#include "routing/state/sqlite_writer.hpp"

namespace usher::state {

// Only what is in the tables; a body whose record is gone counts as gone.
[[nodiscard]] Result<std::optional<Body>> stored_body(SqliteConnection& connection, Partition partition, MessageId id);
[[nodiscard]] Result<std::vector<Body>> stored_bodies(SqliteConnection& connection, Partition partition,
                                                      ConversationId conversation, std::uint32_t before,
                                                      std::size_t limit);
// The value of an inbound record.
[[nodiscard]] Result<std::optional<std::string>> inbound_text(SqliteConnection& connection, Partition partition,
                                                              Offset offset);

// Conversations with bodies in the tables, in order, after that one: the first `limit`.
[[nodiscard]] Result<std::vector<ConversationId>> stored_conversations(SqliteConnection& connection, Partition partition,
                                                                       ConversationId after, std::size_t limit);

// Before inbound records up to there are erased: gives their texts to the bodies that point at them. Waits for the writer,
// a piece at a time.
[[nodiscard]] Result<void> keep_texts_before(SqliteWriter& writer, Partition partition, Offset offset);

}  // namespace usher::state
