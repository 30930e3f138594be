// See continued_journal.hpp.
#include "routing/journal/continued_journal.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "routing/message/limits.hpp"

namespace usher::journal {
namespace {

constexpr const char* note_type = "usher.control.incarnation.v1";
constexpr std::size_t notes_at_once = 1024;

std::string text_of(const Incarnation& incarnation) {
  return "{\"number\":" + std::to_string(incarnation.number) + ",\"after\":" + std::to_string(incarnation.after) +
         ",\"mark\":\"" + Id128<void>{incarnation.mark.high, incarnation.mark.low}.text() +
         "\",\"begins\":" + std::to_string(incarnation.begins) + "}";
}

// Ours alone, so a strict look is enough: what would not be written so is none.
std::optional<Incarnation> read_note(const std::string& text) {
  long long number = 0, after = 0, begins = 0;
  char mark[33] = {};
  if (std::sscanf(text.c_str(), R"({"number":%18lld,"after":%18lld,"mark":"%32[0-9a-f]","begins":%18lld})", &number, &after,
                  mark, &begins) != 4)
    return std::nullopt;
  const auto hash = Id128<void>::parse(mark);
  if (!hash) return std::nullopt;
  const Incarnation incarnation{number, after, {hash->high, hash->low}, begins};
  const bool sound = number > 0 && number <= limits::incarnations_max && begins >= 0;
  return sound && text_of(incarnation) == text ? std::optional(incarnation) : std::nullopt;
}

}  // namespace

Offset incarnation_of(Offset offset) { return offset < 0 ? 0 : offset / limits::incarnation_records_max; }
Offset offset_in_log(Offset offset) { return offset < 0 ? offset : offset % limits::incarnation_records_max; }
Offset first_offset(const Incarnation& incarnation) {
  return incarnation.number * limits::incarnation_records_max + incarnation.begins;
}

Entry incarnation_note(const Incarnation& incarnation, std::string by) { return {std::move(by), note_type, text_of(incarnation)}; }

Result<Incarnation> read_incarnation(Journal& log, Partition partition) {
  const auto bounds = log.bounds(Stream::control, partition);
  if (!bounds) return bounds.error();
  Incarnation newest;
  for (auto from = bounds->first; from < bounds->end;) {
    const auto records = log.read(Stream::control, partition, from, notes_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) {
      const auto noted = record.entry.type == note_type ? read_note(record.entry.value) : std::nullopt;
      // A router of before may have repeated an older one a moment too late.
      if (noted && noted->number >= newest.number) newest = *noted;
    }
    from = records->back().offset + 1;
  }
  return newest;
}

ContinuedJournal::ContinuedJournal(Journal& log, Partition partition, const Incarnation& incarnation)
    : log_(log), partition_(partition), incarnation_(incarnation), base_(incarnation.number * limits::incarnation_records_max) {
  expect(incarnation.number >= 0 && incarnation.number <= limits::incarnations_max, "incarnations are counted");
  expect(base_ == 0 || incarnation.after < base_ + incarnation.begins, "an incarnation begins behind the one before");
}

Result<std::unique_ptr<ContinuedJournal>> ContinuedJournal::open(Journal& log, Partition partition) {
  const auto noted = read_incarnation(log, partition);
  if (!noted) return noted.error();
  return std::make_unique<ContinuedJournal>(log, partition, *noted);
}

void ContinuedJournal::append(Stream stream, Partition partition, Entry entry, AppendDone done) {
  if (!shifted(stream, partition)) return log_.append(stream, partition, std::move(entry), std::move(done));
  log_.append(stream, partition, std::move(entry), [base = base_, done = std::move(done)](Result<Appended> appended) {
    if (appended) appended->offset += base;
    done(std::move(appended));
  });
}

Result<std::vector<Stored>> ContinuedJournal::read(Stream stream, Partition partition, Offset from, std::size_t records_max) {
  if (!shifted(stream, partition)) return log_.read(stream, partition, from, records_max);
  if (from <= incarnation_.after)
    return fail(Fault::not_found, "offset " + std::to_string(from) + " was in a log of before; this one is incarnation " +
                                      std::to_string(incarnation_.number) + " and goes on after " +
                                      std::to_string(incarnation_.after));
  auto records = log_.read(stream, partition, std::max(from - base_, incarnation_.begins), records_max);
  if (!records) return records;
  for (auto& record : *records) {
    expect(record.offset < limits::incarnation_records_max, "a log ends before the next incarnation's offsets");
    record.offset += base_;
  }
  return records;
}

Result<Bounds> ContinuedJournal::bounds(Stream stream, Partition partition) {
  auto bounds = log_.bounds(stream, partition);
  if (!bounds || !shifted(stream, partition)) return bounds;
  // As long as its first record is there, the log goes on from where the one before ended.
  bounds->first = bounds->first <= incarnation_.begins ? incarnation_.after + 1 : bounds->first + base_;
  bounds->end += base_;
  return bounds;
}

Incarnation ContinuedJournal::incarnation(Partition partition) const {
  return partition == partition_ ? incarnation_ : log_.incarnation(partition);
}

void ContinuedJournal::on_append(Stream stream, Partition partition, std::function<void()> wake) {
  log_.on_append(stream, partition, std::move(wake));
}

void ContinuedJournal::save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) {
  log_.save_cursor(consumer, stream, partition, shifted(stream, partition) ? std::max(next - base_, Offset{0}) : next);
}

Result<std::optional<Offset>> ContinuedJournal::cursor(const std::string& consumer, Stream stream, Partition partition) {
  auto saved = log_.cursor(consumer, stream, partition);
  if (saved && *saved && shifted(stream, partition)) **saved += base_;
  return saved;
}

Result<std::optional<Offset>> ContinuedJournal::durable_cursor(const std::string& consumer, Stream stream, Partition partition) {
  auto saved = log_.durable_cursor(consumer, stream, partition);
  if (saved && *saved && shifted(stream, partition)) **saved += base_;
  return saved;
}

}  // namespace usher::journal
