// SqliteStore: reads as SQL on a reader's connection; commits as jobs (their writes are in sqlite_commit.cpp).
#include "routing/state/sqlite_store.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "routing/state/change_set.hpp"
#include "routing/state/sqlite_texts.hpp"

namespace usher::state {

namespace {

// One commit, or several that each went on from the one before.
class CommitJob final : public SqliteWriteJob {
 public:
  CommitJob(SqlitePending& pending, Commit commit, CommitDone done) : pending_(pending), commit_(std::move(commit)) {
    done_.push_back(std::move(done));
  }

  Result<void> write(SqliteWrites& writes) override {
    if (done_.size() > 1) commit_.changes = changes_.take();
    auto written = write_commit(writes, commit_);
    if (!written) return written.error();
    row_ = std::move(*written);
    return {};
  }
  void finish(const Result<void>& outcome) override {
    if (outcome) pending_.add(commit_.partition, row_.number, std::move(row_.commit));
    for (const auto& done : done_) {
      if (outcome) done(CommitReceipt{.outbox_published = true});
      else done(outcome.error());
    }
  }
  [[nodiscard]] bool waits_for_more() const override { return true; }
  // What has grown too large goes to the disk with the next transaction, whatever else comes.
  bool absorb(SqliteWriteJob& later) override {
    auto* next = dynamic_cast<CommitJob*>(&later);
    if (next == nullptr || done_.size() >= limits::batch_records_max || size() + next->size() > limits::batch_changes_max) return false;
    auto& commit = next->commit_;
    if (commit.partition != commit_.partition || commit.before != commit_.after.position || commit.early_losses != commit_.early_losses)
      return false;
    if (done_.size() == 1) changes_.add(std::move(commit_.changes));
    changes_.add(std::move(commit.changes));
    move_to_end(commit_.bodies, commit.bodies);
    move_to_end(commit_.bodies_gone, commit.bodies_gone);
    move_to_end(commit_.outbox, commit.outbox);
    move_to_end(done_, next->done_);
    if (commit.outbox_done) commit_.outbox_done = commit.outbox_done;
    commit_.after = commit.after;
    return true;
  }

 private:
  template <class Items>
  static void move_to_end(Items& to, Items& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }
  [[nodiscard]] std::size_t size() const { return commit_.changes.size() + changes_.size() + commit_.bodies.size(); }

  SqlitePending& pending_;
  Commit commit_;
  ChangeSet changes_;  // Of several.
  LoggedRow row_;
  std::vector<CommitDone> done_;
};

class RewriteJob final : public SqliteWriteJob {
 public:
  RewriteJob(SqliteFold& fold, Rewrite rewrite, CommitDone done)
      : fold_(fold), rewrite_(std::move(rewrite)), done_(std::move(done)) {}

  Result<void> write(SqliteWrites& writes) override { return write_rewrite(writes, rewrite_); }
  void finish(const Result<void>& outcome) override {
    if (!outcome) return done_(outcome.error());
    fold_.clear(rewrite_.partition);
    done_(CommitReceipt{.outbox_published = true});
  }

 private:
  SqliteFold& fold_;
  Rewrite rewrite_;
  CommitDone done_;
};

// The tables and, over them, the log: both sorted.
Result<std::vector<Entity>> read_entities(SqliteConnection& connection, Partition partition) {
  auto log = read_change_log(connection, partition);
  if (!log) return log.error();
  auto statement =
      connection.statement("SELECT table_name, key, value FROM entities WHERE partition = ?1 ORDER BY table_name, key");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(partition);
  std::vector<Entity> entities;
  auto later = log->entities.begin();
  const auto take_later = [&] {
    const auto& [place, value] = *later++;
    if (value) entities.push_back({std::get<1>(place), std::get<2>(place), *value});
  };
  for (;;) {
    auto row = cursor.next();
    if (!row) return row.error();
    if (!*row) break;
    const PendingChanges::EntityKey place{partition, std::string(cursor.bytes(0)), std::string(cursor.bytes(1))};
    while (later != log->entities.end() && later->first < place) take_later();
    const bool changed = later != log->entities.end() && later->first == place;
    if (changed || log->dropped.contains({partition, std::get<1>(place)})) continue;
    entities.push_back({std::get<1>(place), std::get<2>(place), std::string(cursor.bytes(2))});
  }
  while (later != log->entities.end()) take_later();
  return entities;
}

Result<Loaded> read_all(SqliteConnection& connection, Partition partition) {
  auto meta = read_meta(connection, partition);
  if (!meta) return meta.error();
  if (!*meta) return fail(Fault::not_found, "the partition has no state");
  auto entities = read_entities(connection, partition);
  if (!entities) return entities.error();
  return Loaded{**meta, std::move(*entities), {}};
}

Result<std::optional<std::string>> read_entity(SqliteConnection& connection, Partition partition,
                                               const std::string& table, const std::string& key) {
  auto log = read_change_log(connection, partition);
  if (!log) return log.error();
  const auto later = log->entities.find({partition, table, key});
  if (later != log->entities.end()) return later->second;
  if (log->dropped.contains({partition, table})) return std::nullopt;
  auto statement =
      connection.statement("SELECT value FROM entities WHERE partition = ?1 AND table_name = ?2 AND key = ?3");
  if (!statement) return statement.error();
  SqliteCursor cursor(connection.handle(), *statement);
  cursor.bind(partition).bind_text(table).bind_text(key);
  auto row = cursor.next();
  if (!row) return row.error();
  return *row ? std::optional(std::string(cursor.bytes(0))) : std::nullopt;
}

// What is pending has no text of its own when the journal has it, unless that was erased: then the tables have it.
Result<std::optional<Body>> with_text(SqliteConnection& connection, Partition partition, Body body) {
  if (body.offset == offset_none) return std::optional(std::move(body));
  auto text = inbound_text(connection, partition, std::exchange(body.offset, offset_none));
  if (!text) return text.error();
  if (!*text) return stored_body(connection, partition, body.id);
  body.json = std::move(**text);
  return std::optional(std::move(body));
}

}  // namespace

// Reads what is pending, then the tables; again, when something went from the one to the others meanwhile.
template <class Read>
auto SqliteStore::with_pending(Read&& read) -> decltype(read(std::declval<SqliteConnection&>())) {
  for (;;) {
    const auto before = writer_.pending().times_carried();
    auto found = readers_.with(read);
    if (!found || before == writer_.pending().times_carried()) return found;
  }
}

Result<std::vector<Body>> SqliteStore::bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                              std::size_t limit) {
  const auto& pending = writer_.pending();
  return with_pending([&](SqliteConnection& connection) -> Result<std::vector<Body>> {
    auto newer = pending.bodies(partition, conversation, before, limit);
    std::map<std::pair<std::uint32_t, MessageId>, Body> found;
    if (!pending.gone(partition, conversation)) {
      auto stored = stored_bodies(connection, partition, conversation, before, limit);
      if (!stored) return stored.error();
      for (auto& body : *stored) found.try_emplace({body.sequence, body.id}, std::move(body));
    }
    for (auto& body : newer) {
      const std::pair place{body.sequence, body.id};
      if (found.contains(place)) continue;
      auto whole = with_text(connection, partition, std::move(body));
      if (!whole) return whole.error();
      if (*whole) found.emplace(place, std::move(**whole));
    }
    std::vector<Body> newest;
    for (auto each = found.rbegin(); each != found.rend() && newest.size() < limit; ++each)
      newest.push_back(std::move(each->second));
    std::reverse(newest.begin(), newest.end());
    return newest;
  });
}

