// TokenBuckets: so many inputs a minute for each address, with a bounded number of addresses remembered. When it is
// full the address silent for longest is forgotten, which can only forgive. Not synchronised: one thread, or a lock.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "routing/message/instant.hpp"

namespace usher::connectors {

using namespace usher::message;

class TokenBuckets {
 public:
  // Requires: both at least 1. A silent address may send `per_minute` at once.
  TokenBuckets(int per_minute, std::size_t addresses_max);

  // Takes one token of `address`. Zero: allowed. Otherwise: refused, and worth trying again after so long.
  // `now` is monotonic.
  [[nodiscard]] Milliseconds take(std::string_view address, Milliseconds now);
  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::string address;
    std::int64_t fill = 0;  // In thousandths of a token and of a minute: tokens * 60'000.
    Milliseconds filled_at{0};
  };
  const std::int64_t per_minute_;
  const std::size_t addresses_max_;
  std::list<Bucket> recent_;  // Most recently used first.
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> buckets_;
};

// What a limit counts by: an IPv4 address itself, of an IPv6 address its /64, since one customer owns the rest.
[[nodiscard]] std::string rate_address(std::string_view address);

}  // namespace usher::connectors
