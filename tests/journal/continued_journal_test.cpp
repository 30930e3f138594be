// A log that goes on as the next incarnation of its partition: offsets above those of before, and no way back.
#include <catch2/catch.hpp>

#include "routing/journal/continued_journal.hpp"
#include "routing/journal/memory_journal.hpp"
#include "routing/message/limits.hpp"
#include "tests/journal/fake_clock.hpp"

using namespace usher;
using namespace usher::journal;
using usher::message::limits::incarnation_records_max;

namespace {

const Incarnation second{2, incarnation_records_max + 41, {7, 9}, 3};

struct Log {
  testing::FakeClock clock;
  MemoryJournal inner{clock};
  ContinuedJournal journal{inner, 0, second};

  explicit Log(int records) {
    for (int i = 0; i < records; ++i) append(inner, Stream::inbound, std::to_string(i));
  }
  static Offset append(Journal& to, Stream stream, std::string value) {
    Offset given = offset_none;
    to.append(stream, 0, {"id", "type", std::move(value)}, [&](const auto& done) { given = done.value().offset; });
    return given;
  }
};

}  // namespace

TEST_CASE("J2: a continued log is read on from where the one before ended", "[journal][rule-J2]") {
  Log log(5);
  const auto first = 2 * incarnation_records_max + 3;
  CHECK(log.journal.bounds(Stream::inbound, 0)->first == second.after + 1);
  CHECK(log.journal.bounds(Stream::inbound, 0)->end == first + 2);
  for (const auto from : {second.after + 1, 2 * incarnation_records_max, first}) {
    const auto records = log.journal.read(Stream::inbound, 0, from, 10).value();
    REQUIRE(records.size() == 2);
    CHECK(records[0].offset == first);
    CHECK(records[0].entry.value == "3");
  }
  CHECK(log.journal.read(Stream::inbound, 0, second.after, 10).error().fault == Fault::not_found);
  CHECK(log.journal.read(Stream::inbound, 0, first + 2, 10)->empty());
  CHECK(Log::append(log.journal, Stream::inbound, "5") == first + 2);
}

TEST_CASE("J2: a continued log whose first records were lost to retention is not read on over the gap", "[journal][rule-J2]") {
  Log log(6);
  log.inner.erase_before(Stream::inbound, 0, 5);
  CHECK(log.journal.bounds(Stream::inbound, 0)->first == 2 * incarnation_records_max + 5);
  CHECK(log.journal.read(Stream::inbound, 0, second.after + 1, 10).error().fault == Fault::not_found);
}

TEST_CASE("J2: only the inbound stream of its partition is numbered anew", "[journal][rule-J2]") {
  Log log(5);
  CHECK(Log::append(log.journal, Stream::events, "e") == 0);
  CHECK(log.journal.read(Stream::events, 0, 0, 10)->size() == 1);
  CHECK(log.journal.bounds(Stream::inbound, 1)->end == 0);
  CHECK(log.journal.incarnation(1).number == 0);
  log.journal.save_cursor("reader", Stream::inbound, 0, first_offset(second));
  CHECK(log.journal.cursor("reader", Stream::inbound, 0).value() == first_offset(second));
  CHECK(log.journal.durable_cursor("reader", Stream::inbound, 0).value() == first_offset(second));
  CHECK(log.inner.cursor("reader", Stream::inbound, 0).value() == 3);
}

TEST_CASE("J2: the newest note says which log it is and what is no note is passed over", "[journal][rule-J2]") {
  Log log(0);
  CHECK(read_incarnation(log.inner, 0)->number == 0);
  const auto note = incarnation_note(second, "operator");
  log.inner.append(Stream::control, 0, note, [](const auto&) {});
  CHECK(read_incarnation(log.inner, 0).value() == second);
  // One of before that was repeated too late, and what nobody of ours would write.
  log.inner.append(Stream::control, 0, incarnation_note({1, 40, {1, 2}, 0}, "late"), [](const auto&) {});
  for (const auto* text : {"", "{}", R"({"number":3})", R"({"number":9001,"after":1,"mark":"00000000000000000000000000000001","begins":0})",
                           R"({"number":-3,"after":1,"mark":"00000000000000000000000000000001","begins":0})"})
    log.inner.append(Stream::control, 0, {"stray", note.type, text}, [](const auto&) {});
  log.inner.append(Stream::control, 0, {note.id, note.type, note.value + " "}, [](const auto&) {});
  CHECK(read_incarnation(log.inner, 0).value() == second);
  CHECK(ContinuedJournal::open(log.inner, 0).value()->incarnation(0) == second);
}
