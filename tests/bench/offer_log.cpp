// See offer_log.hpp.
#include "tests/bench/offer_log.hpp"

namespace usher::bench {

void OfferLog::send(const engine::AgentFrame& frame) {
  if (const auto* presence = std::get_if<engine::PresenceFrame>(&frame.frame)) {
    if (presence->state == Presence::available) count(agents_);
    return;
  }
  const auto* offer = std::get_if<engine::OfferFrame>(&frame.frame);
  if (!offer) return;
  const auto number = Centre::number_of(offer->offer.conversation.last_from_customer);
  if (number < offered_.size()) {
    auto& one = offered_[number];
    one.agent = frame.agent;
    ++one.times;
    one.at = Steady::now();
  } else {
    ++strangers_;
  }
  count(offers_);
}

// Wakes the benchmark only when what it waits for is reached: a wake-up for every offer would be part of the figure.
void OfferLog::count(std::size_t& counter) {
  const std::lock_guard lock(mutex_);
  if (++counter == awaited_) reached_.notify_all();
}

void OfferLog::wait(const std::size_t& counter, std::size_t count) {
  std::unique_lock lock(mutex_);
  awaited_ = count;
  if (!reached_.wait_for(lock, std::chrono::minutes(1), [&] { return counter >= count; }))
    give_up("waited in vain: " + std::to_string(counter) + " of " + std::to_string(count));
}

std::size_t OfferLog::offers() const {
  const std::lock_guard lock(mutex_);
  return offers_;
}

}  // namespace usher::bench
