// RFC 3339 in and out, by calendar arithmetic alone: no locale, no time zone database, no allocation while reading.
// Values only; any thread. The system clock is the one place of this layer that asks the machine for the time.
#include "routing/message/instant.hpp"

#include <algorithm>
#include <cstddef>

namespace usher::message {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant earliest{Milliseconds{0}};
constexpr Instant latest{Milliseconds{253'402'300'799'999}};  // 9999-12-31T23:59:59.999Z

// Reads left to right; once something did not fit, everything after fails too.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  char take() {
    if (rest_.empty()) ok_ = false;
    if (!ok_) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  void take_one_of(std::string_view wanted) {
    const char c = take();
    if (wanted.find(c) == std::string_view::npos) ok_ = false;
  }

  int take_number(int digits, int lowest, int highest) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = take();
      if (c < '0' || c > '9') ok_ = false;
      if (!ok_) return lowest;
      value = value * 10 + (c - '0');
    }
    if (value < lowest || value > highest) ok_ = false;
    return value;
  }

  // The decimals after a dot, cut to milliseconds.
  int take_fraction() {
    int value = 0;
    int count = 0;
    for (; peek() >= '0' && peek() <= '9'; ++count) {
      const char c = take();
      if (count < 3) value = value * 10 + (c - '0');
    }
    if (count < 1 || count > 9) ok_ = false;
    for (; count < 3; ++count) value *= 10;
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

minutes take_offset(Cursor& cursor) {
  const char sign = cursor.peek();
  cursor.take_one_of("Zz+-");
  if (sign != '+' && sign != '-') return minutes{0};
  const int hour = cursor.take_number(2, 0, 23);
  cursor.take_one_of(":");
  const int minute = cursor.take_number(2, 0, 59);
  const minutes ahead = hours{hour} + minutes{minute};
  return sign == '+' ? ahead : -ahead;
}

void put_digits(char* at, int count, int value) {
  for (int i = count - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::string format_rfc3339(Instant at) {
  // Four digits of year hold no more; what is beyond shows as the nearest instant that can be written.
  at = std::clamp(at, earliest, latest);
  const auto day = std::chrono::floor<days>(at);
  const std::chrono::year_month_day date{day};
  const auto of_day = static_cast<int>((at - day).count());

  std::string out = "0000-00-00T00:00:00.000Z";
  put_digits(&out[0], 4, static_cast<int>(date.year()));
  put_digits(&out[5], 2, static_cast<int>(static_cast<unsigned>(date.month())));
  put_digits(&out[8], 2, static_cast<int>(static_cast<unsigned>(date.day())));
  put_digits(&out[11], 2, of_day / 3'600'000);
  put_digits(&out[14], 2, of_day / 60'000 % 60);
  put_digits(&out[17], 2, of_day / 1000 % 60);
  put_digits(&out[20], 3, of_day % 1000);
  return out;
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  Cursor cursor(text);
  const int year = cursor.take_number(4, 0, 9999);
  cursor.take_one_of("-");
  const auto month = static_cast<unsigned>(cursor.take_number(2, 1, 12));
  cursor.take_one_of("-");
  const auto day = static_cast<unsigned>(cursor.take_number(2, 1, 31));
  cursor.take_one_of("Tt");
  const int hour = cursor.take_number(2, 0, 23);
  cursor.take_one_of(":");
  const int minute = cursor.take_number(2, 0, 59);
  cursor.take_one_of(":");
  // 60 is a leap second, which Unix time does not have: it reads as the second after.
  const int second = cursor.take_number(2, 0, 60);
  int millisecond = 0;
  if (cursor.peek() == '.') {
    cursor.take();
    millisecond = cursor.take_fraction();
  }
  const minutes ahead_of_utc = take_offset(cursor);
  if (!cursor.ok() || !cursor.at_end()) return std::nullopt;

  const auto date = std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day};
  if (!date.ok()) return std::nullopt;
  const Instant at = std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second} +
                     Milliseconds{millisecond} - ahead_of_utc;
  if (at < earliest || at > latest) return std::nullopt;
  return at;
}

Instant SystemClock::wall() const { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

Milliseconds SystemClock::steady() const {
  return std::chrono::floor<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace usher::message
