// A clock that goes only when the test says so; any thread may read it.
#pragma once

#include <atomic>

#include "routing/message/instant.hpp"

namespace usher::testing {

class FakeClock final : public message::Clock {
 public:
  [[nodiscard]] message::Instant wall() const override { return message::from_unix_ms(wall_ms_); }
  [[nodiscard]] message::Milliseconds steady() const override { return message::Milliseconds{steady_ms_}; }

  // Both clocks go on.
  void pass(std::int64_t ms) {
    wall_ms_ += ms;
    steady_ms_ += ms;
  }
  // Somebody sets the wall clock.
  void step(std::int64_t ms) { wall_ms_ += ms; }

 private:
  std::atomic<std::int64_t> wall_ms_{1'800'000'000'000};
  std::atomic<std::int64_t> steady_ms_{5'000'000};
};

}  // namespace usher::testing
