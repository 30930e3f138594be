// Text for looking up words whatever their case: lower case for Latin, Greek and Cyrillic letters, white space as single
// blanks. By fixed tables, so that every edge gives the same labels whatever its locale. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors {

// Requires: UTF-8 (anything else comes out as it went in, byte by byte).
[[nodiscard]] std::string fold(std::string_view text);

// True when `word` stands in `text` as a whole word. Scripts written without blanks have no words to be whole: there it
// may stand anywhere. Requires: both folded, `word` not empty.
[[nodiscard]] bool holds_word(std::string_view text, std::string_view word);

}  // namespace usher::connectors
