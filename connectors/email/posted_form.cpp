// Posted forms: delimiter to delimiter, without a copy of what stands between.
#include "connectors/email/posted_form.hpp"

#include <algorithm>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/encoded_words.hpp"
#include "connectors/email/header_block.hpp"

namespace usher::connectors::email {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// A '%' that stands alone is itself.
std::string undo_percent(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// Takes the value that `text` begins with: quoted, its escapes undone, or up to the next semicolon.
std::string take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find(';'), text.size());
    value = trimmed(text.substr(0, end));
    text.remove_prefix(end);
    return value;
  }
  std::size_t at = 1;
  for (; at < text.size() && text[at] != '"'; ++at) {
    // Only these two: paths of Windows came with their backslashes as they are.
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\')) ++at;
    value += text[at];
  }
  text.remove_prefix(std::min(at + 1, text.size()));
  text.remove_prefix(std::min(text.find(';'), text.size()));
  return value;
}

// RFC 8187: iso-8859-1'en'%A3.
std::string undo_extended(std::string_view text) {
  const std::size_t first = text.find('\''), second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos) return to_utf8(undo_percent(text, false), "");
  return to_utf8(undo_percent(text.substr(second + 1), false), text.substr(0, first));
}

void read_part_header(PostedField& field, std::string_view header) {
  // Names of files are written in any character set.
  for (const HeaderField& line : read_header_block(to_utf8(header, "")).headers.fields) {
    if (line.name == "content-type") field.type = ascii_lower(trimmed(std::string_view(line.value).substr(0, line.value.find(';'))));
    if (line.name != "content-disposition") continue;
    field.name = field_parameter(line.value, "name").value_or("");
    const auto name = field_parameter(line.value, "filename");
    field.is_file = name.has_value();
    field.file_name = decode_words(name.value_or(""));
  }
}

Error cut_short() { return fail(Fault::unavailable, "the form is cut short"); }

Result<PostedForm> read_multipart(std::string_view body, const std::string& boundary) {
  if (boundary.empty() || boundary.size() > 200) return fail(Fault::malformed, "Content-Type: has no boundary");
  const std::string opening = "--" + boundary, delimiter = "\r\n" + opening;
  PostedForm form;
  std::size_t at = body.starts_with(opening) ? opening.size() : body.find(delimiter);
  if (at == std::string_view::npos) return fail(Fault::malformed, "the body holds no part");
  if (!body.starts_with(opening)) at += delimiter.size();
  while (!body.substr(at).starts_with("--")) {
    at = body.find("\r\n", at);
    if (at == std::string_view::npos) return cut_short();
    const std::size_t next = body.find(delimiter, at);
    if (next == std::string_view::npos) return cut_short();
    // Sought in the part alone: this runs before anybody has proved anything, so it may not look at a byte twice. The second
    // line end may be the delimiter's.
    const std::string_view head = body.substr(at, std::min(next + 2 - at, limits::posted_header_bytes_max));
    const std::size_t blank = head.find("\r\n\r\n");
    PostedField field;
    if (blank != std::string_view::npos) {
      read_part_header(field, head.substr(0, blank));
      if (at + blank + 4 <= next) field.bytes = body.substr(at + blank + 4, next - at - blank - 4);
    }
    at = next + delimiter.size();
    if (field.name.empty()) continue;
    if (form.fields.size() < limits::posted_fields_max) form.fields.push_back(std::move(field));
    else form.cut = true;
  }
  return form;
}

PostedForm read_urlencoded(std::string_view body) {
  PostedForm form;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (form.fields.size() == limits::posted_fields_max) {
      form.cut = true;
      break;
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (equals == 0) continue;
    form.decoded.push_back(undo_percent(pair.substr(std::min(equals + 1, pair.size())), true));
    form.fields.push_back({undo_percent(pair.substr(0, equals), true), form.decoded.back(), false, {}, {}});
  }
  return form;
}

}  // namespace

std::optional<std::string> field_parameter(std::string_view value, std::string_view name) {
  std::optional<std::string> plain;
  std::string_view rest = value.substr(std::min(value.find(';'), value.size()));
  while (rest.starts_with(';')) {
    rest = trimmed(rest.substr(1));
    const std::size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos || rest[equals] == ';') {
      rest.remove_prefix(std::min(equals, rest.size()));
      continue;
    }
    const std::string one = ascii_lower(trimmed(rest.substr(0, equals)));
    rest = trimmed(rest.substr(equals + 1));
    std::string text = take_value(rest);
    if (one == std::string(name) + "*") return undo_extended(text);
    if (one == name && !plain) plain = to_utf8(text, "");
  }
  return plain;
}

const PostedField* PostedForm::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const PostedField& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::string_view PostedForm::bytes(std::string_view name) const {
  const PostedField* field = find(name);
  return field == nullptr ? std::string_view() : field->bytes;
}

Result<PostedForm> read_posted_form(const Raw& raw) {
  const std::string type = ascii_lower(trimmed(std::string_view(raw.content_type).substr(0, raw.content_type.find(';'))));
  if (type == "application/x-www-form-urlencoded") return read_urlencoded(raw.body);
  if (type != "multipart/form-data") return fail(Fault::malformed, "Content-Type: must be a form's");
  return read_multipart(raw.body, field_parameter(raw.content_type, "boundary").value_or(""));
}

}  // namespace usher::connectors::email
