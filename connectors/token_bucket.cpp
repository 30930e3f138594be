// TokenBuckets: integers only, so that no rounding makes or loses tokens.
#include "connectors/token_bucket.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "routing/message/result.hpp"

namespace usher::connectors {

namespace {

constexpr std::int64_t token = 60'000;  // What one token costs; `per_minute` of it come in each millisecond.

}  // namespace

TokenBuckets::TokenBuckets(int per_minute, std::size_t addresses_max)
    : per_minute_(per_minute), addresses_max_(addresses_max) {
  expect(per_minute >= 1 && addresses_max >= 1, "a rate limit lets something through");
}

Milliseconds TokenBuckets::take(std::string_view address, Milliseconds now) {
  const std::int64_t full = per_minute_ * token;
  auto found = buckets_.find(address);
  if (found == buckets_.end()) {
    if (buckets_.size() == addresses_max_) {
      buckets_.erase(recent_.back().address);
      recent_.pop_back();
    }
    recent_.push_front(Bucket{std::string(address), full, now});
    found = buckets_.emplace(recent_.front().address, recent_.begin()).first;
  } else {
    recent_.splice(recent_.begin(), recent_, found->second);
  }
  Bucket& bucket = *found->second;
  // A minute fills it, so a longer silence need not be multiplied (and cannot overflow).
  const std::int64_t silent = std::clamp<std::int64_t>((now - bucket.filled_at).count(), 0, 60'000);
  bucket.fill = std::min(full, bucket.fill + silent * per_minute_);
  bucket.filled_at = std::max(bucket.filled_at, now);
  if (bucket.fill < token) return Milliseconds{(token - bucket.fill + per_minute_ - 1) / per_minute_};
  bucket.fill -= token;
  return Milliseconds{0};
}

std::string rate_address(std::string_view address) {
  const std::string text(address);
  in6_addr parsed{};
  if (inet_pton(AF_INET6, text.c_str(), &parsed) != 1) return text;
  if (IN6_IS_ADDR_V4MAPPED(&parsed)) {
    std::array<char, INET_ADDRSTRLEN> out{};
    inet_ntop(AF_INET, &parsed.s6_addr[12], out.data(), out.size());
    return out.data();
  }
  std::fill(std::begin(parsed.s6_addr) + 8, std::end(parsed.s6_addr), static_cast<std::uint8_t>(0));
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(AF_INET6, &parsed, out.data(), out.size());
  return std::string(out.data()) + "/64";
}

}  // namespace usher::connectors
