// The configuration with the connectors that there are: the default file serves, and the manual page has their keys.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "config/settings.hpp"
#include "connectors/catalog.hpp"

namespace usher::config::test {
namespace {

std::string source_file(const std::string& name) {
  std::ifstream stream(USHER_SOURCE_DIR "/" + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::optional<std::span<const Key>> keys_of(std::string_view type) {
  const auto* connector = connectors::find_connector(type);
  return connector == nullptr ? std::nullopt : std::optional(connector->keys);
}

std::vector<std::string> types() {
  std::vector<std::string> out;
  for (const auto* connector : connectors::catalog()) out.emplace_back(connector->type);
  return out;
}

// The part of the page about one connector type.
std::string section_of(const std::string& page, std::string_view type) {
  const auto begin = page.find("### `type: " + std::string(type) + "`");
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("\n##", begin + 3) - begin);
}

}  // namespace

TEST_CASE("the default file loads with the real connectors, and each of them is content", "[config]") {
  const auto loaded = load_text(source_file("config/usher.yaml"), "usher.yaml", keys_of, types());
  CHECK(loaded.problems.lines.empty());
  REQUIRE(loaded.settings);
  REQUIRE_FALSE(loaded.settings->connectors.empty());
  for (const auto& one : loaded.settings->connectors) {
    const connectors::Instance instance{one.id, loaded.settings->tenant, one.type, one.options};
    const auto checked = connectors::find_connector(one.type)->check(instance);
    INFO(one.id.text() << ": " << (checked ? "" : checked.error().detail));
    CHECK(checked.has_value());
  }
}

TEST_CASE("the manual page describes every key of every connector type, with its fallback", "[config]") {
  const auto page = source_file("docs/configuration.md");
  for (const auto* connector : connectors::catalog()) {
    const auto section = section_of(page, connector->type);
    INFO("connector type " << connector->type);
    CHECK_FALSE(section.empty());
    for (const auto& key : connector->keys) {
      INFO("key " << key.name);
      CHECK(section.find("| `" + std::string(key.name) + "` |") != std::string::npos);
      const bool single = key.kind != Kind::list && key.kind != Kind::map;
      const auto row = "| `" + std::string(key.name) + "` | `" + std::string(key.fallback) + "` |";
      if (single && !key.fallback.empty()) CHECK(section.find(row) != std::string::npos);
      if (key.required) CHECK(section.find("| `" + std::string(key.name) + "` | required |") != std::string::npos);
    }
  }
}

TEST_CASE("every fallback of a connector is right by its own kind", "[config]") {
  for (const auto* connector : connectors::catalog()) {
    // Nothing but the fallbacks is read; only secrets and other required keys may be missing.
    const auto loaded = load_text(
        "tenant: a\ndefault_queue: q\nqueues: {q: {}}\nconnectors: {c: {type: " + std::string(connector->type) + "}}\n",
        "f.yaml", keys_of, types());
    for (const auto& line : loaded.problems.lines) {
      INFO(line);
      CHECK(line.find(": missing") != std::string::npos);
    }
  }
}

}  // namespace usher::config::test
