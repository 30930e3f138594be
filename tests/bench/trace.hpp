// Trace: what an embedded Usher wrote, transaction by transaction: the rows a raw SQLite must write to have done the same.
// Recording wraps both ports; all of it runs on the database's writer thread, which finishes a transaction's jobs in order.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "tests/state/forwarding_store.hpp"

namespace usher::bench {

using namespace usher::message;

struct Transaction {
  std::vector<journal::Stored> appends;  // To the inbound stream.
  std::vector<std::shared_ptr<const state::Commit>> commits;
};

struct Trace {
  std::vector<Transaction> transactions;
  std::size_t measured_from = 0;  // What stands before prepared the centre.

  // Each with exactly one commit and the appends since the one before: one message's rows in one transaction, when the
  // messages came one at a time.
  [[nodiscard]] Trace merged() const;
  // The commits of each transaction become one, as the store writes them.
  void fold_commits();
  [[nodiscard]] double messages_per_transaction() const;
};

class RecordingJournal final : public journal::Journal {
 public:
  RecordingJournal(journal::Journal& inner, Trace& trace);
  void append(journal::Stream stream, Partition partition, journal::Entry entry, journal::AppendDone done) override;
  Result<std::vector<journal::Stored>> read(journal::Stream stream, Partition partition, Offset from,
                                            std::size_t records_max) override;
  Result<journal::Bounds> bounds(journal::Stream stream, Partition partition) override;
  void on_append(journal::Stream stream, Partition partition, std::function<void()> wake) override;
  Result<std::vector<journal::Stored>> read_early(Partition partition, Offset from, std::size_t records_max) override;
  std::uint64_t early_losses() const override { return inner_.early_losses(); }
  void on_early(Partition partition, std::function<void()> wake) override { inner_.on_early(partition, std::move(wake)); }
  void save_cursor(const std::string& consumer, journal::Stream stream, Partition partition, Offset next) override;
  Result<std::optional<Offset>> cursor(const std::string& consumer, journal::Stream stream, Partition partition) override;
  Result<std::optional<Offset>> durable_cursor(const std::string& consumer, journal::Stream stream, Partition partition) override;

  // Writer's thread: the transaction whose jobs are being finished.
  [[nodiscard]] Transaction& current();

 private:
  journal::Journal& inner_;
  Trace& trace_;
  std::shared_ptr<std::atomic<bool>> fresh_;  // A transaction was committed and none of its jobs is finished yet.
};

class RecordingStore final : public testing::ForwardingStore {
 public:
  RecordingStore(state::StateStore& behind, RecordingJournal& journal) : behind_(behind), journal_(journal) {}
  void commit(state::Commit commit, state::CommitDone done) override;

 protected:
  state::StateStore& inner() override { return behind_; }

 private:
  state::StateStore& behind_;
  RecordingJournal& journal_;
};

}  // namespace usher::bench
