// What the embedded journal forgets, and what it must not.
#include "daemon/journal_retention.hpp"

#include <catch2/catch.hpp>
#include <future>

#include "connectors/egress.hpp"
#include "routing/message/limits.hpp"
#include "routing/state/sqlite_database.hpp"
#include "tests/daemon/scratch_folder.hpp"
#include "tests/journal/fake_clock.hpp"
#include "tests/message/show_result.hpp"

using namespace usher;
using namespace usher::daemon;
using journal::Stream;

namespace {

constexpr std::int64_t day = 86'400'000;
constexpr auto two_weeks = Milliseconds(14 * day);

// A database that grows by a record of each stream a day.
struct Archive {
  ScratchFolder folder;
  testing::FakeClock clock;
  std::unique_ptr<state::SqliteDatabase> database = std::move(state::SqliteDatabase::open(folder.path(), clock).value());
  state::Position position;

  Archive() { REQUIRE(database->store().initialise(0)); }

  void append(Stream stream, const std::string& value = "{}") const {
    std::promise<bool> told;
    database->journal().append(stream, 0, {"id", "type", value},
                               [&](const Result<journal::Appended>& done) { told.set_value(done.has_value()); });
    REQUIRE(told.get_future().get());
  }
  void days(int count) {
    for (int i = 0; i < count; ++i) {
      for (const auto stream : {Stream::inbound, Stream::outbound, Stream::events, Stream::dead_letters, Stream::control})
        append(stream);
      clock.pass(day);
    }
  }
  // The state has consumed up to there.
  void stand_at(Offset offset, std::vector<state::Body> bodies = {}) {
    state::Commit commit;
    commit.before = position;
    position.offset = offset;
    commit.after.position = position;
    commit.bodies = std::move(bodies);
    std::promise<bool> told;
    database->store().commit(std::move(commit), [&](const Result<state::CommitReceipt>& done) { told.set_value(done.has_value()); });
    REQUIRE(told.get_future().get());
  }
  void egress_at(Offset offset) const { database->journal().save_cursor(connectors::egress_consumer, Stream::outbound, 0, offset); }

  [[nodiscard]] RetentionPorts ports() const {
    return {database->journal(), database->store(), clock,
            [this](Stream stream, Partition partition, Offset offset) { return database->erase_before(stream, partition, offset); }};
  }
  [[nodiscard]] std::map<Stream, Offset> forget() const {
    const auto gone = forget_old(ports(), 0, two_weeks);
    REQUIRE(gone);
    return *gone;
  }
  [[nodiscard]] Offset first(Stream stream) const { return database->journal().bounds(stream, 0)->first; }
};

}  // namespace

TEST_CASE("what is older than the retention goes and effects stay twice as long", "[retention][rule-X6]") {
  Archive archive;
  archive.days(40);
  archive.stand_at(39);
  archive.egress_at(40);
  const auto gone = archive.forget();
  CHECK(archive.first(Stream::inbound) == 26);
  for (const auto stream : {Stream::outbound, Stream::events, Stream::dead_letters}) CHECK(archive.first(stream) == 12);
  CHECK(archive.first(Stream::control) == 0);
  CHECK(gone == std::map<Stream, Offset>{{Stream::inbound, 26}, {Stream::outbound, 12}, {Stream::events, 12}, {Stream::dead_letters, 12}});
  CHECK(archive.forget().empty());
  archive.clock.pass(day);
  CHECK(archive.forget().at(Stream::inbound) == 1);
}

TEST_CASE("nothing goes that the state has not consumed, however old, nor the record at which it stands", "[retention][rule-X6][rule-J2]") {
  Archive archive;
  archive.days(40);
  archive.egress_at(40);
  CHECK_FALSE(archive.forget().contains(Stream::inbound));  // It stands nowhere yet.
  archive.stand_at(7);
  CHECK(archive.forget().at(Stream::inbound) == 7);
  CHECK(archive.first(Stream::inbound) == 7);
  archive.clock.pass(100 * day);
  CHECK(archive.forget().count(Stream::inbound) == 0);
  CHECK(archive.database->journal().read(Stream::inbound, 0, 7, 1)->front().offset == 7);
}

TEST_CASE("no reply goes that egress has not reported", "[retention][rule-X6]") {
  Archive archive;
  archive.days(40);
  archive.stand_at(39);
  CHECK_FALSE(archive.forget().contains(Stream::outbound));  // Nobody knows where it stands.
  archive.egress_at(5);
  archive.clock.pass(100 * day);
  CHECK(archive.forget().at(Stream::outbound) == 5);
  CHECK(archive.first(Stream::outbound) == 5);
}

TEST_CASE("a text that the state still needs outlives its record, also after a restart", "[retention][rule-X6]") {
  Archive archive;
  const std::string text = R"({"text":"Where is it?"})";
  archive.append(Stream::inbound, text);
  archive.days(40);
  const ConversationId conversation{1, 2};
  const MessageId message{3, 4};
  archive.stand_at(40, {state::Body{conversation, 1, message, text, 0}});
  CHECK(archive.forget().at(Stream::inbound) > 20);
  for (int life = 0; life < 2; ++life) {
    const auto body = archive.database->store().body(0, message);
    REQUIRE(body);
    REQUIRE(body->has_value());
    CHECK((*body)->json == text);
    archive.database.reset();
    archive.database = std::move(state::SqliteDatabase::open(archive.folder.path(), archive.clock).value());
  }
}

TEST_CASE("a long past goes in steps, and a stop between two of them leaves the rest", "[retention]") {
  Archive archive;
  for (int i = 0; i < 12'000; ++i)
    archive.database->journal().append(Stream::inbound, 0, {"id", "type", "{}"}, [](const Result<journal::Appended>&) {});
  archive.append(Stream::inbound);
  archive.stand_at(12'000);
  archive.clock.pass(30 * day);
  int asked = 0;
  auto ports = archive.ports();
  ports.at_once = 5'000;
  const auto some = forget_old(ports, 0, two_weeks, [&asked] { return ++asked > 1; });
  REQUIRE(some);
  CHECK(archive.first(Stream::inbound) > 0);
  CHECK(archive.first(Stream::inbound) < 12'000);
  CHECK(archive.forget().contains(Stream::inbound));
  CHECK(archive.first(Stream::inbound) == 12'000);
}

TEST_CASE("a new retention is looked at once, and the end waits for nobody", "[retention]") {
  Archive archive;
  archive.days(40);
  archive.stand_at(39);
  JournalRetention retention(archive.ports(), 0, Milliseconds(1000 * day));
  retention.use(two_weeks);
  while (archive.first(Stream::inbound) == 0) std::this_thread::yield();
  CHECK(archive.first(Stream::inbound) > 0);
}
