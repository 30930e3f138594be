// RawCommits: the comparison: SQLite alone, one thread, writing the transactions of a trace: the same rows into the same
// tables with the same pragmas, prepared statements, FULL sync at every COMMIT, and the log copied by a second thread.
#pragma once

#include <filesystem>
#include <map>
#include <vector>

#include "routing/state/sqlite_checkpointer.hpp"
#include "tests/bench/trace.hpp"

struct sqlite3_stmt;

namespace usher::bench {

class RawCommits {
 public:
  // Makes an empty usher.db in the folder.
  explicit RawCommits(const std::filesystem::path& folder);

  // Writes what prepares the centre, then the rest until `seconds` have passed; returns nanoseconds of every measured
  // transaction, BEGIN to COMMIT.
  [[nodiscard]] std::vector<double> run(const Trace& trace, double seconds);
  // Of the last run's measured part, with what keeps the log short between two transactions.
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  void write(const Transaction& transaction);
  void write(const state::Commit& commit);
  void write(const state::Body& body);
  void write_row(journal::Stream stream, Offset offset, Instant at, const journal::Entry& entry);
  void step(sqlite3_stmt* statement);
  [[nodiscard]] sqlite3_stmt* prepare(const std::string& sql);
  void keep_log_short();

  const state::SqliteOptions options_;
  std::unique_ptr<state::SqliteConnection> connection_;
  state::SqliteCheckpointer checkpointer_;
  sqlite3_stmt *begin_, *commit_, *set_entity_, *drop_entity_, *point_at_text_, *set_text_, *set_place_, *set_meta_;
  std::map<journal::Stream, sqlite3_stmt*> insert_;
  std::map<journal::Stream, Offset> next_;
  int copied_pages_ = 0;
  double seconds_ = 0;
};

// Rows by table, of a finished folder: what shows that both sides wrote the same.
[[nodiscard]] std::map<std::string, std::int64_t> count_rows(const std::filesystem::path& folder);

}  // namespace usher::bench
