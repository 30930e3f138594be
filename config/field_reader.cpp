// Maps to Options, field by field; the places of problems are those of the values, or of the key when a value is
// absent.
#include "config/field_reader.hpp"

#include <algorithm>

#include "config/secret_file.hpp"
#include "config/utf8.hpp"
#include "config/wording.hpp"
#include "routing/message/result.hpp"

namespace usher::config {
namespace {

std::string secret_file_key(const Field& field) { return std::string(field.key.name) + std::string(secret_suffix); }

bool is_single(Kind kind) { return kind != Kind::list && kind != Kind::map; }

// The items of `a, b` in an environment variable, which has no lists.
Node split_at_commas(const Node& node) {
  Node list;
  list.type = Node::Type::list;
  list.place = node.place;
  std::string_view rest = node.text;
  while (!rest.empty()) {
    auto part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    Node item;
    item.type = Node::Type::scalar;
    item.text = part;
    item.place = node.place;
    list.items.push_back(std::move(item));
  }
  return list;
}

// A fallback is read by the same rules as a value in the file.
Node fallback_node(const Field& field) {
  Node node;
  if (is_single(field.key.kind)) {
    node.type = Node::Type::scalar;
    node.text = field.key.fallback;
    node.place.variable = "fallback";
    return node;
  }
  auto parsed = parse_value(std::string(field.key.fallback));
  message::expect(parsed.has_value(), "the fallback of a list or a map is YAML");
  return std::move(*parsed);
}

}  // namespace

FieldReader::FieldReader(ProblemList& problems, std::filesystem::path folder)
    : problems_(problems), folder_(std::move(folder)) {}

bool FieldReader::is_map(const Node& node, const std::string& path) {
  if (node.type != Node::Type::map && node.type != Node::Type::null) {
    problems_.add(node.place, path,
                  node.from_environment() ? "is a map; set one of its keys" : "expected a map such as {key: value}");
  }
  return node.type == Node::Type::map;
}

bool FieldReader::is_list(const Node& node, const std::string& path) {
  if (node.type != Node::Type::list && node.type != Node::Type::null) {
    problems_.add(node.place, path,
                  node.from_environment() ? "cannot be set by an environment variable" : "expected a list");
  }
  return node.type == Node::Type::list;
}

Options FieldReader::read(const Node& map, const Place& holder, const std::string& path, std::span<const Field> fields,
                          std::span<const std::string_view> others) {
  Options out;
  if (map.type != Node::Type::null && !is_map(map, path)) return out;
  report_unknown(map, path, fields, others);
  for (const auto& field : fields) {
    if (field.key.kind == Kind::secret) {
      read_secret_of(map, holder, path, field, out);
      continue;
    }
    const auto* entry = map.find(field.key.name);
    const auto field_path = join_path(path, field.key.name);
    if (entry != nullptr) {
      read_field(*entry, field_path, field, out);
    } else if (field.key.required) {
      problems_.add(holder, field_path, "missing");
    } else if (!field.key.fallback.empty()) {
      Entry standing_in;
      standing_in.key = field.key.name;
      standing_in.value = fallback_node(field);
      read_field(standing_in, field_path, field, out);
    }
  }
  return out;
}

void FieldReader::read_field(const Entry& entry, const std::string& path, const Field& field, Options& out) {
  if (entry.value.type == Node::Type::null) {
    problems_.add(entry.place, path, "has no value; write one or remove the key");
    return;
  }
  if (field.key.kind == Kind::list)
    read_list(entry.value, path, field, out);
  else if (field.key.kind == Kind::map)
    read_map(entry.value, path, field, out);
  else
    read_scalar(entry.value, path, field, out);
}

void FieldReader::read_scalar(const Node& node, const std::string& path, const Field& field, Options& out) {
  auto checked = check_scalar(field, node);
  if (checked.problem.empty())
    out.values[std::string(field.key.name)] = std::move(checked.value);
  else
    problems_.add(node.place, path, checked.problem);
}

void FieldReader::read_list(const Node& node, const std::string& path, const Field& field, Options& out) {
  if (node.type == Node::Type::scalar && node.from_environment()) {
    read_list(split_at_commas(node), path, field, out);
    return;
  }
  if (node.type != Node::Type::list) {
    problems_.add(node.place, path, "expected a list such as [one, two]");
    return;
  }
  auto& list = out.lists[std::string(field.key.name)];
  if (field.key.required && node.items.empty()) problems_.add(node.place, path, "is empty");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    auto checked = check_item(field, node.items[i]);
    if (checked.problem.empty())
      list.push_back(std::move(checked.value));
    else
      problems_.add(node.items[i].place, path + "[" + std::to_string(i) + "]", checked.problem);
  }
}

void FieldReader::read_map(const Node& node, const std::string& path, const Field& field, Options& out) {
  if (!is_map(node, path)) return;
  auto& map = out.maps[std::string(field.key.name)];
  if (field.key.required && node.entries.empty()) problems_.add(node.place, path, "is empty");
  for (const auto& entry : node.entries) {
    auto checked = check_pair(field, entry);
    if (checked.problem.empty())
      map[entry.key] = std::move(checked.value);
    else
      problems_.add(entry.value.place, join_path(path, entry.key), checked.problem);
  }
}

void FieldReader::read_secret_of(const Node& map, const Place& holder, const std::string& path, const Field& field,
                                 Options& out) {
  const auto* plain = map.find(field.key.name);
  const auto* file = map.find(secret_file_key(field));
  const auto plain_path = join_path(path, field.key.name);
  const auto file_path = join_path(path, secret_file_key(field));
  if (plain != nullptr && plain->value.from_environment()) {
    // Environments are inherited by children and shown by ps and crash reports.
    problems_.add(plain->value.place, plain_path,
                  "a secret does not belong in the environment; set " + plain->value.place.variable +
                      "_FILE to the path of a file");
    return;
  }
  if (plain != nullptr && file != nullptr && !file->value.from_environment()) {
    problems_.add(file->place, file_path, "write " + std::string(field.key.name) + " or " + file->key + ", not both");
    return;
  }
  if (file == nullptr) {
    if (plain != nullptr)
      read_field(*plain, plain_path, field, out);
    else if (field.key.required)
      problems_.add(holder, plain_path, "missing; write it or " + secret_file_key(field));
    return;
  }
  const Field path_field{{field.key.name, Kind::text, true, "", ""}};
  const auto checked = check_scalar(path_field, file->value);
  if (!checked.problem.empty()) {
    problems_.add(file->value.place, file_path, checked.problem);
    return;
  }
  const auto secret = read_secret(folder_ / checked.value);
  if (!secret)
    problems_.add(file->value.place, file_path, secret.error().detail);
  else if (has_control(*secret))
    problems_.add(file->value.place, file_path, "the file holds more than one line, or a control character");
  else
    out.values[std::string(field.key.name)] = *secret;
}

void FieldReader::report_unknown(const Node& map, const std::string& path, std::span<const Field> fields,
                                 std::span<const std::string_view> others) {
  std::vector<std::string_view> known(others.begin(), others.end());
  std::vector<std::string> file_keys;
  file_keys.reserve(fields.size());  // Views of these strings are kept: they must not move.
  for (const auto& field : fields) {
    known.push_back(field.key.name);
    if (field.key.kind != Kind::secret) continue;
    file_keys.push_back(secret_file_key(field));
    known.push_back(file_keys.back());
  }
  for (const auto& entry : map.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    problems_.add(entry.place, join_path(path, entry.key), "unknown key" + did_you_mean(entry.key, known));
  }
}

}  // namespace usher::config
