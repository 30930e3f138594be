// Repeats: when content without a key was first seen (rule I1), so that the window begins with the first and has no
// edges within. Held by one edge in memory: another edge, or this one after a restart, falls back on the bucket of
// message_id.hpp, which can only let a repeat through, never drop something new. Not synchronised.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "routing/message/instant.hpp"

namespace usher::connectors {

using namespace usher::message;

class Repeats {
 public:
  explicit Repeats(std::size_t contents_max) : contents_max_(contents_max) {}

  // When `key` was first seen within the window that ends at `now`: `now` itself when it is new.
  [[nodiscard]] Instant first_seen(std::string_view key, Instant now);
  [[nodiscard]] std::size_t size() const { return seen_.size(); }

 private:
  struct Seen {
    std::string key;
    Instant first;
  };
  void forget_before(Instant now);

  const std::size_t contents_max_;
  std::list<Seen> oldest_first_;
  std::unordered_map<std::string_view, std::list<Seen>::iterator> seen_;
};

}  // namespace usher::connectors
