// MemoryJournal: records in a deque by stream and partition; what happens later is a queue of events.
#include "routing/journal/memory_journal.hpp"

#include <algorithm>
#include <tuple>

namespace usher::journal {

MemoryJournal::MemoryJournal(const Clock& clock, Delivering delivering, std::size_t append_queue_max)
    : delivering_(delivering), append_queue_max_(append_queue_max), time_(clock) {}

void MemoryJournal::append(Stream stream, Partition partition, Entry entry, AppendDone done) {
  if (auto refused = refuse_oversize(entry)) return done(*refused);
  const Key key{stream, partition};
  bool full = false;
  std::optional<Appended> given;
  {
    const std::lock_guard lock(mutex_);
    const auto bytes = append_bytes_waiting_ + entry.value.size();
    full = appends_waiting_ >= append_queue_max_ || bytes > limits::append_queue_bytes_max;
    if (!full) {
      ++appends_waiting_;
      append_bytes_waiting_ = bytes;
      given = hand_in(key, entry);
    }
  }
  if (full) return done(fail(Fault::overloaded, "the journal's append queue is full"));
  // A std::function is copied, so the entry is shared by its copies.
  auto kept = std::make_shared<Entry>(std::move(entry));
  schedule([this, key, kept, given, call = std::move(done)] { store(key, std::move(*kept), call, given); });
}

std::optional<Appended> MemoryJournal::hand_in(Key key, const Entry& entry) {
  if (!gives_early_ || key.first != Stream::inbound) return std::nullopt;
  auto& log = logs_[key];
  const Appended given{std::max(log.given, log.end), time_.next()};
  log.given = given.offset + 1;
  log.early.push_back({given.offset, given.appended_at, entry});
  return given;
}

// What was handed in and is not lost itself is read once it is stored.
void MemoryJournal::lose_early() {
  for (auto& [key, log] : logs_) {
    log.early.clear();
    log.early_from = log.given;
  }
  ++early_losses_;
}

Result<std::vector<Stored>> MemoryJournal::read_early(Partition partition, Offset from, std::size_t records_max) {
  auto records = read(Stream::inbound, partition, from, records_max);
  if (!records) return records;
  const std::lock_guard lock(mutex_);
  const auto& log = logs_[{Stream::inbound, partition}];
  const auto next = records->empty() ? from : records->back().offset + 1;
  if (next < log.early_from) return records;
  for (const auto& early : log.early)
    if (early.offset >= next && records->size() < records_max) records->push_back(early);
  return records;
}

std::uint64_t MemoryJournal::early_losses() const {
  const std::lock_guard lock(mutex_);
  return early_losses_;
}

void MemoryJournal::give_early() {
  expect(delivering_ == Delivering::by_hand, "what is stored at once is never early");
  const std::lock_guard lock(mutex_);
  gives_early_ = true;
}

bool MemoryJournal::gives_early() const {
  const std::lock_guard lock(mutex_);
  return gives_early_;
}

void MemoryJournal::store_through(Partition partition, Offset offset) {
  const auto stored = [&] {
    const std::lock_guard lock(mutex_);
    return logs_[{Stream::inbound, partition}].end > offset;
  };
  while (!stored() && deliver_one()) {
  }
}

Result<std::vector<Stored>> MemoryJournal::read(Stream stream, Partition partition, Offset from,
                                                std::size_t records_max) {
  const std::lock_guard lock(mutex_);
  if (read_fails()) return fail(Fault::unavailable, "the memory journal was told to fail");
  const auto& log = logs_[{stream, partition}];
  if (from < log.first) return fail(Fault::not_found, "the journal no longer has offset " + std::to_string(from));
  const auto begin = std::lower_bound(log.records.begin(), log.records.end(), from,
                                      [](const Stored& stored, Offset offset) { return stored.offset < offset; });
  const auto left = static_cast<std::size_t>(log.records.end() - begin);
  return std::vector<Stored>(begin, begin + static_cast<std::ptrdiff_t>(std::min(left, records_max)));
}

Result<Bounds> MemoryJournal::bounds(Stream stream, Partition partition) {
  const std::lock_guard lock(mutex_);
  if (read_fails()) return fail(Fault::unavailable, "the memory journal was told to fail");
  const auto& log = logs_[{stream, partition}];
  return Bounds{log.first, log.end};
}

void MemoryJournal::on_append(Stream stream, Partition partition, std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  logs_[{stream, partition}].wakes.push_back(std::move(wake));
}

void MemoryJournal::save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) {
  const CursorKey key{consumer, stream, partition};
  {
    const std::lock_guard lock(mutex_);
    cursors_[key] = next;
  }
  schedule([this, key, next] {
    const std::lock_guard lock(mutex_);
    cursors_durable_[key] = next;
  });
}

