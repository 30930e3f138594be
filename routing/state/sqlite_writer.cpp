// SqliteWriter: BEGIN, every job that waits, COMMIT, and only then the answers.
#include "routing/state/sqlite_writer.hpp"

#include <algorithm>
#include <future>

#include "routing/state/sqlite_log.hpp"

namespace usher::state {

using namespace usher::message;

namespace {

// A transaction is cut here so that the first of a long queue does not wait for the last.
constexpr std::size_t batch_jobs_max = 4096;
constexpr std::size_t batch_bytes_max = 8 * 1024 * 1024;
constexpr std::int64_t page_bytes = 4096;

// A clean stop removes the log.
bool ended_badly(std::filesystem::path file) {
  std::error_code none;
  return std::filesystem::exists(file += "-wal", none);
}

class WaitedJob final : public SqliteWriteJob {
 public:
  explicit WaitedJob(std::function<Result<void>(SqliteWrites&)> write) : write_(std::move(write)) {}
  Result<void> write(SqliteWrites& writes) override { return write_(writes); }
  void finish(const Result<void>& outcome) override { outcome_.set_value(outcome); }
  [[nodiscard]] std::future<Result<void>> outcome() { return outcome_.get_future(); }

 private:
  std::function<Result<void>(SqliteWrites&)> write_;
  std::promise<Result<void>> outcome_;
};

}  // namespace

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::open(std::filesystem::path file, const Clock& clock,
                                                         const SqliteOptions& options, SqliteReaders& readers,
                                                         Committed committed) {
  std::unique_ptr<SqliteWriter> writer(
      new SqliteWriter(std::move(file), clock, options, readers, std::move(committed)));
  if (auto started = writer->start_anew(); !started) return started.error();
  writer->thread_ = std::thread([self = writer.get()] { self->loop(); });
  return writer;
}

SqliteWriter::SqliteWriter(std::filesystem::path file, const Clock& clock, const SqliteOptions& options,
                           SqliteReaders& readers, Committed committed)
    : file_(std::move(file)),
      options_(options),
      committed_(std::move(committed)),
      readers_(readers),
      early_(clock, ended_badly(file_)),
      streams_(clock),
      fold_(pending_, options.change_log_max),
      checkpointer_(file_, options_) {}

SqliteWriter::~SqliteWriter() {
  stop();
  if (connection_ && !checkpointer_.failed()) leave_tidy();
}

// All in the tables and in one file, for whoever looks with another program. A failure costs nothing: the logs are read at
// the next start.
void SqliteWriter::leave_tidy() {
  if (!connection_->step("BEGIN IMMEDIATE")) return;
  const auto emptied = empty_change_log(*connection_, std::nullopt);
  if (!emptied || !connection_->step("COMMIT")) return;
  if (connection_->empty_log()) connection_->remove_log_on_close();
}

void SqliteWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  checkpointer_.stop();
}

Result<void> SqliteWriter::submit(std::unique_ptr<SqliteWriteJob>& job) {
  const auto bytes = job->queued_bytes();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(Fault::unavailable, "the database is closing");
    if (bytes) {
      if (appends_queued_ >= options_.append_queue_max ||
          append_bytes_queued_ + *bytes > options_.append_queue_bytes_max)
        return fail(Fault::overloaded, "the journal's append queue is full");
      ++appends_queued_;
      append_bytes_queued_ += *bytes;
    }
    const bool first = queue_.empty() && !waiting_;
    job->taken(early_);
    if (job->waits_for_more()) {
      if (!waiting_ || !waiting_->absorb(*job)) {
        if (waiting_) queue_.push_back(std::move(waiting_));
        waiting_ = std::move(job);
      }
    } else {
      // An append may overtake what does not rest on it; everything else keeps its turn.
      if (!bytes && waiting_) queue_.push_back(std::move(waiting_));
      queue_.push_back(std::move(job));
    }
    // The writer looks again before it sleeps, so only the first job has to wake it.
    if (!first) return {};
  }
  wake_.notify_one();
  return {};
}

Result<void> SqliteWriter::write_and_wait(std::function<Result<void>(SqliteWrites&)> write) {
  expect(std::this_thread::get_id() != thread_.get_id(), "the writer's thread does not wait for itself");
  auto waited = std::make_unique<WaitedJob>(std::move(write));
  auto outcome = waited->outcome();
  std::unique_ptr<SqliteWriteJob> job = std::move(waited);
  if (auto taken = submit(job); !taken) return taken.error();
  return outcome.get();
}

void SqliteWriter::loop() {
  for (;;) {
    auto batch = take_batch();
    if (batch.empty()) return;
    run_batch(batch);
    keep_log_short();
  }
}

SqliteWriter::Batch SqliteWriter::take_batch() {
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || waiting_; });
  }
  Batch batch;
  batch_bytes_ = 0;
  take_more(batch);
  return batch;
}

