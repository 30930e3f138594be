// One attempt to submit one mail to the operator's own server, by libcurl, in the calling thread: libcurl waits in place
// for the answer to the final dot, which may take minutes, so it must not share a thread with anything else. TLS 1.2 or
// later, with the server's name checked, unless the server is on loopback; nothing is said in the clear before it but
// STARTTLS.
//
// The guard of webhooks against private addresses does not hold here: a smarthost usually is in the operator's own network,
// its address stands in the configuration alone, and no text of a customer's chooses where a connection goes.
#pragma once

#include <atomic>
#include <string>

#include "connectors/connector.hpp"
#include "connectors/smtp_outcome.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

struct SmtpTimes {
  Milliseconds before_dot = limits::mail_before_dot_within;
  Milliseconds after_dot = limits::mail_after_dot_within;
  Milliseconds before_greeting = limits::mail_before_dot_within;  // From looking up the name.
};

// What other threads may see and do while an attempt runs.
struct SmtpWatch {
  std::atomic<bool> stop{false};       // Ends it within a second, unless the text is out already.
  std::atomic<bool> stop_now{false};   // Ends it within a second.
};

// `token`: for the logins that take one. The connection is closed, and QUIT said, when it returns.
[[nodiscard]] SmtpOutcome send_mail(const MailPost& post, const std::string& token, const SmtpTimes& times, SmtpWatch& watch);
// The same as far as MAIL FROM with `sender`, then RSET: nothing is sent. `code` 2xx without trouble: it works. What a server says
// of a sender at the recipient or after the text alone cannot be known so.
[[nodiscard]] SmtpOutcome try_sender(const email::SmtpAccount& account, const std::string& sender, const std::string& token, const SmtpTimes& times,
                                     SmtpWatch& watch);
// Over a connection of its own: does the server speak TLS from the first byte, believed or not? For ports that are named with STARTTLS.
// False also after `stop_now`.
[[nodiscard]] bool speaks_tls_first(const email::MailServer& server, const SmtpWatch& watch);

// Lines end with CRLF, whatever they ended with: a bare CR or LF is an end of the text to some servers and none to others,
// which is how a mail would be smuggled into another (RFC 5321 2.3.8).
[[nodiscard]] std::string with_wire_ends(std::string text);

}  // namespace usher::connectors
