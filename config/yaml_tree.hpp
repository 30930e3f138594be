// A YAML text as a plain tree with the place of every key and value: what the strict layer looks at. Owns the only use
// of yaml-cpp, whose exceptions end here. The subset is deliberate: no anchors, aliases, tags, merge keys or second
// documents, since each lets a file mean something else than it shows.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem_list.hpp"

namespace usher::config {

inline constexpr std::size_t file_bytes_max = 1024 * 1024;
inline constexpr std::size_t depth_max = 16;

struct Entry;

struct Node {
  enum class Type { null, scalar, list, map };
  Type type = Type::null;
  std::string text;     // Of a scalar.
  bool quoted = false;  // `"5"` is text where `5` is a number.
  Place place;
  std::vector<Node> items;
  std::vector<Entry> entries;  // In the file's order, without duplicates.

  [[nodiscard]] bool from_environment() const { return !place.variable.empty(); }
  [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;
  Node value;
};

// The tree of one document whose top is a map. Duplicate keys are reported and the first one kept; empty after any
// other problem, since what follows would only be noise.
[[nodiscard]] std::optional<Node> parse_yaml(const std::string& text, ProblemList& problems);

// A value without places, for fallbacks written in code; empty when it is not YAML.
[[nodiscard]] std::optional<Node> parse_value(const std::string& text);

// `http` and `listen` make `http.listen`; an empty parent is left out.
[[nodiscard]] std::string join_path(std::string_view parent, std::string_view key);

}  // namespace usher::config
