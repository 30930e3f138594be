// See journal_retention.hpp. Append times never decrease, so the oldest record that stays is found by halving.
#include "daemon/journal_retention.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "connectors/egress.hpp"
#include "daemon/logging.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {
namespace {

using journal::Stream;

// The first record of [first, end) that came at `cutoff` or later; `end` when there is none.
Result<Offset> first_young(const RetentionPorts& ports, Stream stream, Partition partition, Offset first, Offset end,
                           Instant cutoff) {
  while (first < end) {
    const auto middle = first + (end - first) / 2;
    const auto found = ports.journal.read(stream, partition, middle, 1);
    if (!found) return found.error();
    if (found->empty() || found->front().offset >= end || found->front().appended_at >= cutoff) end = middle;
    else first = found->front().offset + 1;
  }
  return end;
}

// Where the one who reads this stream stands: nothing from there on may go. None: nobody knows, so nothing may.
Result<std::optional<Offset>> still_needed(const RetentionPorts& ports, Stream stream, Partition partition, Offset end) {
  if (stream == Stream::inbound) {
    const auto meta = ports.store.load_meta(partition);
    if (!meta) return meta.error();
    // The record itself is compared with its fingerprint at each start (rule J2).
    if (!*meta || (*meta)->position.offset == offset_none) return std::optional<Offset>();
    return std::optional((*meta)->position.offset);
  }
  if (stream == Stream::outbound) return ports.journal.cursor(connectors::egress_consumer, stream, partition);
  return std::optional(end);
}

Result<Offset> forget_in(const RetentionPorts& ports, Stream stream, Partition partition, Milliseconds kept_for,
                         const std::function<bool()>& stop) {
  const auto bounds = ports.journal.bounds(stream, partition);
  if (!bounds) return bounds.error();
  const auto needed = still_needed(ports, stream, partition, bounds->end);
  if (!needed) return needed.error();
  if (!*needed) return Offset{0};
  const auto end = std::min(**needed, bounds->end);
  const auto until = first_young(ports, stream, partition, bounds->first, end, ports.clock.wall() - kept_for);
  if (!until) return until.error();
  Offset at = bounds->first;
  while (at < *until && !stop()) {
    at = std::min(*until, at + ports.at_once);
    const auto erased = ports.erase_before(stream, partition, at);
    if (!erased) return erased.error();
  }
  return at - bounds->first;
}

}  // namespace

Result<std::map<Stream, Offset>> forget_old(const RetentionPorts& ports, Partition partition, Milliseconds kept_for,
                                            const std::function<bool()>& stop) {
  const auto longer = kept_for * limits::effects_kept_longer;
  // `control` is not here: a few decisions of operators, which belong to records that may still be read.
  const std::pair<Stream, Milliseconds> streams[] = {
      {Stream::inbound, kept_for}, {Stream::outbound, longer}, {Stream::events, longer}, {Stream::dead_letters, longer}};
  std::map<Stream, Offset> gone;
  for (const auto& [stream, time] : streams) {
    const auto count = forget_in(ports, stream, partition, time, stop);
    if (!count) return count.error();
    if (*count > 0) gone[stream] = *count;
  }
  return gone;
}

struct JournalRetention::Keeper {
  void run() {
    std::unique_lock lock(mutex);
    Milliseconds wait = limits::retention_first_look;
    for (;;) {
      changed.wait_for(lock, wait, [this] { return stop || look_now; });
      if (stop) return;
      look_now = false;
      const auto time = kept_for;
      lock.unlock();
      look(time);
      lock.lock();
      wait = limits::retention_look_every;
    }
  }

  void look(Milliseconds time) {
    const auto gone = forget_old(ports, partition, time, [this] {
      const std::lock_guard lock(mutex);
      return stop;
    });
    if (!gone) return log_warn("retention", "old records stay until the next look: " + gone.error().detail);
    for (const auto& [stream, count] : *gone)
      log_info("retention", "old records erased", {{"stream", journal::stream_name(stream)}, {"records", count}});
  }

  // Constant after construction.
  RetentionPorts ports;
  Partition partition = 0;
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  Milliseconds kept_for{0};
  bool look_now = false;
  bool stop = false;
  std::thread thread{};
};

JournalRetention::JournalRetention(RetentionPorts ports, Partition partition, Milliseconds kept_for)
    : keeper_(new Keeper{std::move(ports), partition, {}, {}, kept_for}) {
  keeper_->thread = std::thread([keeper = keeper_.get()] { keeper->run(); });
}

JournalRetention::~JournalRetention() {
  {
    const std::lock_guard lock(keeper_->mutex);
    keeper_->stop = true;
    keeper_->changed.notify_all();
  }
  keeper_->thread.join();
}

void JournalRetention::use(Milliseconds kept_for) {
  const std::lock_guard lock(keeper_->mutex);
  keeper_->kept_for = kept_for;
  keeper_->look_now = true;
  keeper_->changed.notify_all();
}

}  // namespace usher::daemon
