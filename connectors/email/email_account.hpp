// The settings of `type: email` as the values that the mailbox reader, the sender and the thread keys want. Pure: any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/key.hpp"
#include "connectors/connector.hpp"
#include "connectors/email/inbound_proof.hpp"
#include "connectors/email/mail_account.hpp"

namespace usher::connectors::email {

struct EmailAccount {
  std::string address;               // What customers write to.
  std::vector<std::string> aliases;  // Other addresses of the same mailbox.
  std::string name;                  // "Example Support"; may be empty.
  std::string authserv_id;           // Whose Authentication-Results are believed; "": nobody's.
  // The provider's own checks of senders are believed. SendGrid tells them beside the mail. Mailgun and Postmark write them into
  // its header, where a sender may write when the provider does not: so the operator has to say that it does.
  bool believes_provider = false;
  std::vector<std::string> secrets;  // Of thread keys, the newest first.
  std::optional<InboundProvider> posted_by;  // None: mail is read from the mailbox.
  InboundSecrets proof;                      // With posted_by.
  std::optional<ImapAccount> imap;   // Without posted_by, or where a copy of what is sent is kept.
  std::optional<SmtpAccount> smtp;   // None: replies cannot be sent.
  std::string sent_folder;           // "": no copy is kept.
};

[[nodiscard]] std::span<const config::Key> email_keys();

// malformed: all that is wrong, one line each, which begins with the key.
[[nodiscard]] Result<EmailAccount> account_of(const Instance& instance);

}  // namespace usher::connectors::email
