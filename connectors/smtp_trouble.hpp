// What libcurl says of a failed SMTP connection, in words that tell an operator what to change. Any thread.
#pragma once

#include <string>

#include "connectors/curl_handle.hpp"
#include "connectors/email/mail_account.hpp"
#include "connectors/smtp_outcome.hpp"

namespace usher::connectors {

// Sets trouble and words of `outcome`, unless the server's own answer says it all.
void explain(const CurlHandle& easy, CURLcode code, const email::MailServer& server, SmtpOutcome& outcome);
// Of an attempt that ran out of time at `stage`.
[[nodiscard]] std::string slow_words(const CurlHandle& easy, const email::MailServer& server, SmtpStage stage);

}  // namespace usher::connectors
