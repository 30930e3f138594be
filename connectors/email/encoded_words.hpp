// RFC 2047 words in header fields, and what programs write instead: words cut within a character, padding in the middle,
// blanks inside. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// The text that `value` stands for. Requires: UTF-8.
[[nodiscard]] std::string decode_words(std::string_view value);

// The same field with each run of encoded words as one well-formed word, for parsers that are stricter.
[[nodiscard]] std::string mended_words(std::string_view value);

// Base64 as it comes: padding ends a group wherever it stands, what is no digit is passed over, and a last group may lack its
// padding.
[[nodiscard]] std::string loose_base64(std::string_view text);

}  // namespace usher::connectors::email
