// Random values of the vocabulary from a seed: any value decode() may give, with a taste for the awkward ones.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "routing/message/record.hpp"

namespace usher::message {

class RandomValues {
 public:
  explicit RandomValues(std::uint64_t seed) : numbers_(seed) {}

  // From 0 to limit - 1; the same on every machine.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return numbers_() % limit; }
  [[nodiscard]] bool chance() { return below(2) == 0; }
  // UTF-8 of up to `pieces` characters: letters, controls, quotes, and every length of sequence.
  [[nodiscard]] std::string text(std::uint64_t pieces);
  [[nodiscard]] std::string name() { return "n" + text(6); }
  [[nodiscard]] Instant instant() { return from_unix_ms(static_cast<std::int64_t>(below(253'402'300'800'000))); }
  [[nodiscard]] Message message();
  [[nodiscard]] Policy policy();
  [[nodiscard]] Command command();
  // Of every kind but Unreadable.
  [[nodiscard]] Record record();

 private:
  template <class T, class Make>
  std::vector<T> list(std::uint64_t most, Make make) {
    std::vector<T> out(below(most + 1));
    for (T& item : out) item = make();
    return out;
  }
  template <class T, class Make>
  std::optional<T> maybe(Make make) {
    if (chance()) return std::nullopt;
    return make();
  }
  template <class Id>
  Id id() {
    return Id{numbers_() >> below(64), numbers_() | 1};
  }
  Milliseconds duration() { return Milliseconds{static_cast<std::int64_t>(below(3'000'000'000'000))}; }
  int number() { return static_cast<int>(below(2'147'483'648)); }
  std::vector<Identity> identities();
  std::vector<Requirement> requirements();
  std::string unknown_members();

  std::mt19937_64 numbers_;
};

}  // namespace usher::message
