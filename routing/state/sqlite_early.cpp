// See sqlite_early.hpp.
#include "routing/state/sqlite_early.hpp"

#include <algorithm>

#include "routing/state/sqlite_options.hpp"

namespace usher::state {

using namespace usher::message;
using journal::Appended;
using journal::Stored;

SqliteEarly::SqliteEarly(const Clock& clock, bool ended_badly)
    : clock_(clock), not_before_(ended_badly ? clock.steady() + early_after_crash : Milliseconds::min()), time_(clock) {}

void SqliteEarly::stands_at(Partition partition, Offset next, Instant last) {
  const std::lock_guard lock(mutex_);
  auto& log = logs_[partition];
  time_.not_before(last);
  if (next <= log.next) return;
  log = Log{next, next, {}, 0};
}

Appended SqliteEarly::give(Partition partition, const journal::Entry& entry) {
  const std::lock_guard lock(mutex_);
  auto& log = logs_[partition];
  const Appended given{log.next++, time_.next()};
  log.records.push_back({given.offset, given.appended_at, entry});
  log.bytes += entry.value.size();
  while (log.records.size() > early_records_max || log.bytes > early_bytes_max) {
    log.whole_from = log.records.front().offset + 1;
    log.bytes -= log.records.front().entry.value.size();
    log.records.pop_front();
  }
  return given;
}

std::optional<std::vector<Stored>> SqliteEarly::read(Partition partition, Offset from, std::size_t records_max) {
  if (clock_.steady() < not_before_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  auto& log = logs_[partition];
  if (from < log.whole_from) return std::nullopt;
  std::vector<Stored> records;
  while (!log.records.empty() && records.size() < records_max) {
    auto& oldest = log.records.front();
    log.bytes -= oldest.entry.value.size();
    log.whole_from = oldest.offset + 1;
    if (oldest.offset >= from) records.push_back(std::move(oldest));
    log.records.pop_front();
  }
  return records;
}

void SqliteEarly::lost() {
  const std::lock_guard lock(mutex_);
  for (auto& [partition, log] : logs_) {
    log.records.clear();
    log.bytes = 0;
    log.whole_from = log.next;
  }
  ++losses_;
}

}  // namespace usher::state