void SqliteWriter::take_more(Batch& batch) {
  const std::lock_guard lock(mutex_);
  while (!queue_.empty() && batch.size() < batch_jobs_max && batch_bytes_ < batch_bytes_max) {
    if (const auto queued = queue_.front()->queued_bytes()) {
      --appends_queued_;
      append_bytes_queued_ -= *queued;
      batch_bytes_ += *queued;
    }
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  // Behind every record that it may rest on. Passed over once, it has its turn: a queue may never be empty.
  if (queue_.empty() && waiting_) batch.push_back(std::move(waiting_));
  else if (waiting_) queue_.push_back(std::move(waiting_));
}

void SqliteWriter::run_batch(Batch& batch) {
  std::vector<Result<void>> outcomes;
  outcomes.reserve(batch.size());
  auto written = write_batch(batch, outcomes);
  if (written) {
    fold_.committed();
    const auto grown = streams_.committed();
    if (!grown.empty()) committed_(grown);
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->finish(outcomes[i]);
    return;
  }
  // A refusal may rest on what an earlier job of the same transaction wrote, so it is taken back with the rest.
  streams_.rolled_back();
  if (std::any_of(batch.begin(), batch.end(), [](const auto& job) { return job->is_early(); })) early_.lost();
  // A write for which there is no space is only missing; whatever else failed may have been a sync.
  if (connection_ && !connection_->disk_full()) distrust();
  connection_.reset();
  for (auto& job : batch) job->finish(written);
}

Result<void> SqliteWriter::write_batch(Batch& batch, std::vector<Result<void>>& outcomes) {
  if (lost_) return *lost_;
  if (!connection_)
    if (auto opened = distrusted_ ? start_anew() : reopen(); !opened)
      return fail(Fault::unavailable, opened.error().detail);
  if (auto begun = connection_->step("BEGIN IMMEDIATE"); !begun) return begun.error();
  if (auto carried = fold_.carry_some(*connection_); !carried)
    return fail(Fault::unavailable, carried.error().detail);
  SqliteWrites writes{*connection_, streams_, pending_, early_};
  // What came in while the first were written goes along: most of all the commits that rest on them.
  const auto first = batch.size();
  while (outcomes.size() < batch.size()) {
    auto& job = batch[outcomes.size()];
    auto outcome = job->undone_by_savepoint() ? write_alone(*job, writes) : job->write(writes);
    if (!outcome && outcome.error().fault == Fault::unavailable) return outcome.error();
    // A full disk makes SQLite roll everything back, whichever statement it was that noticed.
    if (!connection_->in_transaction()) return fail(Fault::unavailable, "sqlite rolled the transaction back");
    outcomes.push_back(std::move(outcome));
    if (outcomes.size() == first) take_more(batch);
  }
  return connection_->step("COMMIT");
}

Result<void> SqliteWriter::write_alone(SqliteWriteJob& job, SqliteWrites& writes) {
  const auto positions = writes.streams.positions();
  if (auto begun = writes.connection.step("SAVEPOINT job"); !begun)
    return fail(Fault::unavailable, begun.error().detail);
  auto outcome = job.write(writes);
  if (!outcome && outcome.error().fault == Fault::unavailable) return outcome;
  if (!outcome) {
    writes.streams.go_back(positions);
    if (auto undone = writes.connection.step("ROLLBACK TO job"); !undone)
      return fail(Fault::unavailable, undone.error().detail);
  }
  if (auto released = writes.connection.step("RELEASE job"); !released)
    return fail(Fault::unavailable, released.error().detail);
  return outcome;
}

Result<void> SqliteWriter::reopen() {
  auto opened = SqliteConnection::open(file_, options_);
  if (!opened) return opened.error();
  if (auto ready = ensure_schema(**opened); !ready) return ready.error();
  if (auto loaded = streams_.load(**opened); !loaded) {
    if (loaded.error().fault == Fault::malformed) lost_ = fail(Fault::unavailable, loaded.error().detail);
    return loaded.error();
  }
  for (const auto& [key, next] : streams_.positions())
    if (key.first == Stream::inbound) early_.stands_at(key.second, next, streams_.last_time());
  if (auto loaded = fold_.load(**opened); !loaded) return loaded.error();
  connection_ = std::move(*opened);
  return {};
}

Result<void> SqliteWriter::start_anew() {
  connection_.reset();
  readers_.pause();
  auto started = rewrite_log(file_, options_);
  if (started) started = reopen();
  readers_.resume();
  if (!started) return started;
  distrusted_ = false;
  checkpointer_.forget_failure();
  checkpointer_.release();
  return {};
}

void SqliteWriter::keep_log_short() {
  if (!connection_) return;
  const auto pages = connection_->log_pages();
  const auto copied = checkpointer_.copied();
  if (copied) copied_pages_ = *copied;
  if (pages < copied_pages_) copied_pages_ = 0;  // The log was begun anew.
  bool failed = checkpointer_.failed();
  const bool too_long = pages * page_bytes >= options_.log_bytes_max;
  // The checkpointer copies while commits go on, so it never sees the end of a log that grows. The short rest is copied
  // here, between two commits, when it must be: only a wholly copied log is begun anew instead of growing for ever.
  if (!failed && copied && too_long)
    failed = !connection_->checkpoint();
  else if (!failed && (too_long || (pages - copied_pages_) * page_bytes >= options_.checkpoint_bytes))
    checkpointer_.request();
  if (!failed) return;
  distrust();
  connection_.reset();
}

// While the writer's connection is still open, the log's index keeps the checkpointer from seeing a refused commit.
void SqliteWriter::distrust() {
  distrusted_ = true;
  checkpointer_.hold();
}

}  // namespace usher::state
