// See raw_commits.hpp.
#include "tests/bench/raw_commits.hpp"

#include "routing/state/sqlite_database.hpp"
#include "tests/bench/samples.hpp"

namespace usher::bench {

using journal::Stream;
using state::SqliteCursor;

namespace {

constexpr std::int64_t page_bytes = 4096;

std::string_view view(const std::array<char, 16>& bytes) { return {bytes.data(), bytes.size()}; }

void run_bound(SqliteCursor& cursor) {
  if (const auto done = cursor.run(); !done) give_up(done.error().detail);
}

std::unique_ptr<state::SqliteConnection> open_made(const std::filesystem::path& folder, const state::SqliteOptions& options) {
  const SystemClock clock;
  {
    const auto made = state::SqliteDatabase::open(folder, clock, options);
    if (!made) give_up(made.error().detail);
  }
  auto connection = state::SqliteConnection::open(folder / "usher.db", options);
  if (!connection) give_up(connection.error().detail);
  return std::move(*connection);
}

}  // namespace

RawCommits::RawCommits(const std::filesystem::path& folder)
    : connection_(open_made(folder, options_)), checkpointer_(folder / "usher.db", options_) {
  begin_ = prepare("BEGIN IMMEDIATE");
  commit_ = prepare("COMMIT");
  set_entity_ = prepare("INSERT OR REPLACE INTO entities (partition, table_name, key, value) VALUES (0, ?1, ?2, ?3)");
  drop_entity_ = prepare("DELETE FROM entities WHERE partition = 0 AND table_name = ?1 AND key = ?2");
  point_at_text_ = prepare("INSERT INTO bodies (partition, conversation, sequence, id, offset) VALUES (0, ?1, ?2, ?3, ?4)");
  set_text_ = prepare("INSERT INTO bodies (partition, conversation, sequence, id, json) VALUES (0, ?1, ?2, ?3, ?4)");
  set_place_ = prepare("INSERT INTO body_places (partition, id, conversation, sequence) VALUES (0, ?1, ?2, ?3)");
  set_meta_ = prepare(
      "INSERT OR REPLACE INTO state_meta (partition, epoch, offset, fingerprint, entities, digest) "
      "VALUES (0, ?1, ?2, ?3, ?4, ?5)");
  for (const auto stream : {Stream::inbound, Stream::outbound, Stream::events, Stream::dead_letters})
    insert_[stream] = prepare("INSERT INTO " + std::string(journal::stream_name(stream)) +
                              "_0 (offset, appended_at, id, type, value) VALUES (?1, ?2, ?3, ?4, ?5)");
}

sqlite3_stmt* RawCommits::prepare(const std::string& sql) {
  const auto statement = connection_->statement(sql);
  if (!statement) give_up(statement.error().detail);
  return *statement;
}

void RawCommits::step(sqlite3_stmt* statement) {
  if (const auto done = SqliteCursor(connection_->handle(), statement).run(); !done) give_up(done.error().detail);
}

std::vector<double> RawCommits::run(const Trace& trace, double seconds) {
  for (std::size_t i = 0; i < trace.measured_from; ++i) write(trace.transactions[i]);
  std::vector<double> taken;
  taken.reserve(trace.transactions.size());
  const auto begin = Steady::now();
  for (std::size_t i = trace.measured_from; i < trace.transactions.size() && seconds_since(begin) < seconds; ++i) {
    const auto before = Steady::now();
    write(trace.transactions[i]);
    taken.push_back(seconds_since(before) * 1e9);
    keep_log_short();
  }
  seconds_ = seconds_since(begin);
  return taken;
}

void RawCommits::write(const Transaction& transaction) {
  step(begin_);
  for (const auto& append : transaction.appends) write_row(Stream::inbound, append.offset, append.appended_at, append.entry);
  for (const auto& commit : transaction.commits) write(*commit);
  step(commit_);
}

void RawCommits::write_row(Stream stream, Offset offset, Instant at, const journal::Entry& entry) {
  SqliteCursor cursor(connection_->handle(), insert_.at(stream));
  cursor.bind(offset).bind(unix_ms(at)).bind_text(entry.id).bind_text(entry.type).bind_text(entry.value);
  if (const auto done = cursor.run(); !done) give_up(done.error().detail);
}

void RawCommits::write(const state::Body& body) {
  const auto conversation = state::to_bytes(body.conversation.high, body.conversation.low);
  const auto id = state::to_bytes(body.id.high, body.id.low);
  SqliteCursor cursor(connection_->handle(), body.offset == offset_none ? set_text_ : point_at_text_);
  cursor.bind_blob(view(conversation)).bind(body.sequence).bind_blob(view(id));
  if (body.offset == offset_none) cursor.bind_text(body.json);
  else cursor.bind(body.offset);
  run_bound(cursor);
  SqliteCursor place(connection_->handle(), set_place_);
  place.bind_blob(view(id)).bind_blob(view(conversation)).bind(body.sequence);
  run_bound(place);
}

void RawCommits::write(const state::Commit& commit) {
  for (const auto& change : commit.changes) {
    SqliteCursor cursor(connection_->handle(), change.value ? set_entity_ : drop_entity_);
    cursor.bind_text(change.table).bind_text(change.key);
    if (change.value) cursor.bind_text(*change.value);
    run_bound(cursor);
  }
  for (const auto& body : commit.bodies) write(body);
  const auto at = from_unix_ms(1'790'000'000'000);
  for (const auto& effect : commit.outbox) write_row(effect.stream, next_[effect.stream]++, at, effect.entry);
  const auto fingerprint = state::to_bytes(commit.after.fingerprint.high, commit.after.fingerprint.low);
  const auto digest = state::to_bytes(commit.after.digest.sum.high, commit.after.digest.sum.low);
  SqliteCursor cursor(connection_->handle(), set_meta_);
  cursor.bind(commit.after.position.epoch).bind(commit.after.position.offset).bind_blob(view(fingerprint));
  cursor.bind(static_cast<std::int64_t>(commit.after.digest.count)).bind_blob(view(digest));
  run_bound(cursor);
}

// As the product does it: a thread of its own copies while this one commits on, and the short rest is copied here.
void RawCommits::keep_log_short() {
  const auto pages = connection_->log_pages();
  const auto copied = checkpointer_.copied();
  if (copied) copied_pages_ = *copied;
  if (pages < copied_pages_) copied_pages_ = 0;
  const bool too_long = pages * page_bytes >= options_.log_bytes_max;
  if (copied && too_long) {
    if (const auto whole = connection_->checkpoint(); !whole) give_up(whole.error().detail);
  } else if (too_long || (pages - copied_pages_) * page_bytes >= options_.checkpoint_bytes) {
    checkpointer_.request();
  }
}

std::map<std::string, std::int64_t> count_rows(const std::filesystem::path& folder) {
  const auto connection = state::SqliteConnection::open(folder / "usher.db", {});
  if (!connection) give_up(connection.error().detail);
  std::map<std::string, std::int64_t> rows;
  for (const char* table : {"inbound_0", "events_0", "outbound_0", "dead_letters_0", "bodies", "body_places", "entities", "state_meta"}) {
    const auto statement = (*connection)->statement(std::string("SELECT count(*) FROM ") + table);
    if (!statement) give_up(statement.error().detail);
    SqliteCursor cursor((*connection)->handle(), *statement);
    if (const auto row = cursor.next(); !row || !*row) give_up(std::string("cannot count ") + table);
    rows[table] = cursor.integer(0);
  }
  return rows;
}

}  // namespace usher::bench