Result<std::optional<Offset>> MemoryJournal::cursor(const std::string& consumer, Stream stream, Partition partition) {
  return find(cursors_, {consumer, stream, partition});
}

Result<std::optional<Offset>> MemoryJournal::durable_cursor(const std::string& consumer, Stream stream, Partition partition) {
  return find(cursors_durable_, {consumer, stream, partition});
}

Result<std::optional<Offset>> MemoryJournal::find(const std::map<CursorKey, Offset>& cursors, const CursorKey& key) {
  const std::lock_guard lock(mutex_);
  if (read_fails()) return fail(Fault::unavailable, "the memory journal was told to fail");
  const auto found = cursors.find(key);
  return found == cursors.end() ? std::nullopt : std::optional(found->second);
}

void MemoryJournal::erase_before(Stream stream, Partition partition, Offset offset) {
  const std::lock_guard lock(mutex_);
  auto& log = logs_[{stream, partition}];
  while (!log.records.empty() && log.records.front().offset < offset) log.records.pop_front();
  log.first = log.records.empty() ? std::max(log.first, std::min(offset, log.end)) : log.records.front().offset;
}

void MemoryJournal::cut(Stream stream, Partition partition, Offset offset) {
  const std::lock_guard lock(mutex_);
  auto& log = logs_[{stream, partition}];
  while (!log.records.empty() && log.records.back().offset >= offset) log.records.pop_back();
  log.end = std::min(log.end, offset);
}

Appended MemoryJournal::publish(Stream stream, Partition partition, Entry entry) {
  const std::lock_guard lock(mutex_);
  return push(logs_[{stream, partition}], std::move(entry));
}

void MemoryJournal::wake(Stream stream, Partition partition) {
  std::vector<std::function<void()>> wakes;
  {
    const std::lock_guard lock(mutex_);
    wakes = logs_[{stream, partition}].wakes;
  }
  for (auto& each : wakes) schedule(std::move(each));
}

bool MemoryJournal::deliver_one() {
  std::function<void()> event;
  {
    const std::lock_guard lock(mutex_);
    if (events_.empty()) return false;
    event = std::move(events_.front());
    events_.pop_front();
  }
  event();
  return true;
}

std::size_t MemoryJournal::deliver_all() {
  std::size_t count = 0;
  while (deliver_one()) ++count;
  return count;
}

std::size_t MemoryJournal::undelivered() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

void MemoryJournal::fail_next_appends(int count, Applied applied) {
  const std::lock_guard lock(mutex_);
  append_failures_ = count;
  failure_applied_ = applied;
}

void MemoryJournal::fail_next_reads(int count) {
  const std::lock_guard lock(mutex_);
  read_failures_ = count;
}

void MemoryJournal::crash() {
  // Events own callers' callbacks, whose destructors may come back here: they are destroyed after the lock is.
  std::deque<std::function<void()>> events;
  std::vector<std::function<void()>> wakes;
  const std::lock_guard lock(mutex_);
  events.swap(events_);
  for (auto& [key, log] : logs_) {
    for (auto& wake : log.wakes) wakes.push_back(std::move(wake));
    log.wakes.clear();
    log.early.clear();
    log.given = log.early_from = log.end;  // The next process gives them again.
  }
  appends_waiting_ = 0;
  append_bytes_waiting_ = 0;
  cursors_ = cursors_durable_;
}

void MemoryJournal::schedule(std::function<void()> event) {
  if (delivering_ == Delivering::at_once) return event();
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

void MemoryJournal::store(Key key, Entry entry, const AppendDone& done, const std::optional<Appended>& given) {
  std::optional<Appended> appended;
  bool failing = false;
  {
    const std::lock_guard lock(mutex_);
    --appends_waiting_;
    append_bytes_waiting_ -= entry.value.size();
    failing = append_failures_ > 0;
    if (failing) --append_failures_;
    auto& log = logs_[key];
    if (!log.early.empty() && given && log.early.front().offset == given->offset) log.early.pop_front();
    if (!failing || failure_applied_ == Applied::yes) appended = push(log, std::move(entry), given);
    if (failing && given) lose_early();
  }
  if (appended) wake(key.first, key.second);
  auto outcome = failing ? Result<Appended>(fail(Fault::unavailable, "the memory journal was told to fail"))
                         : Result<Appended>(*appended);
  schedule([done, outcome = std::move(outcome)] { done(outcome); });
}

Appended MemoryJournal::push(Log& log, Entry entry, const std::optional<Appended>& given) {
  const auto appended = given ? *given : Appended{log.end, time_.next()};
  expect(appended.offset >= log.end, "offsets grow");
  log.records.push_back(Stored{appended.offset, appended.appended_at, std::move(entry)});
  log.end = appended.offset + 1;
  return appended;
}

bool MemoryJournal::read_fails() {
  if (read_failures_ == 0) return false;
  --read_failures_;
  return true;
}

}  // namespace usher::journal
