// Media types: one pass over the text, no recursion.
#include "connectors/media_type.hpp"

namespace usher::connectors {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Reads the quoted text that `text` begins with, and takes it off. Only \" is an escape: browsers of old sent whole
// Windows paths as file names, with their backslashes as they are.
Result<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
    value += text[i];
  }
  return fail(Fault::malformed, "a quoted parameter is not closed");
}

}  // namespace

const std::string& MediaType::parameter(std::string_view name) const {
  static const std::string none;
  const auto found = parameters.find(std::string(name));
  return found == parameters.end() ? none : found->second;
}

Result<MediaType> parse_media_type(std::string_view text) {
  MediaType type;
  const std::size_t semicolon = text.find(';');
  type.value = lower(trim(text.substr(0, semicolon)));
  text.remove_prefix(semicolon == std::string_view::npos ? text.size() : semicolon + 1);
  while (!trim(text).empty()) {
    text = trim(text);
    const std::size_t end = text.find_first_of("=;");
    if (end == std::string_view::npos || text[end] == ';' || end == 0)
      return fail(Fault::malformed, "a parameter of a media type has no name or no value");
    const std::string name = lower(trim(text.substr(0, end)));
    text = trim(text.substr(end + 1));
    std::string value;
    if (text.starts_with('"')) {
      auto quoted = take_quoted(text);
      if (!quoted) return quoted.error();
      value = std::move(*quoted);
      text = trim(text);
      if (!text.empty() && text.front() != ';') return fail(Fault::malformed, "text follows a quoted parameter");
    } else {
      const std::size_t stop = std::min(text.find(';'), text.size());
      value = trim(text.substr(0, stop));
      text.remove_prefix(stop);
    }
    if (!text.empty()) text.remove_prefix(1);
    if (!type.parameters.emplace(name, std::move(value)).second)
      return fail(Fault::malformed, "a parameter of a media type is given twice");
  }
  return type;
}

bool is_utf8_charset(std::string_view charset) {
  const std::string name = lower(charset);
  return name.empty() || name == "utf-8" || name == "utf8" || name == "us-ascii" || name == "ascii";
}

}  // namespace usher::connectors
