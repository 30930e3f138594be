// A strict look at the raw head of an HTTP/1.1 request, before any parser that might be lenient reads it. Two parsers
// that disagree about where a request ends let one request hide in another (request smuggling; RFC 9112 2.2,
// 5, 6.3, 11.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace usher::daemon {

struct HeadProblem {
  int status = 400;
  std::string_view detail;
};

// Where the head ends in `bytes` (after the empty line). `problem` is set as soon as no further byte can make it right:
// a line that does not end in CRLF. Neither: more bytes are needed.
struct HeadEnd {
  std::optional<std::size_t> end;
  std::optional<HeadProblem> problem;
};
[[nodiscard]] HeadEnd find_head(std::string_view bytes);

// Requires: `head` ends with the empty line. None: it is sound.
[[nodiscard]] std::optional<HeadProblem> check_head(std::string_view head);

}  // namespace usher::daemon
