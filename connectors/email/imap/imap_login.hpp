// Logging in: AUTHENTICATE PLAIN, XOAUTH2 or OAUTHBEARER (RFC 4616, RFC 7628), LOGIN where nothing else is offered. What the
// server says against it is handed on, without any secret.
#pragma once

#include <functional>

#include "connectors/email/imap/imap_channel.hpp"

namespace usher::connectors::email::imap {

// An access token; `fresh`: the one given before was refused. Called on the mailbox's thread, may wait.
using TokenSource = std::function<Result<std::string>(bool fresh)>;

// unauthorised: refused, or nothing is offered that may be used; unavailable: the connection is over or the server says that it
// cannot say. With `fresh`, the token is asked for as a fresh one.
Result<void> log_in(ImapChannel& channel, const Credentials& credentials, const TokenSource& token, bool fresh);

}  // namespace usher::connectors::email::imap
