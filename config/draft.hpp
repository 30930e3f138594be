// Draft: the settings while they are read, and what the readers of the file's parts share. Private to this folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/field_reader.hpp"
#include "config/problem_list.hpp"
#include "config/settings.hpp"
#include "config/yaml_tree.hpp"

namespace usher::config {

struct Draft {
  const Node& root;
  ProblemList& problems;
  FieldReader& reader;
  std::filesystem::path folder;  // Of the file.
  Settings settings{};
};

// The connector types that exist.
struct Types {
  const ConnectorKeys& keys;
  std::vector<std::string_view> names;
  const ConnectorCheck& check;  // May be empty.
};

// Each reads its part into draft.settings and reports into draft.problems; the order does not matter.
void read_top(Draft& draft);
void read_servers(Draft& draft);
void read_connectors(Draft& draft, const Types& types);
void read_labels(Draft& draft);
void read_queues(Draft& draft);
void read_rules(Draft& draft);
void read_agents(Draft& draft);

// One section of fixed keys; absent sections read like empty ones.
[[nodiscard]] Options read_section(Draft& draft, std::string_view name);
// Where a key of a section stands, or else the section, or else the file.
[[nodiscard]] Place place_in(const Draft& draft, std::string_view section, std::string_view key);

// The names under a collection, whether or not what they hold is right: a reference to a faulty queue does not dangle.
[[nodiscard]] std::vector<std::string_view> names_in(const Node& root, std::string_view collection);

// The entries of a collection whose names are names; reports the others. A collection that is absent has none.
[[nodiscard]] std::vector<const Entry*> named_entries(Draft& draft, std::string_view collection);

// Reports at the value of `key` in `map` when it names none of `collection`. Requires: the value was read as text.
void check_reference(Draft& draft, const Node& map, std::string_view key, const std::string& path,
                     std::string_view collection, const std::string& name);

}  // namespace usher::config
