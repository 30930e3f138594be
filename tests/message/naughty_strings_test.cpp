// Strings that have broken software before, in every place a customer can write to. Our own list always runs; the Big
// List of Naughty Strings runs too where the corpora are at hand (USHER_CORPORA, or a folder beside the source).
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "golden_values.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "show_result.hpp"

namespace usher::message {

namespace {

std::vector<std::string> own_list() {
  return {"",
          " ",
          "\t",
          "\r\n",
          std::string("\0", 1),
          std::string("a\0b", 3),
          "\"",
          "\\",
          "\\\"",
          "\\u0000",
          "\\ud800",
          "null",
          "true",
          "NaN",
          "0x7f",
          "1e400",
          "-0",
          "]}",
          "{\"v\":1}",
          "*/",
          "<!--",
          "]]>",
          "<script>alert(1)</script>",
          "'; DROP TABLE messages; --",
          "%s%n%p",
          "{{7*7}}",
          "${jndi:ldap://x}",
          "../../etc/passwd",
          "\x7f",
          "\u0080",
          "\u00ad",
          "\u200b",
          "\u200e\u202e\u2066",
          "\u2028\u2029",
          "\ufeff",
          "\ufffe\uffff",
          "\u0301\u0302\u0303",
          "\u0130\u0131\u017f",
          "\u00df\u1e9e",
          "\u0e33",
          "\ufdfa",
          "\U0001F468\u200d\U0001F469\u200d\U0001F467",
          "\U0001F1EB\U0001F1F7",
          "\U000E0041",
          "\U0010FFFF",
          std::string(1024, 'x'),
          std::string(341, '"')};
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

void check_everywhere(const std::string& text) {
  REQUIRE(valid_utf8(text));
  Message message = golden_message();
  message.subject = message.text = message.text_new = text;
  message.provider_message_id = text;
  message.from.display_name = text;
  message.from.identities[0].value = text.empty() ? "x" : text;
  message.thread.key = text;
  message.thread.references = {text, text};
  message.attachments[0].name = text;
  message.labels = {text};
  const auto decoded = decode_message(encode(message));
  INFO(text << (decoded ? "" : ": " + decoded.error().detail));
  REQUIRE(decoded);
  REQUIRE(*decoded == message);

  const Record reply = CommandIssued{AgentId("ana"), SessionId("s"), CommandId("c"), Reply{ConversationId{1, 2}, text}};
  const auto replied = decode_record(record_type(reply), encode(reply));
  REQUIRE(replied);
  REQUIRE(*replied == reply);
}

}  // namespace

TEST_CASE("naughty strings of our own list pass through every field unchanged") {
  for (const std::string& text : own_list()) check_everywhere(text);
}

TEST_CASE("the Big List of Naughty Strings, where it is at hand, passes through every field unchanged") {
  const auto strings = big_list();
  if (strings.empty()) WARN("the corpora are not at hand: set USHER_CORPORA; only our own list ran");
  for (const std::string& text : strings) check_everywhere(text);
}

}  // namespace usher::message
