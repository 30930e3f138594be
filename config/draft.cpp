// What the readers of collections share: names and references between them.
#include "config/draft.hpp"

#include <algorithm>

#include "config/value_forms.hpp"
#include "config/wording.hpp"

namespace usher::config {

Options read_section(Draft& draft, std::string_view name) {
  static const Node absent;
  const auto* entry = draft.root.find(name);
  return draft.reader.read(entry != nullptr ? entry->value : absent, entry != nullptr ? entry->place : Place{},
                           std::string(name), section_named(name).fields);
}

Place place_in(const Draft& draft, std::string_view section, std::string_view key) {
  const auto* holder = draft.root.find(section);
  if (holder == nullptr) return Place{};
  const auto* entry = holder->value.find(key);
  return entry != nullptr ? entry->value.place : holder->place;
}

std::vector<std::string_view> names_in(const Node& root, std::string_view collection) {
  std::vector<std::string_view> names;
  const auto* holder = root.find(collection);
  if (holder == nullptr) return names;
  for (const auto& entry : holder->value.entries) names.push_back(entry.key);
  return names;
}

std::vector<const Entry*> named_entries(Draft& draft, std::string_view collection) {
  std::vector<const Entry*> out;
  const auto* holder = draft.root.find(collection);
  if (holder == nullptr || !draft.reader.is_map(holder->value, std::string(collection))) return out;
  const Field name_field{{"name", Kind::text, true, "", ""}, Form::name};
  for (const auto& entry : holder->value.entries) {
    Node name;
    name.type = Node::Type::scalar;
    name.quoted = true;
    name.text = entry.key;
    const auto checked = check_scalar(name_field, name);
    if (checked.problem.empty())
      out.push_back(&entry);
    else
      draft.problems.add(entry.place, join_path(collection, entry.key), checked.problem);
  }
  return out;
}

void check_reference(Draft& draft, const Node& map, std::string_view key, const std::string& path,
                     std::string_view collection, const std::string& name) {
  const auto known = names_in(draft.root, collection);
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const auto* entry = map.find(key);
  draft.problems.add(entry != nullptr ? entry->value.place : map.place, join_path(path, key),
                     shown(name) + " is not one of the " + std::string(collection) + did_you_mean(name, known));
}

}  // namespace usher::config
