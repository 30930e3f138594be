// A mailbox's two servers as an operator describes them: IMAP, where its mail is read, and SMTP submission, where its
// replies go. Plain values, checked when the configuration is read. They hold secrets: never log one. Pure: any thread.
#pragma once

#include <optional>
#include <string>

#include "routing/message/instant.hpp"

namespace usher::connectors::email {

using namespace usher::message;

enum class Protection {
  tls,       // From the first byte (RFC 8314): imaps, smtps.
  starttls,  // Asked for before anything else is said; a server that does not offer it is refused.
  off,       // Loopback only.
};

struct MailServer {
  std::string host;
  int port = 0;
  Protection protection = Protection::tls;
  std::string ca_file;  // Whom to believe beside nobody else; "": the system's authorities.
};

enum class Login {
  none,         // SMTP on loopback only.
  plain,        // SASL PLAIN, or LOGIN where the server has nothing else.
  xoauth2,      // Google and Microsoft.
  oauthbearer,  // RFC 7628.
};

// How an access token is got (RFC 6749): with a refresh token by that grant, without one by client credentials.
struct TokenGrant {
  std::string url, client_id, client_secret, refresh_token, scope;
  friend bool operator==(const TokenGrant&, const TokenGrant&) = default;
};

struct Credentials {
  Login login = Login::plain;
  std::string user, password;  // No password for the two that take a token.
  TokenGrant grant;
};

// What becomes of a mail in the mailbox once it is in the journal.
enum class AfterIngest { keyword, seen, move, erase };

struct ImapAccount {
  MailServer server;
  Credentials credentials;
  std::string folder = "INBOX";  // UTF-8.
  AfterIngest after = AfterIngest::keyword;
  std::string move_to;                  // With AfterIngest::move.
  std::optional<Instant> import_since;  // At the first connection: mail that arrived since; none: only new mail.
  Milliseconds poll_every{60'000};      // Where the server has no IDLE.
};

struct SmtpAccount {
  MailServer server;
  Credentials credentials;
  // What the provider takes from one mailbox. Microsoft 365 takes 3 and 30.
  int connections = 2;
  int mails_per_minute = 30;
};

}  // namespace usher::connectors::email
