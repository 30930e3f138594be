// Standard Webhooks 1.0.0: how Usher signs what it sends to integrators, and how a receiver checks it.
// The signed text is `ID.TIMESTAMP.BODY`; the key is the base64 after "whsec_". Pure: any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "routing/message/instant.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

inline constexpr std::chrono::seconds webhook_tolerance{300};

// The key's bytes; none when it is not base64 of 24 to 64 bytes, with or without "whsec_".
[[nodiscard]] std::optional<std::string> webhook_key(std::string_view secret);

// The headers webhook-id, webhook-timestamp and webhook-signature; one signature for each secret, in order, so that a
// receiver may change its secret at leisure. malformed: a secret is no key, or there is none.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> sign_webhook(
    std::span<const std::string_view> secrets, std::string_view id, Instant now, std::string_view body);

// unauthorised unless one of the v1 signatures fits and the timestamp is within the tolerance of `now`.
[[nodiscard]] Result<void> verify_standard_webhook(std::string_view secret, std::string_view id,
                                                   std::string_view timestamp, std::string_view signatures,
                                                   std::string_view body, Instant now);

}  // namespace usher::connectors
