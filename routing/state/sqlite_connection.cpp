// SqliteConnection: the only file that speaks the SQLite C interface, but for the backup.
#include "routing/state/sqlite_connection.hpp"

#include <sqlite3.h>

namespace usher::state {

using namespace usher::message;

namespace {

// Another process may look with the sqlite3 shell; a lock it holds is short.
constexpr int busy_timeout_ms = 5000;

}  // namespace

Error sqlite_error(sqlite3* database, std::string_view doing) {
  const int code = sqlite3_extended_errcode(database);
  std::string detail = "sqlite: ";
  detail.append(doing)
      .append(": ")
      .append(sqlite3_errmsg(database))
      .append(" (")
      .append(std::to_string(code))
      .append(")");
  switch (code & 0xff) {
    case SQLITE_TOOBIG:
      return fail(Fault::too_large, std::move(detail));
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return fail(Fault::malformed, std::move(detail));
    default:
      return fail(Fault::unavailable, std::move(detail));
  }
}

SqliteCursor::~SqliteCursor() {
  sqlite3_reset(statement_);
  // What was bound is not copied and may be gone before the next use.
  sqlite3_clear_bindings(statement_);
}

SqliteCursor& SqliteCursor::bind(std::int64_t value) {
  expect(sqlite3_bind_int64(statement_, ++bound_, value) == SQLITE_OK, "a statement has a place for what is bound");
  return *this;
}

SqliteCursor& SqliteCursor::bind_text(std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int bound = sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  expect(bound == SQLITE_OK || bound == SQLITE_TOOBIG, "a statement has a place for what is bound");
  return *this;
}

SqliteCursor& SqliteCursor::bind_blob(std::string_view bytes) {
  const int bound = sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC);
  expect(bound == SQLITE_OK || bound == SQLITE_TOOBIG, "a statement has a place for what is bound");
  return *this;
}

Result<bool> SqliteCursor::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(database_, sqlite3_sql(statement_));
}

Result<void> SqliteCursor::run() {
  for (;;) {
    auto row = next();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

std::int64_t SqliteCursor::integer(int column) const { return sqlite3_column_int64(statement_, column); }

bool SqliteCursor::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string_view SqliteCursor::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::filesystem::path& file,
                                                                 const SqliteOptions& options) {
  sqlite3* database = nullptr;
  const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  const int code =
      sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
  expect(database != nullptr, "there is memory for a connection");
  // Owned from here on: a connection that failed to open must be closed too.
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(database));
  if (code != SQLITE_OK) return sqlite_error(database, "open " + file.string());
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, busy_timeout_ms);
  // When a log may be copied and removed is decided by the writer alone (sqlite_writer.hpp says why).
  sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  for (const char* pragma :
       {"PRAGMA journal_mode=WAL", options.synchronous ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF",
        "PRAGMA foreign_keys=OFF", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-16384"}) {
    auto done = connection->run(pragma);
    if (!done) return done.error();
  }
  // The hook replaces the automatic checkpoint, which would run inside somebody's commit.
  sqlite3_wal_hook(
      database,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteConnection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      connection.get());
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close_v2(database_);
}

void SqliteConnection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<void> SqliteConnection::run(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return sqlite_error(database_, sql);
  return {};
}

Result<sqlite3_stmt*> SqliteConnection::statement(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second.get();
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &prepared,
                         nullptr) != SQLITE_OK)
    return sqlite_error(database_, sql);
  statements_[sql].reset(prepared);
  return prepared;
}

Result<void> SqliteConnection::step(const std::string& sql) {
  auto prepared = statement(sql);
  if (!prepared) return prepared.error();
  return SqliteCursor(database_, *prepared).run();
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

bool SqliteConnection::disk_full() const { return sqlite3_errcode(database_) == SQLITE_FULL; }

Result<bool> SqliteConnection::checkpoint() {
  int in_log = 0;
  int copied = 0;
  copied_pages_ = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
  if (code == SQLITE_BUSY || code == SQLITE_FULL) return false;
  if (code != SQLITE_OK) return sqlite_error(database_, "checkpoint");
  copied_pages_ = copied;
  return in_log == copied;
}

Result<void> SqliteConnection::empty_log() {
  int in_log = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_, "main", SQLITE_CHECKPOINT_TRUNCATE, &in_log, &copied);
  if (code == SQLITE_BUSY && in_log == copied) return {};
  if (code != SQLITE_OK) return sqlite_error(database_, "empty the log");
  return {};
}

void SqliteConnection::remove_log_on_close() {
  sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

std::array<char, 16> to_bytes(std::uint64_t high, std::uint64_t low) {
  std::array<char, 16> bytes{};
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>((high >> (56 - 8 * i)) & 0xff);
    bytes[8 + i] = static_cast<char>((low >> (56 - 8 * i)) & 0xff);
  }
  return bytes;
}

std::pair<std::uint64_t, std::uint64_t> from_bytes(std::string_view bytes) {
  if (bytes.size() != 16) return {0, 0};
  std::uint64_t halves[2] = {0, 0};
  for (unsigned i = 0; i < 16; ++i) halves[i / 8] = (halves[i / 8] << 8) | static_cast<unsigned char>(bytes[i]);
  return {halves[0], halves[1]};
}

}  // namespace usher::state
