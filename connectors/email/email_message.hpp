// A Mail as the Message that the rest of Usher knows, with its files: the email connector's parse(). Never refuses: what is
// over a limit is left out and marked, and the raw mail goes along as a file (Message::raw_ref) whatever it is.
// Pure: any thread.
#pragma once

#include <string>

#include "connectors/connector.hpp"
#include "connectors/email/mail.hpp"
#include "connectors/email/recipient.hpp"
#include "connectors/email/thread_key.hpp"

namespace usher::connectors::email {

// Who receives the mail.
struct MailDoor {
  TenantId tenant;
  ConnectorId connector;
  ThreadSecrets threads;  // Without secrets nothing is verified.
  OwnAddresses own = {};  // Of the mailbox.
  std::string authserv_id = {};  // Whose Authentication-Results are believed; "": nobody's.
};

// One message. Its id is the hash of (tenant, Message-ID, content), so one mail to two addresses of a tenant is one message
// and another mail under the same Message-ID is another one (rule I1). What a report says of deliveries and what was left
// out stands in Message::extra, as {"mail": {...}}: docs/email.md.
[[nodiscard]] Parsed to_message(const MailDoor& door, std::string_view bytes, Instant received_at, const MailArrival& arrival = {});

}  // namespace usher::connectors::email
