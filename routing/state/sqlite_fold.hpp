// SqliteFold: carries the change log into the tables, some rows in each transaction of the writer's, so that no commit
// waits for many. A commit itself only appends to the log: its rows lie anywhere in the tables, and written one by one
// each of them would cost a page. Carried over in thousands and in the order of their keys, many share one.
//
// A crash at any moment is harmless: the log's rows go only after all they say is in the tables, and until then they are
// read after the tables, in their order. The writer's thread only.
#pragma once

#include <optional>

#include "routing/state/sqlite_carrier.hpp"

namespace usher::state {

class SqliteFold {
 public:
  // `entries_max`: a stretch of the log is carried over once it has so many.
  SqliteFold(SqlitePending& pending, std::size_t entries_max) : pending_(pending), entries_max_(entries_max) {}

  // On a fresh connection: from the log as it stands there.
  [[nodiscard]] Result<void> load(SqliteConnection& connection);
  // Inside the writer's transaction, before anything else in it: jobs may replace what it writes.
  [[nodiscard]] Result<void> carry_some(SqliteConnection& connection);
  // That transaction is durable.
  void committed();
  // A job has written the partition's state anew, durably, and emptied its part of the log.
  void clear(Partition partition);

 private:
  [[nodiscard]] Result<void> trim(SqliteConnection& connection);

  SqlitePending& pending_;
  const std::size_t entries_max_;
  std::optional<Carrier> carrier_;
  bool all_carried_ = false;
  std::size_t grown_to_ = 0;
  std::int64_t trim_to_ = 0;  // Rows up to this number say nothing that the tables do not.
};

// The log as it stands in the connection's transaction, of one partition or of all.
[[nodiscard]] Result<PendingChanges> read_change_log(SqliteConnection& connection, std::optional<Partition> partition);
// Everything of it goes into the tables, at once.
[[nodiscard]] Result<void> empty_change_log(SqliteConnection& connection, std::optional<Partition> partition);

}  // namespace usher::state
