// Is a posted mail from the provider? Each provider's own proof, constant in time, and never without a secret. Pure: any thread;
// SeenTokens belongs to the thread that asks it.
//
//   sendgrid  basic authentication in the address (`https://USER:PASSWORD@HOST/...`), or its signed security policy, or both
//   mailgun   hex HMAC-SHA256 over timestamp and token, which are fields of the form
//   postmark  basic authentication in the address
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "connectors/connector.hpp"

namespace usher::connectors::email {

enum class InboundProvider { sendgrid, mailgun, postmark };

struct InboundSecrets {
  std::string secret;           // sendgrid and postmark: USER:PASSWORD; mailgun: the webhook signing key.
  std::string secret_previous;  // Still accepted while the secret is being changed.
  std::string public_keys;      // sendgrid: base64 of the policy's key; two with a blank between them while it is being changed.
};

// How old a signature may be. Mailgun repeats for 8 hours and sends the first signature again each time, so a shorter time
// would refuse every repeat after an outage, and the mail would be lost. SendGrid repeats for 3 days.
inline constexpr std::chrono::hours mailgun_signature_age_max{9};
inline constexpr std::chrono::hours sendgrid_signature_age_max{74};
inline constexpr std::chrono::minutes signature_ahead_max{5};

// malformed, naming the key, when these cannot prove anything for this provider: none, or of the wrong form.
[[nodiscard]] Result<void> check_inbound_secrets(InboundProvider provider, const InboundSecrets& secrets);

// unauthorised without saying what did not fit. SendGrid: each of the two proofs that is configured must fit.
[[nodiscard]] Result<void> verify_inbound(InboundProvider provider, const InboundSecrets& secrets, const Raw& raw, Instant now);

// Mailgun signs the token, not the mail: who reads one request on its way could post another mail under its token. So a token
// is good for one message, however often that comes. Bounded: beyond seen_tokens_max the oldest is forgotten. Each edge has
// its own; TLS is what keeps tokens from strangers, this is the second wall.
class SeenTokens {
 public:
  // False: the token came with another message. Requires: verify_inbound() was content with the request.
  [[nodiscard]] bool take(const std::string& token, MessageId message, Instant now);
  [[nodiscard]] std::size_t size() const { return messages_.size(); }

 private:
  std::map<std::string, MessageId> messages_;             // By the token's hash.
  std::deque<std::pair<Instant, std::string>> by_age_;
};

}  // namespace usher::connectors::email
