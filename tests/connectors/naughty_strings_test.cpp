// Strings that have broken software before: each arrives unchanged through every body kind of every front door.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>

#include "connectors/catalog.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

std::vector<std::string> own_list() {
  return {" ", "\t", "\r\n", "\n\r\n", "--", "----edge42", "\r\n----edge4", "--edge42--", "a=b&c=d", "100%", "%00", "%", "+", "a+b", "\"", "\\", "\\\"",
          "\\u0000", "null", "undefined", "NaN", "-1", "1e999", "{}", "[]", "{\"text\":1}", "<script>alert(1)</script>", "'; DROP TABLE t; --", "$(reboot)",
          "`id`", "../../etc/passwd", "%s%n", "\x01\x02\x1b[31m\x7f", "\u0080\u0085", "\u00a0", "\u200b\ufeff", "\u202e\u2066", "\u2028\u2029", "\ufffd\uffff",
          "\u0130\u0131\u1e9e", "Z\u0351\u032f\u0308", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7", "\U0010ffff", "\u0645\u0631\u062d\u0628\u0627",
          "\u793e\u6703\u79d1\u5b78\u9662", "nonce", "content:1", std::string(2'000, '\''), "\xef\xbb\xbf" "bom", "$ne", "{{7*7}}"};
}

std::vector<std::string> big_list() {
  const char* named = std::getenv("USHER_CORPORA");
  const std::filesystem::path folder = named != nullptr ? named : USHER_SOURCE_DIR "/../shared/corpora";
  std::ifstream file(folder / "naughty-strings" / "blns.json", std::ios::binary);
  if (!file) return {};
  std::ostringstream bytes;
  bytes << file.rdbuf();
  std::vector<std::string> out;
  const auto list = boost::json::parse(bytes.str());
  for (const auto& one : list.as_array()) out.emplace_back(one.as_string());
  return out;
}

std::string in_json(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

void check_arrival(const Connector& connector, const Raw& raw, const std::string& text, bool in_name) {
  auto parsed = connector.parse(sample_instance(connector), raw);
  REQUIRE(parsed);
  REQUIRE(parsed->messages.size() == 1);
  const Message& message = parsed->messages.front();
  CHECK(message.text == text);
  if (in_name) CHECK(message.from.display_name == text);
  const auto carried = decode_message(encode(message));
  REQUIRE(carried);
  CHECK(*carried == message);
}

void check_everywhere(const std::string& text) {
  INFO(in_json(text));
  const bool one_line = text.find_first_of("\r\n") == std::string::npos && text.size() <= 1024;
  const std::string name = one_line ? text : "n";
  check_arrival(webform_connector, form("nonce=1&message=" + percent(text) + "&name=" + percent(name) + "&other=" + percent(text)), text, one_line);
  check_arrival(webform_connector, multipart({text_part("nonce", "1"), text_part("message", text), text_part("name", name), text_part("other", text)}), text, one_line);
  check_arrival(webform_connector, json_body("{\"nonce\":\"1\",\"message\":" + in_json(text) + ",\"name\":" + in_json(name) + "}"), text, one_line);
  Raw raw = json_body("{\"id\":\"1\",\"from\":{\"id\":\"u\",\"name\":" + in_json(name) + "},\"text\":" + in_json(text) + "}");
  check_arrival(http_connector, raw, text, one_line);
}

}  // namespace

TEST_CASE("naughty strings of our own arrive unchanged", "[naughty]") {
  for (const auto& text : own_list()) check_everywhere(text);
}

TEST_CASE("naughty strings of the big list arrive unchanged", "[naughty]") {
  std::size_t count = 0;
  for (const auto& text : big_list()) {
    // The empty one is no message; it is refused, and that is tested with the form.
    if (text.empty()) continue;
    check_everywhere(text);
    ++count;
  }
  if (count == 0) WARN("the corpora are not here: only our own list ran");
}
