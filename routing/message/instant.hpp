// Time as the engine and the wire know it: milliseconds of Unix time, UTC. No time zone, no locale.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usher::message {

using Milliseconds = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Milliseconds>;

[[nodiscard]] inline std::int64_t unix_ms(Instant at) { return at.time_since_epoch().count(); }
[[nodiscard]] inline Instant from_unix_ms(std::int64_t ms) { return Instant{Milliseconds{ms}}; }

// RFC 3339, UTC, always three decimals: 2026-11-21T18:58:03.120Z.
[[nodiscard]] std::string format_rfc3339(Instant at);
// RFC 3339 with any offset and 0 to 9 decimals (cut to milliseconds); empty when malformed or out of years 1970..9999.
[[nodiscard]] std::optional<Instant> parse_rfc3339(std::string_view text);

// Where a component asks for the time; production reads the machine's clocks, the simulation its own.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant wall() const = 0;
  // Monotonic: never steps, meaningful only as a difference.
  [[nodiscard]] virtual Milliseconds steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant wall() const override;
  [[nodiscard]] Milliseconds steady() const override;
};

}  // namespace usher::message
