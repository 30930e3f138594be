// Certificates made for one test: an authority, and servers' certificates by it, as PEM text. Elliptic keys: quick to make.
#pragma once

#include <string>

namespace usher::connectors::testing {

struct TestCertificate {
  std::string certificate, key;  // PEM.
};

enum class Validity { now, over, not_yet };

// Signs itself.
TestCertificate make_authority(const std::string& name);
// For the DNS name or the IPv4 address `host`, by `authority`.
TestCertificate make_certificate(const TestCertificate& authority, const std::string& host, Validity validity = Validity::now);

}  // namespace usher::connectors::testing
