// Problems over HTTP: RFC 9457 `application/problem+json`, and which status each Fault becomes.
#pragma once

#include <string>
#include <string_view>

#include "daemon/http_message.hpp"
#include "routing/message/result.hpp"

namespace usher::daemon {

// `detail` is for whoever sent the request: it never quotes what a customer wrote.
[[nodiscard]] Response problem(int status, std::string_view detail);
// malformed 400, unauthorised 401, not_found 404, conflict 409, too_large 413, overloaded and unavailable 503 +
// Retry-After.
[[nodiscard]] Response problem(const message::Error& error);
[[nodiscard]] int status_of(message::Fault fault);
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace usher::daemon
