// The store and the leases of test_state_redis: the same contracts, over a real server.
#include "routing/journal/memory_journal.hpp"
#include "tests/state/forwarding_store.hpp"
#include "tests/state/leases_contract.hpp"
#include "tests/state/redis_server.hpp"
#include "tests/state/store_contract.hpp"

namespace usher::testing {

namespace {

class RedisUnderTest final : public StoreUnderTest {
 public:
  // Commits from so many bytes on are transactions.
  explicit RedisUnderTest(std::size_t transaction_bytes_min) : transaction_bytes_min_(transaction_bytes_min), journal_(clock()) { open(); }

  state::StateStore& store() override { return *store_; }
  // Redis publishes nothing itself; this one stays empty.
  journal::Journal& journal() override { return journal_; }
  void reopen() override {
    // At the same place: cases keep a reference to the store over this.
    store_->behind.reset();
    open();
  }
  bool change_text(message::MessageId id) override {
    const auto key = "usher:v1:{0}:msg:" + id.text();
    auto text = server_.ask({"GET", key});
    if (text.empty()) return false;
    text.back() = static_cast<char>(text.back() ^ 1);
    return server_.ask({"SET", key, text}) == "OK";
  }

 private:
  // Forwards, so that the object stays while the connections behind it are new.
  class Front final : public ForwardingStore {
   public:
    std::unique_ptr<state::RedisStore> behind;

   protected:
    state::StateStore& inner() override { return *behind; }
  };

  void open() {
    auto options = server_.options();
    options.transaction_bytes_min = transaction_bytes_min_;
    auto opened = state::RedisStore::open(std::move(options));
    message::expect(opened.has_value(), "the store opens");
    if (!store_) store_ = std::make_unique<Front>();
    store_->behind = std::move(*opened);
  }

  const std::size_t transaction_bytes_min_;
  RedisServer server_;
  journal::MemoryJournal journal_;
  std::unique_ptr<Front> store_;
};

class RedisLeasesUnderTest final : public LeasesUnderTest {
 public:
  state::Leases& leases() override { return leases_; }
  state::Leases& elsewhere() override { return elsewhere_; }
  // The server's clock decides, so it is the server that is asked until it says so.
  void pass(message::Milliseconds time) override {
    const auto end = server_microseconds() + 1000 * time.count();
    while (server_microseconds() < end) {
    }
  }

 private:
  std::int64_t server_microseconds() {
    const auto text = server_.ask({"TIME"});
    const auto space = text.find(' ');
    return std::stoll(text.substr(0, space)) * 1'000'000 + std::stoll(text.substr(space + 1));
  }

  RedisServer server_;
  state::RedisLeases leases_{server_.options()};
  // What gateways have: may read everything, and hold leases.
  state::RedisLeases elsewhere_{server_.options("usher-reader")};
};

}  // namespace

std::vector<LeasesMaker> leases_makers() {
  return {{"redis", [] { return std::make_unique<RedisLeasesUnderTest>(); }}};
}

std::vector<StoreMaker> store_makers() {
  return {{"redis", [] { return std::make_unique<RedisUnderTest>(state::redis_limits::transaction_bytes_min); }},
          {"redis by transactions", [] { return std::make_unique<RedisUnderTest>(0); }}};
}

}  // namespace usher::testing
