// Whether mail could be sent: connects, agrees on TLS, logs in and says NOOP. Nothing is sent. Blocks for at most a minute;
// for `usherctl connectors test`.
#pragma once

#include <string>

#include "connectors/access_tokens.hpp"

namespace usher::connectors {

// What works, in words; else what is wrong and what to do about it. Fault::unauthorised: the login; unavailable: the rest.
[[nodiscard]] Result<std::string> check_smtp(const email::SmtpAccount& account, const TokenSource& tokens);

}  // namespace usher::connectors
