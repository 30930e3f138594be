// PrivateLinks: the links under which customers read answers to what they wrote into a form. Whoever has the link may
// read and add to that one conversation; nobody can guess or alter one without the installation's secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "routing/message/ids.hpp"

namespace usher::daemon {

using namespace usher::message;

class PrivateLinks {
 public:
  // `secret`: 32 random bytes, kept for the life of the installation: a new one voids all links.
  PrivateLinks(std::string secret, TenantId tenant, std::string public_url);

  // MESSAGE.PROOF: the message's id and the first 32 hexadecimal digits of HMAC-SHA256(secret,
  // tenant|connector|message).
  [[nodiscard]] std::string token(const ConnectorId& connector, MessageId message) const;
  [[nodiscard]] std::string link(const ConnectorId& connector, MessageId message) const;
  // The message that the token proves, or none. Constant time in the proof.
  [[nodiscard]] std::optional<MessageId> open(const ConnectorId& connector, std::string_view token) const;

 private:
  std::string secret_;
  TenantId tenant_;
  std::string public_url_;
};

}  // namespace usher::daemon
