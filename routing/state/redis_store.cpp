// RedisStore: writes go to the writer's thread, reads over lent lines on the caller's.
#include "routing/state/redis_store.hpp"

#include "routing/state/redis_checks.hpp"
#include "routing/state/redis_reads.hpp"
#include "routing/state/redis_writer.hpp"

namespace usher::state {

struct RedisStore::Parts {
  explicit Parts(RedisOptions options) : dialer(std::move(options)), readers(dialer), writer(dialer) {}

  [[nodiscard]] const RedisOptions& options() const { return dialer.options(); }
  [[nodiscard]] RedisKeys keys(Partition partition) const { return {options().key_prefix, partition}; }
  [[nodiscard]] RedisDeadline deadline() const { return RedisDeadline::in(options().answer_within); }

  // Lends a line to `ask`. An idle connection that the server closed unnoticed is no reason to fail: reads are tried twice.
  template <class T>
  Result<T> read(const std::function<Result<T>(RedisLine&, RedisDeadline)>& ask) {
    const auto until = deadline();
    const auto line = readers.borrow(until);
    if (!line) return line.error();
    auto found = ask(**line, until);
    if (found || found.error().fault != Fault::unavailable || until.left().count() == 0) return found;
    return ask(**line, until);
  }

  // Takes what is to be written; `write` runs on the writer's thread.
  template <class Work>
  void write_later(Work work, CommitDone done, Result<CommitReceipt> (*write)(const RedisTarget&, const Work&)) {
    if (options().read_only) return done(refused());
    const auto kept = std::make_shared<Work>(std::move(work));
    const bool posted = writer.post([kept, done, write](const RedisTarget& target, const Error* error) {
      done(error != nullptr ? Result<CommitReceipt>(*error) : write(target, *kept));
    });
    if (!posted) done(writer_is_full());
  }

  [[nodiscard]] static Error refused() { return fail(Fault::unauthorised, "this store was opened for reading only"); }

  RedisDialer dialer;
  RedisPool readers;
  RedisWriter writer;
  std::vector<std::string> weaknesses;  // Constant after open().
};

RedisStore::RedisStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RedisStore::~RedisStore() = default;

Result<std::unique_ptr<RedisStore>> RedisStore::open(RedisOptions options) {
  auto parts = std::make_unique<Parts>(std::move(options));
  const bool may_write = !parts->options().read_only;
  auto standing = parts->writer.in_turn<RedisStanding>(
      [may_write](const RedisTarget& target) { return check_server(target, may_write); });
  if (!standing) {
    auto error = standing.error();
    // What waiting does not mend must not look as if it did.
    if (error.fault == Fault::unauthorised) error.fault = Fault::malformed;
    return error;
  }
  parts->weaknesses = std::move(standing->weaknesses);
  return std::unique_ptr<RedisStore>(new RedisStore(std::move(parts)));
}

Result<void> RedisStore::initialise(Partition partition) {
  if (parts_->options().read_only) return Parts::refused();
  return parts_->writer.in_turn<void>(
      [partition](const RedisTarget& target) { return write_first_meta(target, partition); });
}

Result<std::optional<Meta>> RedisStore::load_meta(Partition partition) {
  const auto stored = parts_->read<std::optional<StoredMeta>>([&](RedisLine& line, RedisDeadline deadline) {
    return read_meta(line, parts_->keys(partition), deadline);
  });
  if (!stored) return stored.error();
  return *stored ? std::optional((*stored)->meta) : std::nullopt;
}

Result<Loaded> RedisStore::load(Partition partition) {
  return parts_->read<Loaded>([&](RedisLine& line, RedisDeadline) {
    return read_state(line, parts_->keys(partition), parts_->options().answer_within);
  });
}

Result<std::vector<OutboxEntry>> RedisStore::outbox(Partition partition) {
  return parts_->read<std::vector<OutboxEntry>>([&](RedisLine& line, RedisDeadline deadline) {
    return read_outbox(line, parts_->keys(partition), deadline);
  });
}

void RedisStore::commit(Commit commit, CommitDone done) {
  parts_->write_later<Commit>(std::move(commit), std::move(done),
                              [](const RedisTarget& target, const Commit& work) { return write_commit(target, work); });
}

void RedisStore::rewrite(Rewrite rewrite, CommitDone done) {
  parts_->write_later<Rewrite>(std::move(rewrite), std::move(done), &write_rewrite);
}

Result<int> RedisStore::count_attempt(Partition partition, Offset at) {
  if (parts_->options().read_only) return Parts::refused();
  return parts_->writer.in_turn<int>(
      [partition, at](const RedisTarget& target) { return write_attempt(target, partition, at); });
}

Result<std::vector<Body>> RedisStore::bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                             std::size_t limit) {
  return parts_->read<std::vector<Body>>([&](RedisLine& line, RedisDeadline deadline) {
    return read_bodies(line, parts_->keys(partition), conversation, before, limit, deadline);
  });
}

Result<TextsPage> RedisStore::texts_held(Partition partition, const std::string& from, std::size_t limit) {
  return parts_->read<TextsPage>([&](RedisLine& line, RedisDeadline deadline) {
    return read_texts_held(line, parts_->keys(partition), from, limit, deadline);
  });
}

Result<std::optional<Body>> RedisStore::body(Partition partition, MessageId id) {
  return parts_->read<std::optional<Body>>([&](RedisLine& line, RedisDeadline deadline) {
    return read_body(line, parts_->keys(partition), id, deadline);
  });
}

Result<std::optional<std::string>> RedisStore::entity(Partition partition, const std::string& table,
                                                      const std::string& key) {
  return parts_->read<std::optional<std::string>>([&](RedisLine& line, RedisDeadline deadline) {
    return read_entity(line, parts_->keys(partition), table, key, deadline);
  });
}

std::vector<std::string> RedisStore::weaknesses() const { return parts_->weaknesses; }

}  // namespace usher::state
