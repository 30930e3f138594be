// Requests as the three providers make them, built by hand for the tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/inbound_webhook.hpp"

namespace usher::connectors::email::testing {

inline constexpr Instant posted_at{Milliseconds{1795287483120}};  // 2026-11-21T18:58:03.120Z

struct FormField {
  std::string name, value;
  std::string more = {};  // Further parameters of Content-Disposition, then further lines.
};

// multipart/form-data with a boundary that stands in nothing here.
Raw multipart(const std::vector<FormField>& fields);
Raw urlencoded(const std::vector<FormField>& fields);
Raw json_request(std::string body);

// user:password as an Authorization header.
std::string basic(std::string_view secret);

// What the mail becomes for tenant acme, through read_inbound() and to_message().
Parsed parsed(InboundProvider provider, const Raw& raw);
Message received(InboundProvider provider, const Raw& raw);

}  // namespace usher::connectors::email::testing
