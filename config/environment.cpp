// Variables into the tree: each part between double underscores is one step down.
#include "config/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "config/field.hpp"
#include "config/settings.hpp"
#include "config/utf8.hpp"
#include "config/wording.hpp"

namespace usher::config {
namespace {

constexpr std::string_view prefix = "USHER_";
// What usherctl and the test programs read; never keys of the file.
constexpr std::string_view tools[] = {"token", "url", "corpora", "config"};

// Names may hold `-`, variables may not.
std::string folded(std::string_view text) {
  auto out = std::string(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return out;
}

std::vector<std::string> steps_of(std::string_view name) {
  std::vector<std::string> steps;
  for (;;) {
    const auto end = name.find("__");
    steps.push_back(folded(name.substr(0, end)));
    if (end == name.npos) return steps;
    name.remove_prefix(end + 2);
  }
}

// The value under `step`, made when there is none: whether it may be there is judged with the rest of the tree.
Node& child(Node& map, const std::string& step, const Place& place) {
  for (auto& entry : map.entries) {
    if (entry.key == step) return entry.value;
  }
  for (auto& entry : map.entries) {
    if (folded(entry.key) == step) return entry.value;
  }
  map.entries.push_back({step, place, Node{}});
  map.entries.back().value.place = place;
  return map.entries.back().value;
}

void set(Node& root, const std::string& name, const std::vector<std::string>& steps, const std::string& value,
         ProblemList& problems) {
  const Place place{name, 1, 1};
  auto* node = &root;
  std::string path;
  for (const auto& step : steps) {
    if (node->type == Node::Type::null) node->type = Node::Type::map;
    if (node->type != Node::Type::map) {
      problems.add(place, path, "is not a map; it cannot be set in part");
      return;
    }
    path = join_path(path, step);
    node = &child(*node, step, place);
  }
  *node = Node{};
  node->type = Node::Type::scalar;
  node->text = value;
  node->place = place;
}

void set_at_top(Node& root, const std::string& name, const std::string& key, const std::string& value,
                ProblemList& problems) {
  if (std::find(std::begin(tools), std::end(tools), key) != std::end(tools)) return;
  const auto known = top_names();
  const bool is_key = std::any_of(top_section.fields.begin(), top_section.fields.end(),
                                  [&](const Field& field) { return field.key.name == key; });
  if (is_key) {
    set(root, name, {key}, value, problems);
  } else if (std::find(known.begin(), known.end(), key) != known.end()) {
    problems.add(Place{name, 1, 1}, key, "names no key; write " + name + "__KEY");
  } else if (!suggestions(key, known).empty()) {
    problems.add(Place{name, 1, 1}, key, "unknown key" + did_you_mean(key, known));
  }
}

}  // namespace

Variables usher_variables() {
  Variables out;
  for (auto* variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto equals = text.find('=');
    if (!text.starts_with(prefix) || equals == text.npos) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

void apply_environment(Node& root, const Variables& variables, ProblemList& problems) {
  for (const auto& [name, value] : variables) {
    const auto steps = steps_of(std::string_view(name).substr(prefix.size()));
    if (!is_utf8(value)) {
      // A file is looked at before it is parsed; such a name would make a policy that nobody can read.
      problems.add(Place{name, 1, 1}, "(environment)", "is not UTF-8");
    } else if (std::any_of(steps.begin(), steps.end(), [](const std::string& step) { return step.empty(); })) {
      problems.add(Place{name, 1, 1}, "(environment)", "a part between the underscores is empty");
    } else if (steps.size() > depth_max) {
      problems.add(Place{name, 1, 1}, "(environment)", "has more parts than any key");
    } else if (steps.size() == 1) {
      set_at_top(root, name, steps.front(), value, problems);
    } else {
      set(root, name, steps, value, problems);
    }
  }
}

}  // namespace usher::config
