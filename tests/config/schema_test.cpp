// The JSON Schema and the manual page: both must name what the loader knows, and nothing else.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "config/field.hpp"
#include "fake_catalog.hpp"

namespace usher::config::test {
namespace {

namespace json = boost::json;

json::object schema() { return json::parse(json_schema(keys_of, types)).as_object(); }

void collect_keys(const json::value& value, std::set<std::string>& keys) {
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) collect_keys(item, keys);
  }
  const auto* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [name, child] : *object) {
    if (name == "$defs") continue;  // Connectors' keys are described with the connectors.
    if (name == "properties") {
      // A key of the file may itself be called `properties`.
      for (const auto& [key, described] : child.as_object()) {
        keys.emplace(key.data(), key.size());
        collect_keys(described, keys);
      }
      continue;
    }
    collect_keys(child, keys);
  }
}

}  // namespace

TEST_CASE("the schema refuses unknown keys in every section and every connector", "[config]") {
  const auto root = schema();
  CHECK(root.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  CHECK(root.at("additionalProperties") == false);
  for (const auto& section : sections) {
    CHECK(root.at("properties").at(section.name).at("additionalProperties") == false);
  }
  for (const auto& type : types) {
    const auto& connector = root.at("$defs").at("connector-" + type);
    CHECK(connector.at("additionalProperties") == false);
    CHECK(connector.at("properties").at("type").at("const").as_string() == std::string_view(type));
  }
  CHECK(root.at("$defs").at("connector-http").at("properties").as_object().contains("token_file"));
}

TEST_CASE("every key has a sentence about it", "[config]") {
  std::vector<std::span<const Field>> tables = {top_section.fields,  queue_section.fields, rule_section.fields,
                                                when_section.fields, then_section.fields,  agent_section.fields};
  for (const auto& section : sections) tables.push_back(section.fields);
  for (const auto& fields : tables) {
    for (const auto& field : fields) {
      INFO(field.key.name);
      CHECK(field.key.about.ends_with('.'));
    }
  }
}

TEST_CASE("the manual page describes every key of the file", "[config]") {
  std::ifstream stream(USHER_SOURCE_DIR "/docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  std::set<std::string> keys;
  collect_keys(schema(), keys);
  CHECK(keys.size() > 40);
  for (const auto& key : keys) {
    INFO(key);
    CHECK(page.find("`" + key + "`") != std::string::npos);
  }
  // Fallbacks are said once in the table of fields and repeated for readers: they must agree.
  std::vector<std::span<const Field>> tables = {top_section.fields, queue_section.fields};
  for (const auto& section : sections) tables.push_back(section.fields);
  for (const auto& fields : tables) {
    for (const auto& field : fields) {
      if (field.key.fallback.empty()) continue;
      INFO(field.key.name);
      CHECK(page.find("| `" + std::string(field.key.name) + "` | `" + std::string(field.key.fallback) + "` |") !=
            std::string::npos);
    }
  }
}

}  // namespace usher::config::test
