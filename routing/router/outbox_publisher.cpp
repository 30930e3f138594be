// See outbox_publisher.hpp.
#include "routing/router/outbox_publisher.hpp"

#include <utility>
#include <vector>

#include "routing/message/limits.hpp"
#include "routing/message/plant.hpp"

namespace usher::router {
namespace {

// Enough for the journal to gather while a wave of events is under way, and well below what its producers take.
constexpr std::size_t in_flight_max = 4096;
// Replies do not wait for waves. What an owner has under way when it is paused may come again behind what its successor sent, and
// egress knows the newest 2,048 again (connectors/egress.cpp).
constexpr std::size_t replies_in_flight_max = 256;
constexpr std::size_t in_flight_bytes_max = 16 * 1024 * 1024;

std::size_t bytes_of(const state::OutboxEntry& entry) { return entry.entry.id.size() + entry.entry.type.size() + entry.entry.value.size(); }

}  // namespace

void OutboxPublisher::resume(std::vector<state::OutboxEntry> entries,
                             const std::function<bool(const state::OutboxEntry&)>& is_out) {
  queue_.clear();
  done_.reset();
  looked_at_ = 0;
  failed_ = std::make_shared<bool>(false);
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
    if (looked_at_ > 0) --looked_at_;
    // Only when every effect of that record is out.
    if (queue_.empty() || queue_.front().entry.offset != offset) done_ = offset;
  }
  // Each is looked at once: a busy queue is long, and this runs at every turn of the router.
  for (; looked_at_ < queue_.size(); ++looked_at_) {
    auto& item = queue_[looked_at_];
    if (*item.stage != Stage::waiting) continue;
    const auto bytes = bytes_of(item.entry);
    const bool reply = item.entry.stream == journal::Stream::outbound;
    const bool full = flight_->entries >= in_flight_max || flight_->bytes + bytes > in_flight_bytes_max ||
                      (reply && flight_->replies >= replies_in_flight_max);
    if (full && flight_->entries > 0) return;
    *item.stage = Stage::sent;
    ++flight_->entries;
    flight_->replies += reply ? 1 : 0;
    flight_->bytes += bytes;
    journal_.append(item.entry.stream, partition_, item.entry.entry,
                    [mailbox = mailbox_, flight = flight_, failed = failed_, stage = item.stage, bytes, reply](const Result<journal::Appended>& done) {
                      mailbox->post([flight, failed, stage, bytes, reply, good = done.has_value()] {
                        *stage = good ? Stage::out : Stage::failed;
                        --flight->entries;
                        flight->replies -= reply ? 1 : 0;
                        flight->bytes -= bytes;
                        *failed = *failed || !good;
                      });
                    });
  }
}

bool OutboxPublisher::failed() const { return *failed_; }

std::vector<state::OutboxEntry> OutboxPublisher::unpublished() const {
  std::vector<state::OutboxEntry> entries;
  for (const auto& item : queue_)
    if (*item.stage != Stage::out) entries.push_back(item.entry);
  return entries;
}

std::optional<Offset> OutboxPublisher::take_done() { return std::exchange(done_, std::nullopt); }

}  // namespace usher::router
