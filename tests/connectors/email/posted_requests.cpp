// Requests: bodies by hand, so that a reader of ours is not tested by a writer of ours.
#include "tests/connectors/email/posted_requests.hpp"

#include <catch2/catch.hpp>

#include "connectors/email/email_message.hpp"
#include "connectors/signature.hpp"

namespace usher::connectors::email::testing {

namespace {

Raw request(std::string type, std::string body) { return Raw{std::move(type), {}, std::move(body), posted_at}; }

std::string escaped(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    else if (c == ' ') out += '+';
    else out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

}  // namespace

Raw multipart(const std::vector<FormField>& fields) {
  std::string body;
  for (const FormField& field : fields)
    body += "--xYz4411\r\nContent-Disposition: form-data; name=\"" + field.name + "\"" + field.more + "\r\n\r\n" + field.value + "\r\n";
  return request("multipart/form-data; boundary=xYz4411", body + "--xYz4411--\r\n");
}

Raw urlencoded(const std::vector<FormField>& fields) {
  std::string body;
  for (const FormField& field : fields) body += (body.empty() ? "" : "&") + escaped(field.name) + "=" + escaped(field.value);
  return request("application/x-www-form-urlencoded", std::move(body));
}

Raw json_request(std::string body) { return request("application/json; charset=utf-8", std::move(body)); }

std::string basic(std::string_view secret) { return "Basic " + base64(secret); }

Parsed parsed(InboundProvider provider, const Raw& raw) {
  const auto mail = read_inbound(provider, raw);
  INFO((mail ? std::string() : mail.error().detail));
  REQUIRE(mail.has_value());
  const MailDoor door{TenantId("acme"), ConnectorId("support-mail"), {TenantId("acme"), {}}};
  return to_message(door, mail->mime, raw.received_at, mail->arrival);
}

Message received(InboundProvider provider, const Raw& raw) { return parsed(provider, raw).messages.front(); }

}  // namespace usher::connectors::email::testing
