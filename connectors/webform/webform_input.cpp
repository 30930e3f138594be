// The three body kinds of a form.
#include "connectors/webform/webform_input.hpp"

#include <boost/json.hpp>

#include "connectors/json_input.hpp"
#include "connectors/media_type.hpp"
#include "connectors/text_rules.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace json = boost::json;

namespace {

Result<WebformInput> read_json(const Raw& raw) {
  auto object = parse_object(raw.body);
  if (!object) return object.error();
  WebformInput input;
  for (auto& [key, value] : *object) {
    if (const auto* text = value.if_string()) input.texts.emplace_back(std::string(key), std::string(text->data(), text->size()));
    else if (!value.is_null()) input.object.emplace(key, std::move(value));
  }
  return input;
}

Result<WebformInput> read_urlencoded(const Raw& raw) {
  auto fields = parse_urlencoded(raw.body);
  if (!fields) return fields.error();
  return WebformInput{std::move(*fields), {}, {}};
}

Result<WebformInput> read_multipart(const Raw& raw, std::string_view boundary) {
  auto parts = parse_multipart(raw.body, boundary);
  if (!parts) return parts.error();
  WebformInput input;
  for (FormPart& part : *parts) {
    if (!part.is_file) input.texts.emplace_back(std::move(part.name), std::string(part.bytes));
    // A file field that was left alone arrives as an empty file without a name.
    else if (!part.file_name.empty() || !part.bytes.empty()) input.files.push_back(std::move(part));
  }
  return input;
}

// `usherctl normalize` has bytes only.
Result<WebformInput> read_by_look(const Raw& raw) {
  const std::size_t first = raw.body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && raw.body[first] == '{') return read_json(raw);
  if (raw.body.starts_with("--")) {
    const std::size_t end = raw.body.find("\r\n");
    if (end != std::string::npos) return read_multipart(raw, std::string_view(raw.body).substr(2, end - 2));
  }
  return read_urlencoded(raw);
}

Result<WebformInput> read_by_type(const Raw& raw) {
  if (raw.content_type.empty()) return read_by_look(raw);
  auto type = parse_media_type(raw.content_type);
  if (!type) return type.error();
  if (!is_utf8_charset(type->parameter("charset"))) return fail(Fault::malformed, "the form is not sent in UTF-8");
  if (type->value == "application/x-www-form-urlencoded") return read_urlencoded(raw);
  if (type->value == "multipart/form-data") return read_multipart(raw, type->parameter("boundary"));
  if (type->value == "application/json") return read_json(raw);
  return fail(Fault::malformed, "Content-Type: must be application/x-www-form-urlencoded, multipart/form-data or application/json");
}

}  // namespace

Result<WebformInput> read_webform(const Raw& raw) {
  if (raw.body.size() > limits::http_body_bytes_max) return fail(Fault::too_large, "the form is too large");
  if (raw.body.empty()) return fail(Fault::malformed, "the form is empty");
  auto input = read_by_type(raw);
  if (!input) return input.error();
  for (const auto& [name, text] : input->texts) {
    auto checked = check_line("a field's name", name);
    // The name is the page's, and known to be one clean line: it may be told.
    if (checked) checked = check_text(name, text, limits::message_text_bytes_max);
    if (!checked) return checked.error();
  }
  return input;
}

Result<std::optional<std::string>> take_text(WebformInput& input, std::string_view name) {
  if (input.object.contains(name)) return fail(Fault::malformed, std::string(name) + ": must be a string");
  std::optional<std::string> found;
  for (auto field = input.texts.begin(); field != input.texts.end();) {
    if (field->first != name) {
      ++field;
      continue;
    }
    if (found) return fail(Fault::malformed, std::string(name) + ": given twice");
    found = std::move(field->second);
    field = input.texts.erase(field);
  }
  return found;
}

json::object further_fields(WebformInput input) {
  json::object fields = std::move(input.object);
  for (auto& [name, text] : input.texts) {
    json::value* there = fields.if_contains(name);
    if (there == nullptr) {
      fields.emplace(name, std::move(text));
    } else if (there->is_array()) {
      there->as_array().emplace_back(std::move(text));
    } else {
      json::array both;
      both.push_back(std::move(*there));
      both.emplace_back(std::move(text));
      *there = std::move(both);
    }
  }
  return fields;
}

}  // namespace usher::connectors
