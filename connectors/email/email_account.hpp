// The settings of `type: email` as the values that the mailbox reader, the sender and the thread keys want. Pure: any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/key.hpp"
#include "connectors/connector.hpp"
#include "connectors/email/mail_account.hpp"

namespace usher::connectors::email {

enum class Inbound { imap, sendgrid, mailgun, postmark };

struct EmailAccount {
  std::string address;               // What customers write to.
  std::vector<std::string> aliases;  // Other addresses of the same mailbox.
  std::string name;                  // "Example Support"; may be empty.
  std::vector<std::string> secrets;  // Of thread keys, the newest first.
  Inbound inbound = Inbound::imap;
  std::optional<ImapAccount> imap;   // With Inbound::imap, or where a copy of what is sent is kept.
  std::optional<SmtpAccount> smtp;   // None: replies cannot be sent.
  std::string sent_folder;           // "": no copy is kept.
  std::vector<std::string> webhook_secrets;  // USER:PASSWORD (SendGrid, Postmark) or the signing key (Mailgun).
  std::string webhook_public_key;            // SendGrid's signed webhook; "": none.
};

[[nodiscard]] std::span<const config::Key> email_keys();

// malformed: names the key.
[[nodiscard]] Result<EmailAccount> account_of(const Instance& instance);

}  // namespace usher::connectors::email
