// Whether mail could be sent: connects, agrees on TLS, logs in, and names the sender that replies have. Nothing is sent. Blocks for
// a minute or two at most; for `usherctl connectors test`.
#pragma once

#include <stop_token>
#include <string>

#include "connectors/access_tokens.hpp"

namespace usher::connectors {

// What works, in words; else what is wrong and what to do about it. Fault::unauthorised: the login; unavailable: the rest.
// `sender`: of the envelope, as replies carry it; where the server refuses it for its tag, the plain address is tried, as when mail
// is sent. A server that refuses senders at the recipient or after the text alone is not found out.
[[nodiscard]] Result<std::string> check_smtp(const email::SmtpAccount& account, const std::string& sender, const TokenSource& tokens,
                                             const std::stop_token& stop = {});

}  // namespace usher::connectors
