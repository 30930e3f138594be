// What an agent writes, as HTML: CommonMark by cmark, of which raw HTML is shown as the text it is, images become links'
// words, and links lead to the web or to a mailbox only. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// Requires: UTF-8.
[[nodiscard]] std::string markdown_to_html(std::string_view text);

[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace usher::connectors::email
