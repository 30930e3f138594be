// Who answers at an address, by the first bytes that came from there: most wrong addresses of mail servers are right ones of
// another kind, and an operator who is told which one mends it at once. Pure: any thread.
#pragma once

#include <string_view>

namespace usher::connectors::email {

enum class Speaker { unknown, imap, smtp, pop3, http, tls };

[[nodiscard]] constexpr Speaker speaker_of(std::string_view first) {
  if (first.starts_with("* OK") || first.starts_with("* PREAUTH") || first.starts_with("* BYE")) return Speaker::imap;
  // RFC 5321 4.2: 554 and 421 are the two ways to greet and to take nothing.
  for (const std::string_view code : {"220", "554", "421"})
    if (first.size() > 3 && first.starts_with(code) && (first[3] == ' ' || first[3] == '-')) return Speaker::smtp;
  if (first.starts_with("+OK") || first.starts_with("-ERR")) return Speaker::pop3;
  if (first.starts_with("HTTP/")) return Speaker::http;
  // RFC 8446 5.1: an alert or a handshake, and a version that begins with 3.
  if (first.size() > 1 && (first[0] == '\x15' || first[0] == '\x16') && first[1] == '\x03') return Speaker::tls;
  return Speaker::unknown;
}

// "an SMTP server"; "" for what is not known and for TLS, within which anybody may speak.
[[nodiscard]] constexpr std::string_view speaker_name(Speaker speaker) {
  switch (speaker) {
    case Speaker::imap: return "an IMAP server";
    case Speaker::smtp: return "an SMTP server";
    case Speaker::pop3: return "a POP3 server";
    case Speaker::http: return "a web server";
    default: return "";
  }
}

}  // namespace usher::connectors::email
