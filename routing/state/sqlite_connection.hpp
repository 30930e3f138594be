// SqliteConnection: one connection to usher.db and its prepared statements; every SQLite error becomes an Error here.
// Used by one thread at a time: the writer's thread, the checkpointer's, or whoever holds it from the readers' pool.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "routing/message/result.hpp"
#include "routing/state/sqlite_options.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace usher::state {

// One use of a prepared statement: binds in order, steps, and leaves it ready for the next use when it goes.
class SqliteCursor {
 public:
  SqliteCursor(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~SqliteCursor();
  SqliteCursor(const SqliteCursor&) = delete;
  SqliteCursor& operator=(const SqliteCursor&) = delete;

  // What is bound must outlive the cursor: nothing is copied.
  SqliteCursor& bind(std::int64_t value);
  SqliteCursor& bind_text(std::string_view text);
  SqliteCursor& bind_blob(std::string_view bytes);

  // True: there is a row. False: no more.
  [[nodiscard]] message::Result<bool> next();
  // For statements without rows.
  [[nodiscard]] message::Result<void> run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  // Byte for byte, NUL included. Valid until the next step.
  [[nodiscard]] std::string_view bytes(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class SqliteConnection {
 public:
  // Creates the file when it is not there. The connection is set to WAL and FULL sync, without automatic checkpoints.
  [[nodiscard]] static message::Result<std::unique_ptr<SqliteConnection>> open(const std::filesystem::path& file,
                                                                               const SqliteOptions& options);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // Statements whose rows do not matter: pragmas, BEGIN, COMMIT.
  [[nodiscard]] message::Result<void> run(const std::string& sql);
  // A prepared statement, kept for the next call with the same text. Requires: no other cursor uses it now.
  [[nodiscard]] message::Result<sqlite3_stmt*> statement(const std::string& sql);
  // run() of a kept statement.
  [[nodiscard]] message::Result<void> step(const std::string& sql);

  // False once SQLite rolled the transaction back by itself.
  [[nodiscard]] bool in_transaction() const;
  // Pages in the write-ahead log after the last commit of this connection; 0 before it wrote any.
  [[nodiscard]] int log_pages() const { return log_pages_; }
  // What failed last failed for want of space.
  [[nodiscard]] bool disk_full() const;
  // Copies what it can without waiting for anybody. True: the whole log is in the database, so that it can be begun
  // anew. False also for want of space, which a later call may find.
  [[nodiscard]] message::Result<bool> checkpoint();
  // Pages of the log that were in the database after the last checkpoint() here.
  [[nodiscard]] int copied_pages() const { return copied_pages_; }
  // Copies the whole log, syncs, and empties it. Requires: nobody else writes. Somebody who reads only keeps the log
  // from being emptied.
  [[nodiscard]] message::Result<void> empty_log();
  // For the last connection at a clean close. Otherwise closing leaves the log alone.
  void remove_log_on_close();
  [[nodiscard]] sqlite3* handle() { return database_; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit SqliteConnection(sqlite3* database) : database_(database) {}

  sqlite3* database_;
  int log_pages_ = 0;
  int copied_pages_ = 0;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

// `unavailable`, or what the caller did wrong: too_large, malformed (a constraint).
[[nodiscard]] message::Error sqlite_error(sqlite3* database, std::string_view doing);

// A 128-bit value as SQLite keeps it: 16 bytes, big endian, so that it sorts as its text form does.
[[nodiscard]] std::array<char, 16> to_bytes(std::uint64_t high, std::uint64_t low);
// Both 0 when `bytes` has another length.
[[nodiscard]] std::pair<std::uint64_t, std::uint64_t> from_bytes(std::string_view bytes);

}  // namespace usher::state
