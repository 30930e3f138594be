// Mail that a provider posts: SendGrid's Inbound Parse, Mailgun's routes, Postmark's inbound webhook. Each offers the raw mail,
// which is best, or the mail taken apart, which is put together again; to_message() reads either. Whatever stands in a mail,
// it is not refused: only a request that is no mail of that provider is. Pure: any thread.
//
// Journey: POST /v1/webhooks/NAME -> [verify_inbound, read_inbound, to_message] -> ingress -> journal.
#pragma once

#include <string>

#include "connectors/email/inbound_proof.hpp"
#include "connectors/email/mail.hpp"

namespace usher::connectors::email {

struct InboundMail {
  std::string mime;
  MailArrival arrival;   // For to_message(); whether its checks are believed is the account's matter.
  bool rebuilt = false;  // The provider sent pieces.
  std::string token;     // Mailgun's, for SeenTokens; else "".
};

// malformed: no mail in it. too_large: over webhook_body_bytes_max. unavailable: cut short on its way.
[[nodiscard]] Result<InboundMail> read_inbound(InboundProvider provider, const Raw& raw);

// The answer that makes this provider come again, or stop, as the fault demands: docs/email.md has the table. A wrong secret is
// ours to mend, so the provider comes again.
[[nodiscard]] int refusal_status(InboundProvider provider, Fault fault);

}  // namespace usher::connectors::email
