// Header block: one pass over the lines.
#include "connectors/email/header_block.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/charset.hpp"
#include "connectors/email/email_limits.hpp"
#include "connectors/email/encoded_words.hpp"

namespace usher::connectors::email {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// The line at `at` without its end; `at` moves behind it.
std::string_view take_line(std::string_view bytes, std::size_t& at) {
  const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
  std::string_view line = bytes.substr(at, end - at);
  at = std::min(end + 1, bytes.size());
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// The name before the colon, "" when the line is no field. A blank before the colon is tolerated: old gateways write it.
std::string field_name(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = trimmed(line.substr(0, colon));
  const bool named = !name.empty() && !is_blank(line.front()) &&
                     std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return named ? ascii_lower(name) : std::string();
}

// A line that is no field, in the midst of a header: some program lost the blank that continues a field. The header goes
// on when a field that only headers have follows before the empty line.
bool header_goes_on(std::string_view bytes, std::size_t at) {
  static constexpr auto known = std::to_array<std::string_view>(
      {"content-type", "content-transfer-encoding", "mime-version", "message-id", "received", "subject", "from", "to", "date", "return-path", "dkim-signature"});
  for (std::size_t lines = 0; lines < 50 && at < bytes.size(); ++lines) {
    const std::string_view line = take_line(bytes, at);
    if (line.empty()) return false;
    const std::string name = field_name(line.substr(0, 200));
    if (name.starts_with("x-") || std::find(known.begin(), known.end(), name) != known.end()) return true;
  }
  return false;
}

void append(std::string& value, std::string_view more, bool& cut) {
  const std::size_t room = limits::header_value_bytes_max - std::min(limits::header_value_bytes_max, value.size());
  if (more.size() > room) cut = true;
  value += more.substr(0, room);
}

void add_id(std::vector<std::string>& ids, std::string_view id) {
  id = trimmed(id);
  while (!id.empty() && (id.front() == '<' || id.front() == ',')) id.remove_prefix(1);
  if (id.empty() || ids.size() >= limits::thread_ids_max) return;
  std::string text(cut_utf8(id, usher::message::limits::short_field_bytes_max));
  if (std::find(ids.begin(), ids.end(), text) == ids.end()) ids.push_back(std::move(text));
}

// Words with an `@` in place of ids in brackets.
void add_bare_ids(std::vector<std::string>& ids, std::string_view value) {
  for (std::size_t begin = 0; begin < value.size();) {
    const std::size_t end = std::min(value.find_first_of(" \t,;<>", begin), value.size());
    const std::string_view word = value.substr(begin, end - begin);
    if (word.find('@') != std::string_view::npos) add_id(ids, word);
    begin = end + 1;
  }
}

// Against RFC 2047 5, programs that fold at 78 bytes write an id that is longer as encoded words, brackets and all. What stands
// in them without brackets is somebody's words.
void add_encoded_ids(std::vector<std::string>& ids, std::string_view value) {
  if (value.find("=?") == std::string_view::npos) return;
  const std::string text = decode_words(value);
  for (std::size_t at = text.find('<'); at != std::string::npos;) {
    const std::size_t end = text.find_first_of("<>", at + 1);
    if (end == std::string::npos) return;
    const std::string_view id = std::string_view(text).substr(at + 1, end - at - 1);
    if (text[end] == '>' && std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; })) add_id(ids, id);
    at = text.find('<', end);
  }
}

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool starts_with_nocase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool contains_nocase(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return lower(a) == b; }) != text.end();
}

std::string_view HeaderList::value(std::string_view name) const {
  for (const auto& field : fields)
    if (field.name == name) return field.value;
  return {};
}

bool HeaderList::has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& field) { return field.name == name; });
}

HeaderBlock read_header_block(std::string_view bytes, std::string_view charset) {
  HeaderBlock block;
  // Some programs save a mail with the mark that other texts begin with.
  std::size_t at = bytes.starts_with("\xef\xbb\xbf") ? 3 : 0;
  while (at < bytes.size() && (bytes[at] == '\r' || bytes[at] == '\n')) ++at;
  // The separator of an mbox file, quoted or not, is no field.
  if (bytes.substr(at).starts_with("From ") || bytes.substr(at).starts_with(">From ")) take_line(bytes, at);
  const std::size_t begin = at;
  auto& fields = block.headers.fields;
  while (at < bytes.size()) {
    const std::size_t line_at = at;
    const std::string_view line = take_line(bytes, at);
    if (line.empty()) break;
    if (at - begin > limits::header_block_bytes_max || fields.size() >= limits::header_fields_max) {
      block.cut = true;
      continue;  // The body still begins at the first empty line.
    }
    if (is_blank(line.front()) && !fields.empty()) {
      append(fields.back().value, " ", block.cut);
      append(fields.back().value, trimmed(line), block.cut);
      continue;
    }
    std::string name = field_name(line);
    if (name.empty() && !fields.empty() && header_goes_on(bytes, at)) continue;
    if (name.empty()) {
      // Text without a header at all, or a body that no empty line sets apart.
      at = line_at;
      break;
    }
    fields.push_back({std::move(name), {}});
    append(fields.back().value, trimmed(line.substr(line.find(':') + 1)), block.cut);
  }
  for (auto& field : fields) field.value = to_utf8(trimmed(field.value), charset);
  block.body_at = at;
  return block;
}

std::vector<std::string> read_ids(std::string_view value) {
  std::vector<std::string> ids;
  std::size_t behind = 0;
  for (std::size_t at = value.find('<'); at != std::string_view::npos; at = value.find('<', behind)) {
    const std::size_t end = value.find('>', at);
    if (end == std::string_view::npos) break;
    add_encoded_ids(ids, value.substr(behind, at - behind));
    add_id(ids, value.substr(at + 1, end - at - 1));
    behind = end + 1;
  }
  add_encoded_ids(ids, value.substr(behind));
  if (ids.empty()) add_bare_ids(ids, value);
  return ids;
}

}  // namespace usher::connectors::email
