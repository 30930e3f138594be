// Keys by libzmq's own functions; what a cluster secret gives is HMAC-SHA-256 of it under a name for each end.
#include "routing/delivery/zmq_curve.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zmq.h>

#include <array>
#include <cstdint>

namespace usher::delivery {

using namespace usher::message;

namespace {

using KeyText = std::array<char, curve_key_characters + 1>;
using KeyBytes = std::array<std::uint8_t, 32>;

std::string secret_for(std::string_view secret, std::string_view end) {
  const std::string name = "usher fabric 1 " + std::string(end);
  KeyBytes bytes{};
  unsigned size = bytes.size();
  const auto* made = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                          reinterpret_cast<const unsigned char*>(name.data()), name.size(), bytes.data(), &size);
  expect(made != nullptr && size == bytes.size(), "an HMAC-SHA-256 has 32 bytes");
  KeyText text{};
  expect(zmq_z85_encode(text.data(), bytes.data(), bytes.size()) != nullptr, "32 bytes are 40 characters of Z85");
  return text.data();
}

// The host of tcp://HOST:PORT; "" when it is not of that form.
std::string_view host_of(std::string_view endpoint) {
  constexpr std::string_view scheme = "tcp://";
  if (!endpoint.starts_with(scheme)) return {};
  endpoint.remove_prefix(scheme.size());
  const auto colon = endpoint.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == endpoint.size()) return {};
  return endpoint.substr(0, colon);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "lo" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace

bool is_curve_key(std::string_view z85) {
  if (z85.size() != curve_key_characters) return false;
  KeyBytes bytes{};
  return zmq_z85_decode(bytes.data(), std::string(z85).c_str()) != nullptr;
}

CurveKeys new_curve_keys() {
  KeyText public_key{};
  KeyText secret_key{};
  expect(zmq_curve_keypair(public_key.data(), secret_key.data()) == 0, "libzmq was built with CURVE");
  return {public_key.data(), secret_key.data()};
}

Result<CurveKeys> curve_keys_of(std::string_view secret_key) {
  const std::string secret(secret_key);
  KeyText public_key{};
  if (!is_curve_key(secret) || zmq_curve_public(public_key.data(), secret.c_str()) != 0)
    return fail(Fault::malformed, "a CURVE secret key is 40 characters of Z85");
  return CurveKeys{public_key.data(), secret};
}

Result<ClusterKeys> cluster_keys_of(std::string_view secret) {
  if (secret.size() != cluster_secret_bytes)
    return fail(Fault::malformed,
                "the cluster secret has " + std::to_string(secret.size()) + " bytes; it must have exactly 32");
  auto server = curve_keys_of(secret_for(secret, "server"));
  auto client = curve_keys_of(secret_for(secret, "client"));
  if (!server) return server.error();
  if (!client) return client.error();
  return ClusterKeys{std::move(*server), std::move(*client)};
}

Result<void> may_bind(std::string_view endpoint, bool curve) {
  if (endpoint.starts_with("ipc://")) return {};
  const auto host = host_of(endpoint);
  if (host.empty())
    return fail(Fault::malformed, std::string(endpoint) + ": an endpoint is tcp://HOST:PORT or ipc://PATH");
  if (curve || is_loopback(host)) return {};
  return fail(Fault::unauthorised, std::string(endpoint) +
                                       " can be reached from other machines, and without CURVE anybody there could "
                                       "read and forge frames: configure keys, or bind 127.0.0.1");
}

}  // namespace usher::delivery
