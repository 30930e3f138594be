// The header of a mail by hand: whatever order of bytes arrives, a list of fields comes out. Real mails have blank lines
// before the header, an mbox line, folded lines of blanks only, fields without a name; no parser agrees on them, so this
// one decides, and GMime is given what it decided. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

struct HeaderBlock {
  HeaderList headers;
  std::size_t body_at = 0;  // Where the body begins.
  bool cut = false;         // Over a limit of email_limits.hpp: the rest was left out.
};

// Values are in `charset`; "" for what a mail's own header is in: UTF-8 (RFC 6532), or windows-1252 as was usual before. A
// report is not guessed at, since what it names is an address.
[[nodiscard]] HeaderBlock read_header_block(std::string_view bytes, std::string_view charset = "utf-8");

// The ids in a Message-ID, In-Reply-To or References field, without angle brackets, each once, in order. Words without
// brackets count when they hold an `@`; empty ids never do: one empty id would join all mails that have it. Ids in encoded words
// stand in their place among the others. Requires: UTF-8.
[[nodiscard]] std::vector<std::string> read_ids(std::string_view value);

[[nodiscard]] std::string ascii_lower(std::string_view text);
[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] bool starts_with_nocase(std::string_view text, std::string_view prefix);  // Requires: `prefix` in lower case.
[[nodiscard]] bool contains_nocase(std::string_view text, std::string_view word);       // Requires: `word` in lower case.

}  // namespace usher::connectors::email
