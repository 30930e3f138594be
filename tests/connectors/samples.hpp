// Samples: one instance and a few golden inputs for each connector of the catalog. A new connector's author adds them
// here; the contract suite fails without.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/connector.hpp"

namespace usher::connectors::testing {

// 2026-11-21T18:58:03.120Z.
inline constexpr Instant evening{Milliseconds{1795287483120}};
inline constexpr std::string_view sample_token = "a-token-of-the-tests-0123456789";
inline constexpr std::string_view sample_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// Tenant acme; named `contact` (webform), `shop` (http) and `support-mail` (email); defaults of its keys filled in, and what it needs.
Instance sample_instance(const Connector& connector);
Instance with(Instance instance, std::string key, std::string value);

struct Golden {
  std::string_view type;
  std::string_view about;
  Raw raw;
  std::string message;  // The wire form it becomes.
};
const std::vector<Golden>& golden_inputs();

Raw form(std::string body);                                              // URL-encoded.
Raw json_body(std::string body);
Raw multipart(const std::vector<std::string>& parts);                    // Each with its headers, blank line, content.
std::string text_part(std::string_view name, std::string_view text);
std::string file_part(std::string_view name, std::string_view file, std::string_view type, std::string_view bytes);
// Every byte that could mean something spelled %XX.
std::string percent(std::string_view text);

}  // namespace usher::connectors::testing
