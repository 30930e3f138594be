// JSON of strangers, by Boost.JSON.
#include "connectors/json_input.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "connectors/attached_file.hpp"
#include "connectors/signature.hpp"
#include "connectors/text_rules.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"

namespace usher::connectors {

namespace json = boost::json;

namespace {

Error not_a(std::string_view name, const char* what) {
  return fail(Fault::malformed, std::string(name) + ": must be " + what);
}

// The string itself; empty when absent or null.
Result<std::string_view> string_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string_view();
  const json::string* text = value->if_string();
  if (text == nullptr) return not_a(name, "a string");
  return std::string_view(text->data(), text->size());
}

json::parse_options depth_limited() {
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  return options;
}

// What no message can hold, or "": a NUL in any string or key, a number beyond all numbers (1e999 is read as infinity, and
// JSON has no word for that). Depth is bounded by the parser.
std::string_view unwritable(const json::value& value) {
  constexpr std::string_view nul = "a NUL";
  if (const auto* text = value.if_string()) return text->find('\0') != json::string::npos ? nul : "";
  if (const auto* number = value.if_double()) return std::isfinite(*number) ? "" : "a number that is too large";
  if (const auto* list = value.if_array()) {
    for (const auto& item : *list)
      if (const auto found = unwritable(item); !found.empty()) return found;
  }
  if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) {
      if (std::string_view(key).find('\0') != std::string_view::npos) return nul;
      if (const auto found = unwritable(item); !found.empty()) return found;
    }
  }
  return "";
}

}  // namespace

Result<json::object> parse_own_object(std::string_view body) {
  // Before the parser: its own UTF-8 check is not asked about surrogates within escapes.
  if (!valid_utf8(body)) return fail(Fault::malformed, "the body is not UTF-8");
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(body.data(), body.size()), error, {}, depth_limited());
  if (error) return fail(Fault::malformed, "the body is not JSON: " + error.message());
  if (!value.is_object()) return fail(Fault::malformed, "the body is not a JSON object");
  return std::move(value.as_object());
}

Result<json::object> parse_object(std::string_view body) {
  auto object = parse_own_object(body);
  if (!object) return object;
  for (const auto& [key, value] : *object) {
    const auto found = std::string_view(key).find('\0') != std::string_view::npos ? "a NUL" : unwritable(value);
    if (!found.empty()) return fail(Fault::malformed, "the body holds " + std::string(found));
  }
  return object;
}

Result<std::string> line_member(const json::object& object, std::string_view name) {
  auto text = string_member(object, name);
  if (!text) return text.error();
  auto checked = check_line(name, *text);
  if (!checked) return checked.error();
  return std::string(*text);
}

Result<std::string> text_member(const json::object& object, std::string_view name, std::size_t bytes_max) {
  auto text = string_member(object, name);
  if (!text) return text.error();
  auto checked = check_text(name, *text, bytes_max);
  if (!checked) return checked.error();
  return std::string(*text);
}

Result<void> attach_members(const json::object& object, Parsed& parsed, Message& message) {
  const json::value* value = object.if_contains("attachments");
  if (value == nullptr || value->is_null()) return {};
  const json::array* list = value->if_array();
  if (list == nullptr) return not_a("attachments", "a list");
  for (const json::value& item : *list) {
    const json::object* file = item.if_object();
    if (file == nullptr) return not_a("attachments", "a list of objects");
    auto name = line_member(*file, "name");
    if (!name) return name.error();
    auto type = line_member(*file, "type");
    if (!type) return type.error();
    const json::value* data = file->if_contains("data");
    const json::string* text = data == nullptr ? nullptr : data->if_string();
    auto bytes = text == nullptr ? std::nullopt : decode_base64(std::string_view(text->data(), text->size()));
    if (!bytes) return not_a("attachments.data", "base64 with padding and without white space");
    auto attached = attach_file(parsed, message, *name, *type, std::move(*bytes));
    if (!attached) return attached.error();
  }
  return {};
}

Result<std::string> extra_fields(json::object fields) {
  if (fields.empty()) return std::string();
  if (fields.size() > limits::list_items_max) return fail(Fault::too_large, "too many fields");
  json::object extra;
  extra.emplace("fields", std::move(fields));
  std::string text = json::serialize(extra);
  if (text.size() > limits::record_bytes_max / 4) return fail(Fault::too_large, "the further fields are too long");
  // They stand deeper in the message than in the body, and the journal's reader has one limit for all of it.
  boost::system::error_code error;
  json::parse(text, error, {}, depth_limited());
  if (error) return fail(Fault::malformed, "the further fields are nested too deep");
  return text;
}

}  // namespace usher::connectors