Result<std::optional<Body>> SqliteStore::body(Partition partition, MessageId id) {
  const auto& pending = writer_.pending();
  return with_pending([&](SqliteConnection& connection) -> Result<std::optional<Body>> {
    if (auto newer = pending.body(partition, id)) return with_text(connection, partition, std::move(*newer));
    auto stored = stored_body(connection, partition, id);
    if (stored && *stored && pending.gone(partition, (*stored)->conversation)) return std::nullopt;
    return stored;
  });
}

Result<std::optional<std::string>> SqliteStore::entity(Partition partition, const std::string& table,
                                                       const std::string& key) {
  return readers_.with([&](SqliteConnection& connection) { return read_entity(connection, partition, table, key); });
}

Result<TextsPage> SqliteStore::texts_held(Partition partition, const std::string& from, std::size_t limit) {
  const auto after = ConversationId::parse(from).value_or(ConversationId{});
  const auto& pending = writer_.pending();
  return with_pending([&](SqliteConnection& connection) -> Result<TextsPage> {
    auto found = pending.conversations(partition, after, limit);
    const auto stored = stored_conversations(connection, partition, after, limit);
    if (!stored) return stored.error();
    for (const auto conversation : *stored)
      if (!pending.gone(partition, conversation)) found.insert(conversation);
    const bool more = found.size() >= limit || stored->size() == limit;
    TextsPage page;
    for (auto each = found.begin(); each != found.end() && page.conversations.size() < limit; ++each)
      page.conversations.push_back(*each);
    if (more) page.next = page.conversations.empty() ? stored->back().text() : page.conversations.back().text();
    return page;
  });
}

Result<void> SqliteStore::initialise(Partition partition) {
  return writer_.write_and_wait([=](SqliteWrites& writes) { return write_first_meta(writes, partition); });
}

Result<int> SqliteStore::count_attempt(Partition partition, Offset at) {
  std::int64_t count = 0;
  auto counted = writer_.write_and_wait([&](SqliteWrites& writes) -> Result<void> {
    auto statement = writes.connection.statement(
        "INSERT INTO attempts (partition, offset, count) VALUES (?1, ?2, 1) ON CONFLICT (partition) DO UPDATE SET "
        "count = CASE WHEN offset = excluded.offset THEN count + 1 ELSE 1 END, offset = excluded.offset RETURNING "
        "count");
    if (!statement) return statement.error();
    SqliteCursor cursor(writes.connection.handle(), *statement);
    auto row = cursor.bind(partition).bind(at).next();
    if (!row) return row.error();
    count = cursor.integer(0);
    return cursor.run();
  });
  if (!counted) return counted.error();
  return static_cast<int>(count);
}

Result<std::optional<Meta>> SqliteStore::load_meta(Partition partition) {
  return readers_.with([=](SqliteConnection& connection) { return read_meta(connection, partition); });
}

Result<Loaded> SqliteStore::load(Partition partition) {
  return readers_.with([=](SqliteConnection& connection) { return read_all(connection, partition); });
}

Result<std::vector<OutboxEntry>> SqliteStore::outbox(Partition partition) {
  auto meta = load_meta(partition);
  if (!meta) return meta.error();
  if (!*meta) return fail(Fault::not_found, "the partition has no state");
  return std::vector<OutboxEntry>();
}

void SqliteStore::commit(Commit commit, CommitDone done) {
  std::unique_ptr<SqliteWriteJob> job = std::make_unique<CommitJob>(writer_.pending(), std::move(commit), std::move(done));
  if (auto taken = writer_.submit(job); !taken) job->finish(taken);
}

void SqliteStore::rewrite(Rewrite rewrite, CommitDone done) {
  std::unique_ptr<SqliteWriteJob> job = std::make_unique<RewriteJob>(writer_.fold(), std::move(rewrite), std::move(done));
  if (auto taken = writer_.submit(job); !taken) job->finish(taken);
}

}  // namespace usher::state
