// What is UTF-8 and what is not.
#include <catch2/catch.hpp>

#include "routing/message/result.hpp"
#include "routing/message/wire.hpp"

namespace usher::message {

TEST_CASE("text of every length of sequence is UTF-8, NUL included") {
  CHECK(valid_utf8(""));
  CHECK(valid_utf8(std::string_view("\0", 1)));
  CHECK(valid_utf8("long enough for the fast path, then more"));
  for (const auto* text : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    // At every distance from the start, so that the fast path meets it everywhere.
    for (std::size_t before = 0; before < 20; ++before) CHECK(valid_utf8(std::string(before, 'a') + text + "b"));
  }
}

TEST_CASE("overlong forms, surrogates, lone and missing bytes and code points beyond Unicode are not UTF-8") {
  for (const auto* bytes : {"\x80",
                            "\xbf",
                            "\xc0\x80",
                            "\xc1\xbf",
                            "\xc2",
                            "\xc2z",
                            "\xe0\x9f\xbf",
                            "\xe0\x80\x80",
                            "\xe2\x82",
                            "\xe2\x82z",
                            "\xe2z\x82",
                            "\xed\xa0\x80",
                            "\xed\xbf\xbf",
                            "\xf0\x8f\xbf\xbf",
                            "\xf0\x90\x80",
                            "\xf0\x90\x80z",
                            "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80",
                            "\xff",
                            "\xfe"}) {
    for (std::size_t before = 0; before < 20; ++before) {
      CHECK_FALSE(valid_utf8(std::string(before, 'a') + bytes));
      CHECK_FALSE(valid_utf8(std::string(before, 'a') + bytes + "followed by plain text"));
    }
  }
}

TEST_CASE("each fault has a name of its own") {
  CHECK(fault_name(Fault::malformed) == "malformed");
  CHECK(fault_name(Fault::unauthorised) == "unauthorised");
  CHECK(fault_name(Fault::not_found) == "not_found");
  CHECK(fault_name(Fault::too_large) == "too_large");
  CHECK(fault_name(Fault::conflict) == "conflict");
  CHECK(fault_name(Fault::overloaded) == "overloaded");
  CHECK(fault_name(Fault::unavailable) == "unavailable");
}

}  // namespace usher::message
