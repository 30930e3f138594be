// FieldReader: a map of the YAML tree to Options by a table of fields. Reports unknown keys, wrong types, values out of
// bounds and missing keys; reads KEY_file secrets; fills in fallbacks. Lives for one load.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "config/field.hpp"
#include "config/problem_list.hpp"
#include "config/yaml_tree.hpp"

namespace usher::config {

class FieldReader {
 public:
  // `folder`: what KEY_file is relative to.
  FieldReader(ProblemList& problems, std::filesystem::path folder);

  // `holder`: where the map's own key stands, for what is missing in it. `others`: keys that the caller reads itself.
  // A map that is absent (null) reads like an empty one. Values with a problem are left out.
  [[nodiscard]] Options read(const Node& map, const Place& holder, const std::string& path,
                             std::span<const Field> fields, std::span<const std::string_view> others = {});

  // True when `node` is a map; reports anything but a map or null.
  [[nodiscard]] bool is_map(const Node& node, const std::string& path);
  [[nodiscard]] bool is_list(const Node& node, const std::string& path);

 private:
  void read_field(const Entry& entry, const std::string& path, const Field& field, Options& out);
  void read_scalar(const Node& node, const std::string& path, const Field& field, Options& out);
  void read_list(const Node& node, const std::string& path, const Field& field, Options& out);
  void read_map(const Node& node, const std::string& path, const Field& field, Options& out);
  void read_secret_of(const Node& map, const Place& holder, const std::string& path, const Field& field, Options& out);
  void report_unknown(const Node& map, const std::string& path, std::span<const Field> fields,
                      std::span<const std::string_view> others);

  ProblemList& problems_;
  std::filesystem::path folder_;
};

// What `field` makes of an unquoted or quoted scalar: the value to keep, or a sentence about it.
struct Checked {
  std::string value;
  std::string problem;  // Empty: fine.
};
[[nodiscard]] Checked check_scalar(const Field& field, const Node& node);
// The same for one value of a list, or one key and value of a map.
[[nodiscard]] Checked check_item(const Field& field, const Node& node);
[[nodiscard]] Checked check_pair(const Field& field, const Entry& entry);

}  // namespace usher::config
