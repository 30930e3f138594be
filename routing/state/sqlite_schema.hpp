// The tables of usher.db (docs/storage.md describes them) and the names of the stream tables.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "routing/journal/journal.hpp"
#include "routing/state/sqlite_connection.hpp"

namespace usher::state {

// One partition of one stream: one table.
using StreamKey = std::pair<journal::Stream, message::Partition>;

// Creates what is missing in a new file; refuses a file of another program or of a newer Usher.
[[nodiscard]] message::Result<void> ensure_schema(SqliteConnection& connection);

// inbound_0
[[nodiscard]] std::string stream_table(StreamKey key);
// Empty when the table is not one of a stream.
[[nodiscard]] std::optional<StreamKey> stream_of_table(std::string_view table);
// A partition's first record in a stream makes the table.
[[nodiscard]] message::Result<bool> has_stream_table(SqliteConnection& connection, StreamKey key);
[[nodiscard]] message::Result<void> create_stream_table(SqliteConnection& connection, StreamKey key);

}  // namespace usher::state
