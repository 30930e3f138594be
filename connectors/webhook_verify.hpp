// Webhook signatures of providers, each by its own rules, on the raw bytes (security checklist: an input is looked at
// only after this). Pure: any thread. `usherctl verify` runs exactly this code.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "routing/message/instant.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

struct SignedRequest {
  std::string url;                             // As the provider called it; only twilio signs it.
  std::map<std::string, std::string> headers;  // Whatever the case of the names.
  std::string body;                            // Raw.
};

// twilio, meta (also x-hub-signature-256), slack, telegram, standard-webhooks, viber, line; and of posted mail, as its connector
// checks it: sendgrid (the secret is USER:PASSWORD, or the public key of its policy), mailgun (the signing key), postmark
// (USER:PASSWORD).
[[nodiscard]] std::span<const std::string_view> webhook_schemes();

// malformed: no such scheme, or a secret that none of it can be. unauthorised: everything else, without saying what did not fit;
// an empty secret never fits.
[[nodiscard]] Result<void> verify_webhook(std::string_view scheme, std::string_view secret,
                                          const SignedRequest& request, Instant now);

}  // namespace usher::connectors
