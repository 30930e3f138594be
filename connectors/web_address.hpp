// Web addresses as operators write them: checked once, at start, so that no request is ever built from a wrong one.
// Pure: any thread.
#pragma once

#include <string_view>

namespace usher::connectors {

// http or https, with a host, without user information, spaces and control characters.
[[nodiscard]] bool is_web_address(std::string_view text);
// The same without path, query and fragment, in lower case: what a browser sends as Origin.
[[nodiscard]] bool is_origin(std::string_view text);

}  // namespace usher::connectors
