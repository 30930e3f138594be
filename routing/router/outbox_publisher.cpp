// See outbox_publisher.hpp.
#include "routing/router/outbox_publisher.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routing/message/limits.hpp"
#include "routing/message/plant.hpp"

namespace usher::router {
namespace {

constexpr std::size_t in_flight_max = 256;
constexpr Offset tail_records = 100'000;  // More than can be out and untrimmed: a commit trims what the last one sent.

// The ids of effects in the newest part of a stream.
Result<std::set<std::string>> tail_ids(journal::Journal& journal, journal::Stream stream, Partition partition) {
  const auto bounds = journal.bounds(stream, partition);
  if (!bounds) return bounds.error();
  std::set<std::string> ids;
  for (Offset from = std::max(bounds->first, bounds->end - tail_records); from < bounds->end;) {
    const auto records = journal.read(stream, partition, from, 1024);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) ids.insert(record.entry.id);
    from = records->back().offset + 1;
  }
  return ids;
}

}  // namespace

Result<void> OutboxPublisher::resume(std::vector<state::OutboxEntry> entries) {
  queue_.clear();
  done_.reset();
  if (entries.empty() || planted(Plant::outbox_dropped)) return {};
  std::set<std::string> out;
  for (const auto stream : {journal::Stream::outbound, journal::Stream::events, journal::Stream::dead_letters}) {
    auto ids = tail_ids(journal_, stream, partition_);
    if (!ids) return ids.error();
    out.merge(*ids);
  }
  for (auto& entry : entries) {
    const bool is_out = out.contains(entry.entry.id);
    queue_.push_back({std::move(entry), std::make_shared<Stage>(is_out ? Stage::out : Stage::waiting)});
  }
  return {};
}

void OutboxPublisher::add(std::vector<state::OutboxEntry> entries) {
  for (auto& entry : entries) queue_.push_back({std::move(entry), std::make_shared<Stage>(Stage::waiting)});
}

void OutboxPublisher::pump() {
  while (!queue_.empty() && *queue_.front().stage == Stage::out) {
    const auto offset = queue_.front().entry.offset;
    queue_.pop_front();
    // Only when every effect of that record is out.
    if (queue_.empty() || queue_.front().entry.offset != offset) done_ = offset;
  }
  std::size_t in_flight = 0;
  for (auto& item : queue_) {
    if (in_flight >= in_flight_max) return;
    if (*item.stage == Stage::out) continue;
    ++in_flight;
    if (*item.stage != Stage::waiting) continue;
    *item.stage = Stage::sent;
    journal_.append(item.entry.stream, partition_, item.entry.entry,
                    [mailbox = mailbox_, stage = item.stage](const Result<journal::Appended>& done) {
                      mailbox->post([stage, good = done.has_value()] { *stage = good ? Stage::out : Stage::failed; });
                    });
  }
}

bool OutboxPublisher::failed() const {
  return std::any_of(queue_.begin(), queue_.end(), [](const Item& item) { return *item.stage == Stage::failed; });
}

std::vector<state::OutboxEntry> OutboxPublisher::unpublished() const {
  std::vector<state::OutboxEntry> entries;
  for (const auto& item : queue_)
    if (*item.stage != Stage::out) entries.push_back(item.entry);
  return entries;
}

std::optional<Offset> OutboxPublisher::take_done() { return std::exchange(done_, std::nullopt); }

}  // namespace usher::router
