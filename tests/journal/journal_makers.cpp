// The journals there are: in memory (at once and by hand) and SQLite.
#include "routing/journal/memory_journal.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/journal/journal_contract.hpp"
#include "tests/journal/temporary_folder.hpp"

namespace usher::testing {

namespace {

class MemoryUnderTest final : public JournalUnderTest {
 public:
  explicit MemoryUnderTest(journal::Delivering delivering) : journal_(clock(), delivering, append_queue_max) {}

  journal::Journal& journal() override { return journal_; }
  void reopen() override { journal_.crash(); }
  void erase_before(journal::Stream stream, message::Partition partition, message::Offset offset) override {
    journal_.erase_before(stream, partition, offset);
  }
  void hold() override { held_ = true; }
  void release() override {
    held_ = false;
    settle();
  }
  void settle() override {
    if (!held_) journal_.deliver_all();
  }

 private:
  journal::MemoryJournal journal_;
  bool held_ = false;
};

class SqliteUnderTest final : public JournalUnderTest {
 public:
  SqliteUnderTest() { open(); }

  journal::Journal& journal() override { return database_->journal(); }
  void reopen() override {
    database_.reset();
    open();
  }
  void erase_before(journal::Stream stream, message::Partition partition, message::Offset offset) override {
    message::expect(database_->erase_before(stream, partition, offset).has_value(), "records can be erased");
  }
  // `done` runs on the writer's thread, so one that waits holds everything behind it.
  void hold() override {
    std::promise<void> holding;
    release_ = std::promise<void>();
    journal().append(journal::Stream::control, 9, {"", "", ""},
                     [&holding, released = release_.get_future().share()](const auto&) {
                       holding.set_value();
                       released.wait();
                     });
    holding.get_future().wait();
  }
  void release() override { release_.set_value(); }

 private:
  void open() {
    state::SqliteOptions options;
    options.append_queue_max = append_queue_max;
    auto opened = state::SqliteDatabase::open(folder_.path(), clock(), options);
    message::expect(opened.has_value(), "the database opens");
    database_ = std::move(*opened);
  }

  TemporaryFolder folder_;
  std::promise<void> release_;
  std::unique_ptr<state::SqliteDatabase> database_;
};

}  // namespace

std::vector<JournalMaker> journal_makers() {
  using journal::Delivering;
  return {{"memory, at once", false, [] { return std::make_unique<MemoryUnderTest>(Delivering::at_once); }},
          {"memory, by hand", true, [] { return std::make_unique<MemoryUnderTest>(Delivering::by_hand); }},
          {"sqlite", true, [] { return std::make_unique<SqliteUnderTest>(); }}};
}

}  // namespace usher::testing
