// Repeats.
#include "connectors/repeats.hpp"

#include "connectors/message_id.hpp"

namespace usher::connectors {

Instant Repeats::first_seen(std::string_view key, Instant now) {
  forget_before(now);
  const auto found = seen_.find(key);
  if (found != seen_.end()) return found->second->first;
  if (seen_.size() == contents_max_) {
    seen_.erase(oldest_first_.front().key);
    oldest_first_.pop_front();
  }
  oldest_first_.push_back(Seen{std::string(key), now});
  seen_.emplace(oldest_first_.back().key, std::prev(oldest_first_.end()));
  return now;
}

void Repeats::forget_before(Instant now) {
  // A clock set back leaves entries from the future: they are forgotten too, or they would hold on for long.
  const auto is_old = [now](const Seen& seen) { return seen.first + repeat_window <= now || seen.first > now + repeat_window; };
  while (!oldest_first_.empty() && is_old(oldest_first_.front())) {
    seen_.erase(oldest_first_.front().key);
    oldest_first_.pop_front();
  }
}

}  // namespace usher::connectors
