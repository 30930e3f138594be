// What an HTML mail says, as plain text: blocks become lines, quotes of earlier mails become `> `, addresses of links stay
// readable, scripts and styles say nothing. One pass without recursion, so nesting costs nothing. The result is for
// reading and routing, never for showing as HTML. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// Requires: UTF-8.
[[nodiscard]] std::string html_to_text(std::string_view html);

// The character that `&name;` stands for, as UTF-8; "" when there is none. Without ampersand and semicolon.
[[nodiscard]] std::string named_character(std::string_view name);

}  // namespace usher::connectors::email
