// One scalar against one field: the value to keep, or the sentence that says what to write instead.
#include "config/field_reader.hpp"
#include "config/utf8.hpp"
#include "config/value_forms.hpp"
#include "config/wording.hpp"
#include "routing/message/limits.hpp"

namespace usher::config {
namespace {

Checked wrong(std::string sentence) { return {"", std::move(sentence)}; }

std::string between(long long least, long long most, std::string (*text)(long long)) {
  if (most == std::numeric_limits<long long>::max()) return "must be at least " + text(least);
  return "must be between " + text(least) + " and " + text(most);
}

std::string number_text(long long value) { return std::to_string(value); }

Checked check_number(const Field& field, const Node& node) {
  const auto value = parse_number(node.text);
  if (!value) return wrong("expected a whole number, not " + shown(node.text));
  if (node.quoted) return wrong("expected a whole number; write " + node.text + " without quotes");
  if (*value < field.least || *value > field.most) return wrong(between(field.least, field.most, number_text));
  return {std::to_string(*value), ""};
}

Checked check_duration(const Field& field, const Node& node) {
  const auto value = parse_duration(node.text);
  if (!value) return wrong("expected a duration such as 250ms, 30s, 5m, 4h or 7d, not " + shown(node.text));
  if (*value < field.least || *value > field.most) return wrong(between(field.least, field.most, duration_text));
  return {std::to_string(*value), ""};
}

Checked check_flag(const Node& node) {
  if (!node.quoted && (node.text == "true" || node.text == "false")) return {node.text, ""};
  if (node.quoted) return wrong("expected true or false without quotes");
  if (is_old_flag(node.text))
    return wrong("write true or false; " + shown(node.text) + " is read differently by different programs");
  return wrong("expected true or false, not " + shown(node.text));
}

Checked check_name(const std::string& text) {
  if (is_name(text)) return {text, ""};
  return wrong(shown(text) + " is not a name: use a-z, 0-9, _ and -, beginning with a letter or digit, 64 at most");
}

Checked check_form(const Field& field, const std::string& text) {
  switch (field.form) {
    case Form::name:
      return check_name(text);
    case Form::listen:
      if (parse_listen(text)) return {text, ""};
      return wrong("expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, not " + shown(text));
    case Form::choice:
      for (const auto choice : field.choices) {
        if (text == choice) return {text, ""};
      }
      return wrong(shown(text) + " is not one of " + listed(field.choices));
    case Form::origin:
      if (is_origin(text)) return {text, ""};
      return wrong("expected an origin such as https://desk.example.com, without a path, not " + shown(text));
    case Form::address:
      if (const auto address = canonical_address(text)) return {*address, ""};
      return wrong("expected an IPv4 or IPv6 address, not " + shown(text));
    case Form::language:
      if (is_language(text)) return {text, ""};
      return wrong("expected a language such as en or pt-BR, not " + shown(text));
    case Form::digest:
      if (is_digest(text)) break;
      return wrong("expected the 64 hexadecimal digits of a SHA-256");
    case Form::endpoint:
      if (parse_endpoint(text)) return {text, ""};
      if (!field.choices.empty() && text == field.choices.front()) return {text, ""};
      return wrong("expected an endpoint such as tcp://127.0.0.1:5570" +
                   (field.choices.empty() ? std::string() : " or " + listed(field.choices)) + ", not " + shown(text));
    case Form::redis:
      if (parse_redis_url(text)) return {text, ""};
      return wrong("expected redis://[user@]host[:port][/database] or unix:///path, and no password in it");
    case Form::topic:
      if (is_topic_prefix(text)) return {text, ""};
      return wrong("expected letters, digits, '.', '_' and '-', 100 at most, not " + shown(text));
    case Form::any:
    case Form::levels:
    case Form::counts:
      break;
  }
  return {text, ""};
}

Checked check_text(const Field& field, const Node& node) {
  const bool secret = field.key.kind == Kind::secret;
  // What YAML reads as a number may be a token in which leading zeros count: quotes make it plain.
  if (!node.quoted && !node.from_environment() && reads_as_number_or_flag(node.text)) {
    return wrong(secret ? "expected text; put it in quotes" : "expected text; put " + node.text + " in quotes");
  }
  if (has_control(node.text)) return wrong("holds a line end or another control character");
  if (node.text.size() > message::limits::short_field_bytes_max * 4) return wrong("is longer than 4 KiB");
  if (node.text.empty() && (secret || field.key.required || field.form != Form::any)) return wrong("is empty");
  return check_form(field, node.text);
}

Checked check_url(const Node& node) {
  if (is_url(node.text)) return {node.text, ""};
  return wrong("expected a URL that begins with http:// or https://, not " + shown(node.text));
}

}  // namespace

Checked check_scalar(const Field& field, const Node& node) {
  if (node.type == Node::Type::null) return wrong("has no value; write one or remove the key");
  if (node.type != Node::Type::scalar) {
    return wrong(std::string("expected a single value, not a ") + (node.type == Node::Type::list ? "list" : "map"));
  }
  switch (field.key.kind) {
    case Kind::number:
      return check_number(field, node);
    case Kind::duration:
      return check_duration(field, node);
    case Kind::flag:
      return check_flag(node);
    case Kind::url:
      return check_url(node);
    default:
      return check_text(field, node);
  }
}

Checked check_item(const Field& field, const Node& node) {
  auto checked = check_scalar(
      {{field.key.name, Kind::text, true, "", ""}, field.form, field.least, field.most, field.choices}, node);
  return checked;
}

Checked check_pair(const Field& field, const Entry& entry) {
  const bool numbers = field.form == Form::levels || field.form == Form::counts;
  const auto key =
      numbers ? check_name(entry.key) : Checked{entry.key, has_control(entry.key) ? "holds a control character" : ""};
  if (!key.problem.empty()) return key;
  // Work that an agent may hold in total can not be nothing: such an agent is left out of the file.
  const auto least = field.form == Form::counts && entry.key == "total" ? 1 : field.least;
  return check_scalar(
      {{field.key.name, numbers ? Kind::number : Kind::text, false, "", ""}, Form::any, least, field.most, {}},
      entry.value);
}

}  // namespace usher::config
