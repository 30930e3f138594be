// What people see of usherctl.
#include <catch2/catch.hpp>

#include "daemon/ctl.hpp"
#include "daemon/ctl_table.hpp"

using namespace usher::daemon;

TEST_CASE("a table's columns are as wide as their widest cell, in any script", "[ctl]") {
  const auto rows = boost::json::parse(R"([{"id":"ana","n":3},{"id":"zoë","n":12},{"id":"benjamin"}])").as_array();
  CHECK(table_of(rows, {{"AGENT", "/id"}, {"HELD", "/n"}}) ==
        "AGENT     HELD\n"
        "ana       3\n"
        "zoë       12\n"
        "benjamin  -\n");
  CHECK(table_of({}, {{"AGENT", "/id"}}) == "none\n");
}

TEST_CASE("cells say what they hold in words", "[ctl]") {
  const auto cell = [](const char* json) {
    const auto value = boost::json::parse(json);
    return cell_of(&value);
  };
  CHECK(cell("true") == "yes");
  CHECK(cell("null") == "-");
  CHECK(cell("[]") == "-");
  CHECK(cell(R"(["a","b"])") == "a, b");
  CHECK(cell(R"([{"skill":"english","level":2}])") == "skill english, level 2");
  CHECK(cell("1.5") == "1.5E0");
  CHECK(cell_of(nullptr) == "-");
}

TEST_CASE("a stranger's text cannot steer the terminal", "[ctl]") {
  CHECK(printable("\x1b[2Jred\x07") == " [2Jred ");
  CHECK(printable("\xc2\x9b" "31m") == " 31m");
  CHECK(printable("naïve\ttext\n") == "naïve text ");
  CHECK(printable("abcdef", 3) == "abc…");
}

TEST_CASE("spans are read at a glance", "[ctl]") {
  using std::chrono::seconds;
  CHECK(for_people(seconds(-5)) == "0 s");
  CHECK(for_people(seconds(30)) == "30 s");
  CHECK(for_people(seconds(3599)) == "59 min");
  CHECK(for_people(seconds(3 * 3600)) == "3 h");
  CHECK(for_people(seconds(3 * 86400)) == "3 d");
}

TEST_CASE("a name in a path stays one segment", "[ctl]") {
  CHECK(percent_encode("ana-1_x.~") == "ana-1_x.~");
  CHECK(percent_encode("../a b?c#d/%\xc3\xab") == "..%2Fa%20b%3Fc%23d%2F%25%C3%AB");
}

TEST_CASE("every fault has the exit code that scripts expect", "[ctl]") {
  CHECK(complain(fail(Fault::malformed, "x")) == Exit::data);
  CHECK(complain(fail(Fault::not_found, "x")) == Exit::data);
  CHECK(complain(fail(Fault::unauthorised, "x")) == Exit::refused);
  CHECK(complain(fail(Fault::conflict, "x")) == Exit::temporary);
  CHECK(complain(fail(Fault::unavailable, "x")) == Exit::unavailable);
}
