// One question to a token server (RFC 6749 4.4 and 6), by libcurl. Blocks for at most limits::token_within. Any thread.
#pragma once

#include <stop_token>
#include <string>

#include "connectors/email/mail_account.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

struct FetchedToken {
  std::string token;
  Milliseconds lasts{0};
  std::string refresh_token;  // In place of the one that was used; empty: that one stays.
};

// https only, but on loopback. unauthorised: the server refuses the grant; unavailable: it does not answer as it should, or
// `stop` was asked for, which ends the wait within a second.
[[nodiscard]] Result<FetchedToken> fetch_token(const email::TokenGrant& grant, const std::stop_token& stop);

}  // namespace usher::connectors
