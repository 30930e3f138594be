// Forms that must have been open for a moment.
#include <catch2/catch.hpp>

#include "connectors/catalog.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

Instance patient() { return with(sample_instance(webform_connector), "fill_time_min", "3000"); }

std::string refusal(const Raw& raw) {
  const auto parsed = webform_connector.parse(patient(), raw);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().fault == Fault::malformed);
  return parsed.error().detail;
}

}  // namespace

TEST_CASE("a form that was sent too soon or does not say when it was opened is refused with a sentence", "[webform]") {
  for (const char* soon : {"0", "2999", "-5000"}) CHECK(refusal(form("message=x&elapsed_ms=" + std::string(soon))).find("too soon") != std::string::npos);
  CHECK(refusal(json_body(R"({"message":"x","elapsed_ms":12})")).find("too soon") != std::string::npos);
  for (const char* none : {"", "&elapsed_ms=", "&elapsed_ms=long", "&elapsed_ms=5s", "&elapsed_ms=99999999999999999999"})
    CHECK(refusal(form("message=x" + std::string(none))).find("elapsed_ms: missing") == 0);
}

TEST_CASE("a form that was open for long enough is taken, and the figure is not part of the message", "[webform]") {
  const auto plain = webform_connector.parse(sample_instance(webform_connector), form("message=x"));
  REQUIRE(plain);
  for (const Raw& raw : {form("message=x&elapsed_ms=3000"), form("message=x&elapsed_ms=86400000"), json_body(R"({"message":"x","elapsed_ms":4000})"),
                         json_body(R"({"message":"x","elapsed_ms":"4000"})")}) {
    const auto parsed = webform_connector.parse(patient(), raw);
    REQUIRE(parsed);
    // Neither does it make a double click two messages.
    CHECK(parsed->content_key == webform_connector.parse(patient(), form("message=x&elapsed_ms=9000"))->content_key);
    CHECK(parsed->messages.front().extra.empty());
  }
}

TEST_CASE("an answer at the private link needs no time, and a trap that is filled is silent as ever", "[webform]") {
  Raw answer = form("message=x");
  answer.in_thread = true;
  CHECK(webform_connector.parse(patient(), answer));
  const auto robot = webform_connector.parse(patient(), form("message=x&website=spam"));
  REQUIRE(robot);
  CHECK(robot->messages.empty());
}

TEST_CASE("the field of the time has a name of its own", "[webform]") {
  CHECK(webform_connector.check(patient()));
  for (const char* taken : {"", "website", "message"}) {
    INFO(taken);
    CHECK_FALSE(webform_connector.check(with(patient(), "fill_time_field", taken)));
  }
  CHECK_FALSE(webform_connector.check(with(patient(), "fill_time_min", "600001")));
  // Off, the field is one like any other.
  const auto parsed = webform_connector.parse(sample_instance(webform_connector), form("message=x&elapsed_ms=1"));
  REQUIRE(parsed);
  CHECK(parsed->messages.front().extra == R"({"fields":{"elapsed_ms":"1"}})");
}
