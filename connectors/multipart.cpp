// multipart/form-data: delimiter to delimiter.
#include "connectors/multipart.hpp"

#include <optional>

#include "connectors/media_type.hpp"
#include "connectors/urlencoded.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

namespace {

constexpr std::size_t header_bytes_max = 8 * 1024;
constexpr std::size_t header_lines_max = 16;

Error malformed(const char* what) { return fail(Fault::malformed, std::string("multipart: ") + what); }

// WHATWG: browsers spell exactly these three characters of a name this way.
std::string undo_browser_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = text.substr(i, 3);
    const char plain = escape == "%22" ? '"' : escape == "%0D" ? '\r' : escape == "%0A" ? '\n' : '\0';
    out += plain != '\0' ? plain : text[i];
    if (plain != '\0') i += 2;
  }
  return out;
}

// RFC 8187 for the clients that send filename* though RFC 7578 forbids it: UTF-8''%e2%82%ac.txt
Result<std::string> decode_extended(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos || !is_utf8_charset(text.substr(0, first)))
    return malformed("filename* is not UTF-8");
  return decode_percent(text.substr(second + 1), false);
}

Result<void> read_disposition(FormPart& part, std::string_view value) {
  auto disposition = parse_media_type(value);
  if (!disposition || disposition->value != "form-data" || !disposition->parameters.contains("name"))
    return malformed("a part's Content-Disposition is not form-data with a name");
  part.name = undo_browser_escapes(disposition->parameter("name"));
  const auto plain = disposition->parameters.find("filename");
  const auto extended = disposition->parameters.find("filename*");
  part.is_file = plain != disposition->parameters.end() || extended != disposition->parameters.end();
  if (extended != disposition->parameters.end()) {
    auto name = decode_extended(extended->second);
    if (!name) return name.error();
    part.file_name = std::move(*name);
  } else if (part.is_file) {
    part.file_name = undo_browser_escapes(plain->second);
  }
  return {};
}

Result<void> read_type(FormPart& part, std::string_view value) {
  auto type = parse_media_type(value);
  if (!type) return malformed("a part's Content-Type cannot be read");
  if (!part.is_file && !is_utf8_charset(type->parameter("charset"))) return malformed("a part is not in UTF-8");
  part.type = std::move(type->value);
  return {};
}

bool is_header(std::string_view line, std::string_view name, std::string_view& value) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = line[i] >= 'A' && line[i] <= 'Z' ? static_cast<char>(line[i] - 'A' + 'a') : line[i];
    if (c != name[i]) return false;
  }
  value = line.substr(name.size() + 1);
  return true;
}

// `block` is the header lines without the empty one.
Result<FormPart> read_headers(std::string_view block) {
  FormPart part;
  std::optional<std::string_view> disposition, type;
  for (std::size_t lines = 0; !block.empty(); ++lines) {
    if (lines == header_lines_max) return malformed("a part has too many header lines");
    const std::size_t end = std::min(block.find("\r\n"), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + 2, block.size()));
    if (line.find_first_of("\r\n") != std::string_view::npos || line.find('\0') != std::string_view::npos)
      return malformed("a part's header holds a bare CR, LF or NUL");
    std::string_view value;
    if (is_header(line, "content-disposition", value)) {
      if (disposition) return malformed("a part has two Content-Dispositions");
      disposition = value;
    } else if (is_header(line, "content-type", value)) {
      if (type) return malformed("a part has two Content-Types");
      type = value;
    } else if (is_header(line, "content-transfer-encoding", value)) {
      // RFC 7578 4.7: forbidden. The three that change nothing are harmless.
      auto encoding = parse_media_type(value);
      if (!encoding || (encoding->value != "7bit" && encoding->value != "8bit" && encoding->value != "binary"))
        return malformed("a part has a Content-Transfer-Encoding");
    }
  }
  if (!disposition) return malformed("a part has no Content-Disposition");
  auto read = read_disposition(part, *disposition);
  if (read && type) read = read_type(part, *type);
  if (!read) return read.error();
  return part;
}

bool is_boundary(std::string_view boundary) {
  // RFC 2046 5.1.1.
  if (boundary.empty() || boundary.size() > 70 || boundary.back() == ' ') return false;
  constexpr std::string_view others = "'()+_,-./:=? ";
  for (const char c : boundary) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && others.find(c) == std::string_view::npos) return false;
  }
  return true;
}

// What follows a delimiter: -- for the last, else white space and CRLF. Takes it off.
enum class After { part, end, neither };
After take_after_delimiter(std::string_view& rest) {
  if (rest.starts_with("--")) return After::end;
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  if (!rest.starts_with("\r\n")) return After::neither;
  rest.remove_prefix(2);
  return After::part;
}

}  // namespace

Result<std::vector<FormPart>> parse_multipart(std::string_view body, std::string_view boundary) {
  if (!is_boundary(boundary)) return malformed("the boundary is missing or no boundary");
  const std::string opening = "--" + std::string(boundary);
  const std::string delimiter = "\r\n" + opening;

  // Nothing goes before the first part: RFC 2046 would let a receiver skip such text, and skipping is losing.
  std::string_view rest = body;
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  if (!rest.starts_with(opening)) return malformed("the body does not begin with the boundary");
  rest.remove_prefix(opening.size());
  std::vector<FormPart> parts;
  for (;;) {
    const After after = take_after_delimiter(rest);
    if (after == After::end) return parts;
    if (after == After::neither) return malformed("a delimiter does not end its line");
    if (parts.size() == limits::list_items_max) return fail(Fault::too_large, "multipart: too many parts");
    // The blank line is sought with the last header's CRLF; a part without headers is refused anyway.
    const std::size_t blank = rest.substr(0, header_bytes_max).find("\r\n\r\n");
    if (blank == std::string_view::npos) return malformed("a part's headers do not end, or are too long");
    auto part = read_headers(rest.substr(0, blank));
    if (!part) return part.error();
    // Back over the second CRLF: it may be the one that begins the delimiter of an empty part.
    rest.remove_prefix(blank + 2);
    const std::size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) return malformed("the closing delimiter is missing");
    part->bytes = end < 2 ? std::string_view() : rest.substr(2, end - 2);
    rest.remove_prefix(end + delimiter.size());
    parts.push_back(std::move(*part));
  }
}

}  // namespace usher::connectors
