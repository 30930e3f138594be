// docs/message-format.md shows what this version reads: each example under a heading that names a kind of record.
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "golden_values.hpp"
#include "routing/message/wire.hpp"
#include "show_result.hpp"

namespace usher::message {

namespace {

struct Example {
  std::string type;  // From the heading above: ### `usher.tick.v1`
  std::string json;
};

std::vector<Example> examples() {
  std::istringstream document(source_file("docs/message-format.md"));
  std::vector<Example> out;
  std::string type;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      out.back().json += line + "\n";
    } else if (line == "```json") {
      out.push_back({type, ""});
      inside = true;
    } else if (line.starts_with("#")) {
      const auto from = line.find("`usher.");
      type = from == std::string::npos ? "" : line.substr(from + 1, line.find('`', from + 1) - from - 1);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("every example of the message format is read by this version") {
  for (const auto& [type, json] : examples()) {
    const auto record = decode_record(type, json);
    INFO(type << ": " << json << (record ? "" : record.error().detail));
    CHECK(record);
  }
}

TEST_CASE("the message format has an example of every kind of record and of command") {
  std::set<std::string> types;
  std::set<std::size_t> commands;
  for (const auto& [type, json] : examples()) {
    types.insert(type);
    const auto record = decode_record(type, json);
    REQUIRE(record);
    if (const auto* issued = std::get_if<CommandIssued>(&*record)) commands.insert(issued->command.index());
  }
  for (const auto& golden : golden_values()) CHECK(types.contains(std::string(record_type(golden.record))));
  CHECK(commands.size() == std::variant_size_v<Command>);
}

TEST_CASE("every member of a message has a line in the message format") {
  const std::string document = source_file("docs/message-format.md");
  for (const auto* member : {"v",           "id",          "tenant",    "connector", "channel",  "provider_message_id",
                             "thread",      "from",        "to",        "cc",        "reply_to", "delivered_to",
                             "sent_at",     "received_at", "subject",   "text",      "text_new", "html_ref",
                             "attachments", "parts",       "automated", "language",  "labels",   "raw_ref"}) {
    INFO(member);
    CHECK(document.find(std::string("\n| `") + member + "` |") != std::string::npos);
  }
}

}  // namespace usher::message
