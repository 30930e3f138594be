// Private links; see private_link.hpp. Pure.
#include "daemon/private_link.hpp"

#include <utility>

#include "connectors/signature.hpp"

namespace usher::daemon {

namespace {

constexpr std::size_t proof_digits = 32;

std::string proof_of(const std::string& secret, const TenantId& tenant, const ConnectorId& connector,
                     const MessageId& message) {
  const std::string said = tenant.text() + '|' + connector.text() + '|' + message.text();
  return connectors::hex(connectors::hmac_sha256(secret, said)).substr(0, proof_digits);
}

}  // namespace

PrivateLinks::PrivateLinks(std::string secret, TenantId tenant, std::string public_url)
    : secret_(std::move(secret)), tenant_(std::move(tenant)), public_url_(std::move(public_url)) {}

std::string PrivateLinks::token(const ConnectorId& connector, MessageId message) const {
  return message.text() + '.' + proof_of(secret_, tenant_, connector, message);
}

std::string PrivateLinks::link(const ConnectorId& connector, MessageId message) const {
  return public_url_ + "/v1/forms/" + connector.text() + "/conversation/" + token(connector, message);
}

std::optional<MessageId> PrivateLinks::open(const ConnectorId& connector, std::string_view token) const {
  const auto dot = token.find('.');
  if (dot == std::string_view::npos || token.size() - dot - 1 != proof_digits) return std::nullopt;
  const auto message = MessageId::parse(token.substr(0, dot));
  if (!message) return std::nullopt;
  const auto proof = proof_of(secret_, tenant_, connector, *message);
  if (!connectors::equal_secrets(proof, token.substr(dot + 1))) return std::nullopt;
  return message;
}

}  // namespace usher::daemon
