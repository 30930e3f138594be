// Fuzz target: a request of a provider that posts mail, from its bytes to the record. The first byte chooses the provider and
// the form. Built and run by ./run.
#include <cstdint>

#include "connectors/email/inbound_webhook.hpp"
#include "routing/message/result.hpp"
#include "tests/connectors/email/mail_properties.hpp"

using namespace usher::connectors;
using namespace usher::connectors::email;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const InboundSecrets secrets{"usher:a-secret-of-the-tests", "", ""};
  static const std::string types[] = {"multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "application/json"};
  const auto provider = static_cast<InboundProvider>(data[0] % 3);
  Raw raw{types[data[0] / 3 % 3], {}, std::string(reinterpret_cast<const char*>(data + 1), size - 1), Instant{Milliseconds{1795287483120}}};
  usher::message::expect(!verify_inbound(provider, secrets, raw, raw.received_at), "no request is a provider's by chance");
  const auto mail = read_inbound(provider, raw);
  if (mail) testing::check_mail(mail->mime, mail->arrival, size % 4 == 0);
  return 0;
}
