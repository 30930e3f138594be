// Flowed text: one pass, line by line.
#include "connectors/email/flowed_text.hpp"

#include <algorithm>

namespace usher::connectors::email {

std::string with_plain_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r') out += text[at];
    else if (at + 1 == text.size() || text[at + 1] != '\n') out += '\n';
  }
  return out;
}

std::string unflow(std::string_view text, bool joined_without_blank) {
  std::string out;
  out.reserve(text.size());
  bool flowing = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const bool quoted = line.starts_with('>');
    if (!quoted && line.starts_with(' ')) line.remove_prefix(1);  // Space-stuffed.
    const bool signature = line == "-- ";
    if (flowing && (quoted || signature)) out += '\n';
    flowing = !quoted && !signature && line.ends_with(' ') && end < text.size();
    if (flowing && joined_without_blank) line.remove_suffix(1);
    out += line;
    if (!flowing && end < text.size()) out += '\n';
  }
  return out;
}

}  // namespace usher::connectors::email
