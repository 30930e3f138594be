// Trace: what an embedded Usher wrote, transaction by transaction: the rows a raw SQLite must write to have done the same.
// Recording wraps both ports; all of it runs on the database's writer thread, which finishes a transaction's jobs in order.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "routing/state/state_store.hpp"

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
  void save_cursor(const std::string& consumer, journal::Stream stream, Partition partition, Offset next) override;
  Result<std::optional<Offset>> cursor(const std::string& consumer, journal::Stream stream, Partition partition) override;

  // Writer's thread: the transaction whose jobs are being finished.
  [[nodiscard]] Transaction& current();

 private:
  journal::Journal& inner_;
  Trace& trace_;
  std::shared_ptr<std::atomic<bool>> fresh_;  // A transaction was committed and none of its jobs is finished yet.
};

class RecordingStore final : public state::StateStore {
 public:
  RecordingStore(state::StateStore& inner, RecordingJournal& journal) : inner_(inner), journal_(journal) {}
  Result<void> initialise(Partition partition) override { return inner_.initialise(partition); }
  Result<std::optional<state::Meta>> load_meta(Partition partition) override { return inner_.load_meta(partition); }
  Result<state::Loaded> load(Partition partition) override { return inner_.load(partition); }
  void commit(state::Commit commit, state::CommitDone done) override;
  void rewrite(state::Rewrite rewrite, state::CommitDone done) override { inner_.rewrite(std::move(rewrite), std::move(done)); }
  Result<state::TextsPage> texts_held(Partition partition, const std::string& from, std::size_t limit) override {
    return inner_.texts_held(partition, from, limit);
  }
  Result<int> count_attempt(Partition partition, Offset at) override { return inner_.count_attempt(partition, at); }
  Result<std::vector<state::Body>> bodies(Partition partition, ConversationId conversation, std::uint32_t before,
                                          std::size_t limit) override {
    return inner_.bodies(partition, conversation, before, limit);
  }
  Result<std::optional<state::Body>> body(Partition partition, MessageId id) override { return inner_.body(partition, id); }
  Result<std::optional<std::string>> entity(Partition partition, const std::string& table, const std::string& key) override {
    return inner_.entity(partition, table, key);
  }

 private:
  state::StateStore& inner_;
  RecordingJournal& journal_;
};

}  // namespace usher::bench
