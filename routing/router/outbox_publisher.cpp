// See outbox_publisher.hpp.
#include "routing/router/outbox_publisher.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "routing/message/limits.hpp"
#include "routing/message/plant.hpp"

namespace usher::router {
namespace {

constexpr std::size_t in_flight_max = 256;

}  // namespace

void OutboxPublisher::resume(std::vector<state::OutboxEntry> entries,
                             const std::function<bool(const state::OutboxEntry&)>& is_out) {
  queue_.clear();
  done_.reset();
  if (planted(Plant::outbox_dropped)) return;
  for (auto& entry : entries) {
    const auto stage = is_out(entry) ? Stage::out : Stage::waiting;
    queue_.push_back({std::move(entry), std::make_shared<Stage>(stage)});
  }
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
