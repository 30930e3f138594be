// See trace.hpp.
#include "tests/bench/trace.hpp"

#include <algorithm>

#include "routing/state/change_set.hpp"

namespace usher::bench {

using journal::Stream;

Trace Trace::merged() const {
  Trace out;
  Transaction open;
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    if (i == measured_from) out.measured_from = out.transactions.size();
    const auto& one = transactions[i];
    open.appends.insert(open.appends.end(), one.appends.begin(), one.appends.end());
    for (const auto& commit : one.commits) {
      open.commits.push_back(commit);
      out.transactions.push_back(std::move(open));
      open = {};
    }
  }
  return out;
}

void Trace::fold_commits() {
  for (auto& transaction : transactions) {
    if (transaction.commits.size() < 2) continue;
    auto whole = std::make_shared<state::Commit>();
    state::ChangeSet changes;
    for (const auto& commit : transaction.commits) {
      changes.add(commit->changes);
      whole->bodies.insert(whole->bodies.end(), commit->bodies.begin(), commit->bodies.end());
      whole->outbox.insert(whole->outbox.end(), commit->outbox.begin(), commit->outbox.end());
      whole->after = commit->after;
    }
    whole->changes = changes.take();
    transaction.commits = {std::move(whole)};
  }
}

double Trace::messages_per_transaction() const {
  std::size_t messages = 0;
  for (std::size_t i = measured_from; i < transactions.size(); ++i) messages += transactions[i].appends.size();
  return static_cast<double>(messages) / static_cast<double>(std::max<std::size_t>(1, transactions.size() - measured_from));
}

RecordingJournal::RecordingJournal(journal::Journal& inner, Trace& trace)
    : inner_(inner), trace_(trace), fresh_(std::make_shared<std::atomic<bool>>(true)) {
  // Whatever a transaction of this benchmark does, one of these grows with it, and is told before any job is finished.
  for (const auto stream : {Stream::inbound, Stream::events})
    inner_.on_append(stream, 0, [fresh = fresh_] { *fresh = true; });
}

Transaction& RecordingJournal::current() {
  if (fresh_->exchange(false)) trace_.transactions.emplace_back();
  return trace_.transactions.back();
}

void RecordingJournal::append(Stream stream, Partition partition, journal::Entry entry, journal::AppendDone done) {
  if (stream != Stream::inbound) return inner_.append(stream, partition, std::move(entry), std::move(done));
  auto copy = std::make_shared<journal::Entry>(entry);
  inner_.append(stream, partition, std::move(entry), [this, copy, done = std::move(done)](Result<journal::Appended> appended) {
    if (appended) current().appends.push_back({appended->offset, appended->appended_at, std::move(*copy)});
    done(std::move(appended));
  });
}

Result<std::vector<journal::Stored>> RecordingJournal::read(Stream stream, Partition partition, Offset from,
                                                            std::size_t records_max) {
  return inner_.read(stream, partition, from, records_max);
}

Result<journal::Bounds> RecordingJournal::bounds(Stream stream, Partition partition) { return inner_.bounds(stream, partition); }

void RecordingJournal::on_append(Stream stream, Partition partition, std::function<void()> wake) {
  inner_.on_append(stream, partition, std::move(wake));
}

Result<std::vector<journal::Stored>> RecordingJournal::read_early(Partition partition, Offset from, std::size_t records_max) {
  return inner_.read_early(partition, from, records_max);
}

void RecordingJournal::save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) {
  inner_.save_cursor(consumer, stream, partition, next);
}

Result<std::optional<Offset>> RecordingJournal::cursor(const std::string& consumer, Stream stream, Partition partition) {
  return inner_.cursor(consumer, stream, partition);
}

Result<std::optional<Offset>> RecordingJournal::durable_cursor(const std::string& consumer, Stream stream, Partition partition) {
  return inner_.durable_cursor(consumer, stream, partition);
}

void RecordingStore::commit(state::Commit commit, state::CommitDone done) {
  auto copy = std::make_shared<const state::Commit>(commit);
  behind_.commit(std::move(commit), [this, copy, done = std::move(done)](Result<state::CommitReceipt> receipt) {
    if (receipt) journal_.current().commits.push_back(copy);
    done(std::move(receipt));
  });
}

}  // namespace usher::bench
