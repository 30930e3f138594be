// Verdict: what one attempt to send a reply came to, by whatever way it was sent. A value.
#pragma once

#include <string>
#include <string_view>

#include "routing/message/record.hpp"

namespace usher::connectors {

using namespace usher::message;

struct Verdict {
  DeliveryState state = DeliveryState::failed;
  std::string detail;           // For agents and operators: in words, without a secret.
  Milliseconds retry_after{0};  // What the receiver asked for; 0: nothing.
  // Of an attempt that was not sent, for operators; a static text. Of any: not_configured, text_missing, file_missing,
  // unrenderable. Of posts: no_answer, private_address, http_3xx, http_4xx, http_5xx. Of mails: no_answer, tls, auth, smtp_4xx, smtp_5xx,
  // smtputf8, unknown, paced.
  std::string_view kind{};
};

}  // namespace usher::connectors
