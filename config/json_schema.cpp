// The JSON Schema (draft 2020-12) of the file, for editors and reviews. It says what one key may hold; what ties keys
// together (references, one of several secrets' sources in other files) only the loader can say.
#include <boost/json.hpp>

#include "config/field.hpp"
#include "config/settings.hpp"
#include "config/value_forms.hpp"

namespace usher::config {
namespace {

namespace json = boost::json;

constexpr const char* name_pattern = "^[a-z0-9][a-z0-9_-]{0,63}$";

json::string text_of(std::string_view text) { return json::string(text.data(), text.size()); }

json::object typed(const char* type) { return {{"type", type}}; }

json::object patterned(const char* pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

json::object whole(long long least, long long most) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
}

json::object text_schema(const Field& field) {
  switch (field.form) {
    case Form::name:
      return patterned(name_pattern);
    case Form::listen:
      return patterned("^([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$");
    case Form::origin:
      return patterned("^https?://[a-z0-9.:\\[\\]-]+$");
    case Form::address:
      return patterned("^[0-9A-Fa-f.:]+$");
    case Form::language:
      return patterned("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$");
    case Form::digest:
      return patterned("^[0-9A-Fa-f]{64}$");
    case Form::endpoint:
      return patterned(field.choices.empty() ? "^tcp://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"
                                             : "^(off|tcp://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5})$");
    case Form::redis:
      return patterned("^(unix:///.+|redis://([^@:/]+@)?([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[0-9]{1,4})?)$");
    case Form::topic:
      return patterned("^[A-Za-z0-9._-]{1,100}$");
    case Form::choice: {
      json::array choices;
      for (const auto choice : field.choices) choices.push_back(text_of(choice));
      return {{"enum", std::move(choices)}};
    }
    default:
      break;
  }
  auto schema = typed("string");
  if (field.key.required || field.key.kind == Kind::secret) schema["minLength"] = 1;
  return schema;
}

json::object map_schema(const Field& field) {
  auto schema = typed("object");
  if (field.form == Form::levels || field.form == Form::counts) {
    schema["propertyNames"] = json::object{{"pattern", name_pattern}};
    schema["additionalProperties"] = whole(field.least, field.most);
    if (field.form == Form::counts) schema["properties"] = json::object{{"total", whole(1, field.most)}};
  } else {
    schema["additionalProperties"] = typed("string");
  }
  if (field.key.required) schema["minProperties"] = 1;
  return schema;
}

json::object list_schema(const Field& field) {
  auto schema = typed("array");
  schema["items"] = field.form == Form::any ? json::object{{"type", "string"}, {"minLength", 1}} : text_schema(field);
  if (field.key.required) schema["minItems"] = 1;
  return schema;
}

json::object field_schema(const Field& field) {
  json::object schema;
  switch (field.key.kind) {
    case Kind::text:
    case Kind::secret:
      schema = text_schema(field);
      break;
    case Kind::number:
      schema = whole(field.least, field.most);
      break;
    case Kind::flag:
      schema = typed("boolean");
      break;
    case Kind::duration:
      schema = patterned("^[0-9]{1,12}(ms|s|m|h|d)$");
      break;
    case Kind::url:
      schema = patterned("^https?://[^\\s]+$");
      break;
    case Kind::list:
      schema = list_schema(field);
      break;
    case Kind::map:
      schema = map_schema(field);
      break;
  }
  if (!field.key.about.empty()) schema["description"] = text_of(field.key.about);
  const auto fallback = field.key.fallback;
  if (fallback.empty()) return schema;
  if (field.key.kind == Kind::number)
    schema["default"] = parse_number(fallback).value_or(0);
  else if (field.key.kind == Kind::flag)
    schema["default"] = fallback == "true";
  else if (field.key.kind != Kind::list && field.key.kind != Kind::map)
    schema["default"] = text_of(fallback);
  return schema;
}

// A map of exactly these keys; a secret counts as two, of which at most one is written.
json::object closed_map(std::string_view about, std::span<const Field> fields) {
  json::object properties;
  json::array required;
  json::array one_of_two;
  for (const auto& field : fields) {
    const auto name = text_of(field.key.name);
    properties[name] = field_schema(field);
    if (field.key.kind != Kind::secret) {
      if (field.key.required) required.push_back(name);
      continue;
    }
    const auto file = text_of(std::string(field.key.name) + std::string(secret_suffix));
    properties[file] =
        json::object{{"type", "string"},
                     {"minLength", 1},
                     {"description", "Path of a file of mode 0600 that holds " + std::string(field.key.name) + "."}};
    one_of_two.push_back(json::object{{"not", json::object{{"required", json::array{name, file}}}}});
    if (!field.key.required) continue;
    one_of_two.push_back(json::object{{"anyOf", json::array{json::object{{"required", json::array{name}}},
                                                            json::object{{"required", json::array{file}}}}}});
  }
  auto schema = typed("object");
  if (!about.empty()) schema["description"] = text_of(about);
  schema["properties"] = std::move(properties);
  schema["additionalProperties"] = false;
  if (!required.empty()) schema["required"] = std::move(required);
  if (!one_of_two.empty()) schema["allOf"] = std::move(one_of_two);
  return schema;
}

// Sections and collections may be written without anything in them.
void allow_empty(json::object& schema) { schema["type"] = json::array{schema["type"], "null"}; }

json::object named(json::object values) {
  auto schema = typed("object");
  schema["propertyNames"] = json::object{{"pattern", name_pattern}};
  schema["additionalProperties"] = std::move(values);
  return schema;
}

json::object connector_schema(const ConnectorKeys& connector_keys, const std::vector<std::string>& types,
                              json::object& definitions) {
  json::array names;
  json::array by_type;
  for (const auto& type : types) {
    const auto keys = connector_keys(type);
    if (!keys) continue;
    names.push_back(text_of(type));
    auto definition = closed_map("A connector of type " + type + ".", fields_of(*keys));
    definition["properties"].as_object()["type"] = json::object{{"const", type}};
    definitions["connector-" + type] = std::move(definition);
    const json::object is_type{{"properties", json::object{{"type", json::object{{"const", type}}}}},
                               {"required", json::array{"type"}}};
    by_type.push_back(json::object{{"if", is_type}, {"then", json::object{{"$ref", "#/$defs/connector-" + type}}}});
  }
  auto schema = typed("object");
  schema["properties"] = json::object{{"type", json::object{{"enum", std::move(names)}}}};
  schema["required"] = json::array{"type"};
  if (!by_type.empty()) schema["allOf"] = std::move(by_type);
  return schema;
}

json::object rule_schema() {
  auto when = closed_map(when_section.about, when_section.fields);
  when["minProperties"] = 1;
  auto then = closed_map(then_section.about, then_section.fields);
  then["minProperties"] = 1;
  auto rule = closed_map(rule_section.about, rule_section.fields);
  auto& properties = rule["properties"].as_object();
  properties["when"] = std::move(when);
  properties["then"] = std::move(then);
  rule["required"] = json::array{"name", "when", "then"};
  return rule;
}

json::object agent_schema() {
  auto agent = closed_map(agent_section.about, agent_section.fields);
  auto& conditions = agent["allOf"].as_array();
  for (const auto* other : {"token", "token_file"}) {
    conditions.push_back(json::object{{"not", json::object{{"required", json::array{other, "token_sha256"}}}}});
  }
  return agent;
}

json::object queue_schema() {
  auto queue = closed_map(queue_section.about, queue_section.fields);
  allow_empty(queue);
  return queue;
}

json::object collection_schema(std::string_view name, json::object connector) {
  if (name == "connectors") return named(std::move(connector));
  if (name == "labels") return named(list_schema({{"words", Kind::list, true, "", ""}}));
  if (name == "rules") return {{"type", "array"}, {"items", rule_schema()}};
  auto agent = agent_schema();
  allow_empty(agent);
  auto schema = named(name == "queues" ? queue_schema() : std::move(agent));
  if (name == "queues") schema["minProperties"] = 1;
  return schema;
}

}  // namespace

std::string json_schema(const ConnectorKeys& connector_keys, const std::vector<std::string>& connector_types) {
  json::object definitions;
  const auto connector = connector_schema(connector_keys, connector_types, definitions);
  auto body = closed_map("Configuration of Usher.", top_section.fields);
  auto& properties = body["properties"].as_object();
  for (const auto& section : sections) {
    auto schema = closed_map(section.about, section.fields);
    allow_empty(schema);
    properties[text_of(section.name)] = std::move(schema);
  }
  for (const auto& collection : collections) {
    auto schema = collection_schema(collection.name, connector);
    schema["description"] = text_of(collection.about);
    if (collection.name != "queues") allow_empty(schema);
    properties[text_of(collection.name)] = std::move(schema);
  }
  body["required"].as_array().push_back("queues");
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "usher.yaml"}};
  for (auto& [key, value] : body) schema[key] = std::move(value);
  if (!definitions.empty()) schema["$defs"] = std::move(definitions);
  return json::serialize(schema);
}

}  // namespace usher::config
