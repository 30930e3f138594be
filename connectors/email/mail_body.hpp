// Bodies of a mail that is sent: encodings that leave nothing but short lines of ASCII. Pure: any thread.
#pragma once

#include <string>
#include <string_view>

namespace usher::connectors::email {

// RFC 2045 6.7, for text of either kind of line end; gives CRLF. A dot at the beginning of a line is encoded, too, so that
// no line of it can be taken for the end of the mail.
[[nodiscard]] std::string quoted_printable(std::string_view text);
// RFC 2045 6.8, in lines of 76.
[[nodiscard]] std::string base64_lines(std::string_view bytes);
// Sat, 21 Nov 2026 18:57:59 +0000.
[[nodiscard]] std::string mail_date(std::int64_t unix_seconds);

}  // namespace usher::connectors::email
