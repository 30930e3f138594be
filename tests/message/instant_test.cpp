// Times as text: what is written, what is read, what is refused.
#include <catch2/catch.hpp>

#include "routing/message/instant.hpp"

namespace usher::message {

TEST_CASE("a time is written in UTC with three decimals") {
  CHECK(format_rfc3339(from_unix_ms(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(from_unix_ms(1'795'287'483'120)) == "2026-11-21T18:58:03.120Z");
  CHECK(format_rfc3339(from_unix_ms(951'827'696'007)) == "2000-02-29T12:34:56.007Z");
  CHECK(format_rfc3339(from_unix_ms(253'402'300'799'999)) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("a time outside the years that can be written shows as the nearest one that can") {
  CHECK(format_rfc3339(from_unix_ms(-1)) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(Instant::min()) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(Instant::max()) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("a time is read with any offset, case and number of decimals") {
  const auto expected = from_unix_ms(1'795'287'483'120);
  for (const auto* text : {"2026-11-21T18:58:03.120Z", "2026-11-21t18:58:03.12z", "2026-11-21T19:58:03.120999999+01:00",
                           "2026-11-22T00:28:03.120+05:30", "2026-11-20T18:59:03.1200-23:59"}) {
    INFO(text);
    CHECK(parse_rfc3339(text) == expected);
  }
  CHECK(parse_rfc3339("2026-11-21T18:58:03Z") == from_unix_ms(1'795'287'483'000));
  CHECK(parse_rfc3339("2026-11-21T18:58:03-00:00") == from_unix_ms(1'795'287'483'000));
}

TEST_CASE("a leap second reads as the second after it") {
  CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST_CASE("what is no time, or not one between 1970 and 9999, is refused") {
  for (const auto* text : {"",
                           "Z",
                           "2026",
                           "2026-11-21",
                           "2026-11-21T18:58Z",
                           "2026-11-21 18:58:03Z",
                           "2026-11-21T18:58:03",
                           "2026-11-21T18:58:03.Z",
                           "2026-11-21T18:58:03.1234567890Z",
                           "2026-11-21T18:58:03,1Z",
                           "2026-11-21T18:58:03ZZ",
                           "2026-11-21T18:58:03Z ",
                           " 2026-11-21T18:58:03Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-11-21T24:00:00Z",
                           "2026-11-21T18:60:00Z",
                           "2026-11-21T18:58:61Z",
                           "2026-11-21T18:58:03+24:00",
                           "2026-11-21T18:58:03+01:60",
                           "2026-11-21T18:58:03+0100",
                           "2026-11-21T18:58:03+01",
                           "1969-12-31T23:59:59.999Z",
                           "1970-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59-00:01",
                           "9999-12-31T23:59:60Z",
                           "+026-11-21T18:58:03Z",
                           "2026-1a-21T18:58:03Z",
                           "20261121T185803Z"}) {
    INFO(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("every time reads back as it was written") {
  for (std::int64_t ms = 0; ms < 253'402'300'800'000; ms += 98'765'432'101) {
    CHECK(parse_rfc3339(format_rfc3339(from_unix_ms(ms))) == from_unix_ms(ms));
  }
}

TEST_CASE("the system clock's wall time is one that can be written, and its steady time does not go back") {
  const SystemClock clock;
  const auto first = clock.steady();
  CHECK(parse_rfc3339(format_rfc3339(clock.wall())).has_value());
  CHECK(clock.wall() > from_unix_ms(1'600'000'000'000));
  CHECK(clock.steady() >= first);
}

}  // namespace usher::message
