// format=flowed (RFC 3676): lines that end with a blank go on in the next. Quoted lines keep their own ends: they are
// taken off as a whole, and the customer's words are what should flow. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// `joined_without_blank` is DelSp=yes.
[[nodiscard]] std::string unflow(std::string_view text, bool joined_without_blank);

// Line ends as LF alone.
[[nodiscard]] std::string with_plain_ends(std::string_view text);

}  // namespace usher::connectors::email
