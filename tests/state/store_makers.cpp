// The stores there are: in memory (keeping its outbox, publishing it, by hand) and SQLite.
#include "routing/state/memory_store.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/journal/temporary_folder.hpp"
#include "tests/state/store_contract.hpp"

namespace usher::testing {

namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  MemoryUnderTest(state::Delivering delivering, bool publishes)
      : journal_(clock(), delivering), store_(delivering, publishes ? &journal_ : nullptr) {}

  state::StateStore& store() override { return store_; }
  journal::Journal& journal() override { return journal_; }
  void reopen() override {
    store_.crash();
    journal_.crash();
  }
  bool change_text(message::MessageId id) override { return store_.damage_text(0, id); }
  void settle() override {
    store_.deliver_all();
    journal_.deliver_all();
  }

 private:
  journal::MemoryJournal journal_;
  state::MemoryStore store_;
};

class SqliteUnderTest final : public StoreUnderTest {
 public:
  SqliteUnderTest() { open(); }

  state::StateStore& store() override { return database_->store(); }
  journal::Journal& journal() override { return database_->journal(); }
  void reopen() override {
    database_.reset();
    open();
  }

 private:
  void open() {
    auto opened = state::SqliteDatabase::open(folder_.path(), clock());
    message::expect(opened.has_value(), "the database opens");
    database_ = std::move(*opened);
  }

  TemporaryFolder folder_;
  std::unique_ptr<state::SqliteDatabase> database_;
};

}  // namespace

std::vector<StoreMaker> store_makers() {
  using state::Delivering;
  return {
      {"memory, keeping its outbox", [] { return std::make_unique<MemoryUnderTest>(Delivering::at_once, false); }},
      {"memory, publishing its outbox", [] { return std::make_unique<MemoryUnderTest>(Delivering::at_once, true); }},
      {"memory, by hand, keeping", [] { return std::make_unique<MemoryUnderTest>(Delivering::by_hand, false); }},
      {"memory, by hand, publishing", [] { return std::make_unique<MemoryUnderTest>(Delivering::by_hand, true); }},
      {"sqlite", [] { return std::make_unique<SqliteUnderTest>(); }}};
}

}  // namespace usher::testing
