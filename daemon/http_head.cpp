// The strict head check; see http_head.hpp. Pure.
#include "daemon/http_head.hpp"

#include <string>

namespace usher::daemon {

namespace {

bool is_token(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool all_tokens(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (!is_token(c)) return false;
  return true;
}

// RFC 9110 5.5: visible characters, spaces, tabs and opaque bytes; no control character.
bool sound_value(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

bool sound_target(std::string_view target) {
  if (target.empty()) return false;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '"' || c == '<' || c == '>' || c == '#') return false;
  }
  return true;
}

bool is_number(std::string_view text) {
  if (text.empty() || text.size() > 18) return false;
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return true;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<HeadProblem> check_request_line(std::string_view line, bool& host_wanted) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HeadProblem{400, "The request line is malformed."};
  const auto version = line.substr(last + 1);
  if (!all_tokens(line.substr(0, first))) return HeadProblem{400, "The method is malformed."};
  if (!sound_target(line.substr(first + 1, last - first - 1))) return HeadProblem{400, "The target is malformed."};
  if (!version.starts_with("HTTP/")) return HeadProblem{400, "The version is malformed."};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HeadProblem{505, "HTTP/1.1 is spoken here."};
  host_wanted = version == "HTTP/1.1";
  return std::nullopt;
}

struct Seen {
  int lengths = 0;
  int encodings = 0;
  int hosts = 0;
};

std::optional<HeadProblem> check_field(std::string_view line, Seen& seen) {
  // RFC 9112 5.2: a folded line is refused; it would join the header before it.
  if (line.front() == ' ' || line.front() == '\t') return HeadProblem{400, "A header is folded over two lines."};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return HeadProblem{400, "A header has no colon."};
  // RFC 9112 5.1: no space between name and colon.
  if (!all_tokens(line.substr(0, colon))) return HeadProblem{400, "A header's name is malformed."};
  const auto value = trimmed(line.substr(colon + 1));
  if (!sound_value(value)) return HeadProblem{400, "A header's value holds a control character."};
  const auto name = lower(line.substr(0, colon));
  if (name == "content-length") {
    ++seen.lengths;
    if (!is_number(value)) return HeadProblem{400, "Content-Length is not a number."};
  } else if (name == "transfer-encoding") {
    ++seen.encodings;
    if (lower(value) != "chunked") return HeadProblem{501, "Only the chunked transfer coding is understood."};
  } else if (name == "host") {
    ++seen.hosts;
    if (value.find_first_of(" \t,/@") != std::string_view::npos) return HeadProblem{400, "Host is malformed."};
  }
  return std::nullopt;
}

}  // namespace

HeadEnd find_head(std::string_view bytes) {
  std::size_t at = 0;
  for (;;) {
    const auto newline = bytes.find('\n', at);
    if (newline == std::string_view::npos) return {};
    if (newline == 0 || bytes[newline - 1] != '\r')
      return {std::nullopt, HeadProblem{400, "A line does not end in CRLF."}};
    if (newline == at + 1) return {newline + 1, std::nullopt};
    at = newline + 1;
  }
}

std::optional<HeadProblem> check_head(std::string_view head) {
  Seen seen;
  bool host_wanted = true;
  bool first = true;
  while (head.size() > 2) {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    auto found = first ? check_request_line(line, host_wanted) : check_field(line, seen);
    if (found) return found;
    first = false;
  }
  if (seen.lengths > 1) return HeadProblem{400, "Content-Length is given more than once."};
  if (seen.encodings > 1) return HeadProblem{400, "Transfer-Encoding is given more than once."};
  if (seen.lengths > 0 && seen.encodings > 0)
    return HeadProblem{400, "Content-Length and Transfer-Encoding exclude each other."};
  if (seen.encodings > 0 && !host_wanted) return HeadProblem{400, "Transfer-Encoding needs HTTP/1.1."};
  if (seen.hosts > 1 || (host_wanted && seen.hosts == 0)) return HeadProblem{400, "Exactly one Host header is needed."};
  return std::nullopt;
}

}  // namespace usher::daemon
