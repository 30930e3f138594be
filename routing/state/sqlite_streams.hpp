// SqliteStreams: the writing side of the journal's tables: gives offsets and append times, and remembers what was
// acknowledged, so that a database that lost some of it is noticed. Owned by the writer's thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "routing/journal/append_time.hpp"
#include "routing/state/sqlite_schema.hpp"

namespace usher::state {

class SqliteStreams {
 public:
  explicit SqliteStreams(const message::Clock& clock) : time_(clock) {}

  // Reads where every stream stands. Also after a failure, on a fresh connection: `malformed` when a stream stands
  // below what was acknowledged, for then the disk lost what it had promised.
  [[nodiscard]] message::Result<void> load(SqliteConnection& connection);

  // Inside the writer's transaction. `given`: where and when, if that was settled before; then in growing order.
  [[nodiscard]] message::Result<journal::Appended> append(SqliteConnection& connection, StreamKey key, const journal::Entry& entry,
                                                          const std::optional<journal::Appended>& given = std::nullopt);
  // The record is there, and will be until erase_before() passes it.
  [[nodiscard]] bool holds(StreamKey key, message::Offset offset) const;
  // From here on the stream's older records count as gone.
  void erase_before(StreamKey key, message::Offset offset);
  // The append time of the newest record survives the erasing of that record.
  [[nodiscard]] message::Result<void> keep_time(SqliteConnection& connection);

  // Of the newest record of all.
  [[nodiscard]] message::Instant last_time() const { return last_time_; }
  // Around a job that may be undone alone.
  [[nodiscard]] std::map<StreamKey, message::Offset> positions() const;
  void go_back(const std::map<StreamKey, message::Offset>& positions);

  // The transaction is durable. Returns the streams that grew.
  std::set<StreamKey> committed();
  void rolled_back();

 private:
  struct Table {
    std::string insert;
    message::Offset first = 0;
    message::Offset next = 0;
    message::Offset acknowledged = 0;  // `next` as of the last commit.
    bool exists = false;               // As of the last commit.
  };

  [[nodiscard]] message::Result<void> load_table(SqliteConnection& connection, StreamKey key);
  Table& table_of(StreamKey key);

  journal::AppendTime time_;
  message::Instant last_time_{message::Milliseconds{0}};
  std::map<StreamKey, Table> tables_;
  std::set<StreamKey> grown_;
};

}  // namespace usher::state
