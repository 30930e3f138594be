// OutboxPublisher alone: how much of the outbox is under way, and what a failure is.
#include <catch2/catch.hpp>
#include <deque>

#include "routing/journal/memory_journal.hpp"
#include "routing/router/outbox_publisher.hpp"

using namespace usher;
using namespace usher::router;

namespace {

// Takes appends, and answers when it is told to.
class SlowJournal final : public journal::Journal {
 public:
  using Stream = journal::Stream;
  template <class T>
  using Result = message::Result<T>;
  using Offset = message::Offset;
  using Partition = message::Partition;

  std::deque<journal::AppendDone> taken;
  std::size_t appends = 0;
  void answer(bool good = true) {
    const auto done = std::move(taken.front());
    taken.pop_front();
    if (good) done(journal::Appended{});
    else done(message::fail(message::Fault::unavailable, "told to fail"));
  }

  void append(Stream, Partition, journal::Entry, journal::AppendDone done) override { ++appends, taken.push_back(std::move(done)); }
  Result<std::vector<journal::Stored>> read(Stream, Partition, Offset, std::size_t) override { return std::vector<journal::Stored>(); }
  Result<journal::Bounds> bounds(Stream, Partition) override { return journal::Bounds{}; }
  void on_append(Stream, Partition, std::function<void()>) override {}
  void save_cursor(const std::string&, Stream, Partition, Offset) override {}
  Result<std::optional<Offset>> cursor(const std::string&, Stream, Partition) override { return std::optional<Offset>(); }
  Result<std::optional<Offset>> durable_cursor(const std::string&, Stream, Partition) override { return std::optional<Offset>(); }
};

// Two effects of each record from offset 0 on.
std::vector<state::OutboxEntry> effects(std::size_t count, std::size_t bytes) {
  std::vector<state::OutboxEntry> made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back({static_cast<message::Offset>(i / 2), static_cast<std::uint32_t>(i % 2), journal::Stream::events, {"id", "t", std::string(bytes, 'v')}});
  return made;
}

struct Publishing {
  SlowJournal journal;
  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  OutboxPublisher publisher{journal, 0, mailbox};
  void answer(std::size_t count, bool good = true) {
    for (std::size_t i = 0; i < count; ++i) journal.answer(good);
    mailbox->open();
    publisher.pump();
  }
};

}  // namespace

TEST_CASE("E3: thousands of small effects are under way at once, and of large ones as many as fit", "[router][E3]") {
  Publishing bench;
  bench.publisher.add(effects(5000, 700));
  bench.publisher.pump();
  CHECK(bench.journal.taken.size() == 4096);
  bench.answer(4);
  CHECK(bench.journal.appends == 4100);
  CHECK(bench.publisher.take_done() == 1);
  bench.answer(1);  // Half of what record 2 caused.
  CHECK_FALSE(bench.publisher.has_done());
  CHECK(bench.publisher.unpublished().size() == 4995);
  while (!bench.journal.taken.empty()) bench.answer(1);
  CHECK(bench.publisher.idle());
  CHECK(bench.publisher.take_done() == 2499);

  Publishing large;
  large.publisher.add(effects(40, 1024 * 1024));
  large.publisher.pump();
  CHECK(large.journal.taken.size() == 15);
  large.answer(2);
  CHECK(large.journal.appends == 17);
}

TEST_CASE("E3: a failure of an earlier life does not count in the next, and what is out is not sent again", "[router][E3]") {
  Publishing bench;
  bench.publisher.add(effects(6, 10));
  bench.publisher.pump();
  bench.answer(1);
  bench.answer(1, false);
  CHECK(bench.publisher.failed());
  bench.publisher.resume(effects(6, 10), [](const auto& entry) { return entry.offset < 1 || entry.index == 1; });
  CHECK_FALSE(bench.publisher.failed());
  bench.answer(4, false);  // Those that were under way.
  CHECK_FALSE(bench.publisher.failed());
  CHECK(bench.journal.appends == 8);
  CHECK(bench.publisher.unpublished().size() == 2);
  bench.answer(2);
  CHECK(bench.publisher.idle());
  CHECK(bench.publisher.take_done() == 2);
}

TEST_CASE("E3: what an earlier life has under way counts until it is answered", "[router][E3]") {
  const bool replies = GENERATE(false, true);
  const std::size_t at_most = replies ? 256 : 4096;
  const auto some = [&] {
    auto made = effects(at_most + 100, 10);
    if (replies)
      for (auto& entry : made) entry.stream = journal::Stream::outbound;
    return made;
  };
  Publishing bench;
  bench.publisher.add(some());
  bench.publisher.pump();
  CHECK(bench.journal.taken.size() == at_most);
  for (int life = 0; life < 3; ++life) {
    bench.publisher.resume(some(), [](const auto&) { return false; });
    bench.publisher.pump();
    CHECK(bench.journal.taken.size() == at_most);
  }
  bench.answer(7, false);
  CHECK(bench.journal.taken.size() == at_most);
  CHECK(bench.journal.appends == at_most + 7);
  while (!bench.journal.taken.empty()) bench.answer(1);
  CHECK_FALSE(bench.publisher.failed());
  CHECK(bench.publisher.idle());
  CHECK(bench.journal.appends == 2 * at_most + 100);
}

TEST_CASE("E3: what an earlier life has under way fills the bytes, and the next life begins when it is answered", "[router][E3]") {
  Publishing bench;
  bench.publisher.add(effects(1, 17 * 1024 * 1024));
  bench.publisher.pump();
  bench.publisher.resume(effects(2, 10), [](const auto&) { return false; });
  bench.publisher.pump();
  CHECK(bench.journal.appends == 1);
  bench.answer(1);
  CHECK(bench.journal.appends == 3);
}

TEST_CASE("E3: of replies no more are under way than egress knows again", "[router][E3]") {
  Publishing bench;
  auto replies = effects(1000, 10);
  for (auto& reply : replies) reply.stream = journal::Stream::outbound;
  bench.publisher.add(std::move(replies));
  bench.publisher.pump();
  CHECK(bench.journal.taken.size() == 256);
  bench.answer(10);
  CHECK(bench.journal.appends == 266);
  while (!bench.journal.taken.empty()) bench.answer(1);
  CHECK(bench.publisher.idle());
}
