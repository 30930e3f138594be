// Who may post a mail: signatures are made here by other code than the one that checks them.
#include <catch2/catch.hpp>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "connectors/signature.hpp"
#include "tests/connectors/email/posted_requests.hpp"

using namespace usher::connectors;
using namespace usher::connectors::email;
using namespace usher::connectors::email::testing;

namespace {

constexpr auto sendgrid = InboundProvider::sendgrid, mailgun = InboundProvider::mailgun, postmark = InboundProvider::postmark;
constexpr std::string_view basic_secret = "usher:correct-horse-battery";

// RFC 2104 by its own words, over a hash of OpenSSL's.
std::string hmac_by_hand(std::string key, const std::string& text) {
  const auto digest = [](const std::string& bytes) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    REQUIRE(EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_sha256(), nullptr) == 1);
    return std::string(reinterpret_cast<const char*>(out), size);
  };
  if (key.size() > 64) key = digest(key);
  key.resize(64, '\0');
  std::string inner, outer;
  for (const char c : key) {
    inner += static_cast<char>(c ^ 0x36);
    outer += static_cast<char>(c ^ 0x5c);
  }
  std::string out;
  for (const char c : digest(outer + digest(inner + text))) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += pair;
  }
  return out;
}

struct SigningKey {
  SigningKey() : key(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key.get(), &der);
    REQUIRE(size > 0);
    public_key = base64({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
    OPENSSL_free(der);
  }
  std::string sign(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    std::size_t size = 256;
    std::string out(size, '\0');
    REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
    out.resize(size);
    return base64(out);
  }
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key;
  std::string public_key;
};

Raw signed_by_policy(const SigningKey& key, std::int64_t seconds, std::string body) {
  Raw raw = multipart({{"email", std::move(body)}});
  raw.headers["x-twilio-email-event-webhook-timestamp"] = std::to_string(seconds);
  raw.headers["x-twilio-email-event-webhook-signature"] = key.sign(std::to_string(seconds) + raw.body);
  return raw;
}

Raw with_authorization(std::string value) {
  Raw raw = multipart({{"email", "Subject: a\r\n\r\nb"}});
  raw.headers["authorization"] = std::move(value);
  return raw;
}

Raw from_mailgun(const std::string& key, std::int64_t seconds, const std::string& token = "f00d4411") {
  return multipart({{"body-mime", "Subject: a\r\n\r\nb"},
                    {"timestamp", std::to_string(seconds)},
                    {"token", token},
                    {"signature", hmac_by_hand(key, std::to_string(seconds) + token)}});
}

bool fits(InboundProvider provider, const InboundSecrets& secrets, const Raw& raw) {
  const auto verified = verify_inbound(provider, secrets, raw, posted_at);
  if (!verified) CHECK(verified.error().fault == Fault::unauthorised);
  return verified.has_value();
}

const std::int64_t seconds_now = unix_ms(posted_at) / 1000;

}  // namespace

TEST_CASE("a mail is from SendGrid or Postmark when the address carried the secret", "[inbound]") {
  for (const auto provider : {sendgrid, postmark}) {
    const InboundSecrets secrets{std::string(basic_secret), "", ""};
    CHECK(fits(provider, secrets, with_authorization(basic(basic_secret))));
    CHECK(fits(provider, secrets, with_authorization("basic " + base64(basic_secret))));
    CHECK_FALSE(fits(provider, secrets, with_authorization(basic("usher:correct-horse-batterx"))));
    CHECK_FALSE(fits(provider, secrets, with_authorization(basic("usher"))));
    CHECK_FALSE(fits(provider, secrets, with_authorization("Bearer " + base64(basic_secret))));
    CHECK_FALSE(fits(provider, secrets, with_authorization("Basic !!!")));
    CHECK_FALSE(fits(provider, secrets, with_authorization("")));
  }
}

TEST_CASE("both secrets of a posted mail are believed while one is being changed", "[inbound]") {
  const InboundSecrets secrets{"usher:the-new-one-of-today", std::string(basic_secret), ""};
  CHECK(fits(postmark, secrets, with_authorization(basic("usher:the-new-one-of-today"))));
  CHECK(fits(postmark, secrets, with_authorization(basic(basic_secret))));
  CHECK_FALSE(fits(postmark, secrets, with_authorization(basic("usher:an-even-older-one--"))));
  const InboundSecrets keys{"new-key", "old-key", ""};
  CHECK(fits(mailgun, keys, from_mailgun("new-key", seconds_now)));
  CHECK(fits(mailgun, keys, from_mailgun("old-key", seconds_now)));
  CHECK_FALSE(fits(mailgun, keys, from_mailgun("other-key", seconds_now)));
}

TEST_CASE("without a secret no posted mail is believed", "[inbound]") {
  for (const auto provider : {sendgrid, mailgun, postmark}) {
    CHECK_FALSE(fits(provider, {}, with_authorization(basic(""))));
    CHECK_FALSE(fits(provider, {}, with_authorization("")));
    CHECK_FALSE(fits(provider, {}, from_mailgun("", seconds_now)));
    CHECK(check_inbound_secrets(provider, {}).error().detail.find("missing") != std::string::npos);
  }
}

TEST_CASE("Mailgun's signature is over its timestamp and its token", "[inbound]") {
  // The sums of these two were made by Python's hmac.
  const InboundSecrets secrets{"signing-key-of-the-tests", "", ""};
  const auto signed_mail = [](const std::string& signature, const std::string& token = "0123456789abcdef0123456789abcdef0123456789abcdef01") {
    return urlencoded({{"timestamp", "1795287483"}, {"token", token}, {"signature", signature}, {"body-plain", "x"}});
  };
  const std::string good = "db9da1b3c16d2ba8aacc4a5e63b76f455ea734b7884369bdbb68b2588d4d6acb";
  CHECK(fits(mailgun, secrets, signed_mail(good)));
  CHECK_FALSE(fits(mailgun, secrets, signed_mail(good, "another")));
  CHECK_FALSE(fits(mailgun, secrets, signed_mail(good.substr(1))));
  CHECK_FALSE(fits(mailgun, secrets, signed_mail("")));
  CHECK_FALSE(fits(mailgun, secrets, urlencoded({{"body-plain", "x"}})));
  CHECK_FALSE(fits(mailgun, secrets, json_request("{}")));
  // A secret that is not there signs nothing.
  CHECK_FALSE(fits(mailgun, secrets, from_mailgun("", seconds_now)));
  CHECK_FALSE(fits(mailgun, secrets, multipart({})));
}

TEST_CASE("Mailgun's signature is good for as long as Mailgun repeats and no longer", "[inbound]") {
  const InboundSecrets secrets{"key", "", ""};
  const std::int64_t hour = 3600;
  CHECK(fits(mailgun, secrets, from_mailgun("key", seconds_now - 8 * hour)));
  CHECK_FALSE(fits(mailgun, secrets, from_mailgun("key", seconds_now - 9 * hour - 1)));
  CHECK(fits(mailgun, secrets, from_mailgun("key", seconds_now + 299)));
  CHECK_FALSE(fits(mailgun, secrets, from_mailgun("key", seconds_now + 301)));
}

TEST_CASE("a token of Mailgun's is good for one message however often that comes", "[inbound]") {
  SeenTokens seen;
  CHECK(seen.take("one", MessageId{1, 1}, posted_at));
  CHECK(seen.take("one", MessageId{1, 1}, posted_at + std::chrono::hours(8)));
  CHECK_FALSE(seen.take("one", MessageId{1, 2}, posted_at + std::chrono::hours(8)));
  CHECK(seen.take("two", MessageId{1, 2}, posted_at));
  // Once no signature of that age is believed, its token may be forgotten.
  CHECK(seen.take("three", MessageId{1, 3}, posted_at + std::chrono::hours(10)));
  CHECK(seen.size() == 1);
}

TEST_CASE("no more tokens are remembered than the limit says", "[inbound]") {
  SeenTokens seen;
  for (std::size_t i = 0; i < 65'536 + 10; ++i) CHECK(seen.take(std::to_string(i), MessageId{0, i}, posted_at));
  CHECK(seen.size() == 65'536);
  CHECK_FALSE(seen.take("65000", MessageId{0, 1}, posted_at));
}

TEST_CASE("SendGrid's security policy signs the time and the raw body", "[inbound]") {
  const SigningKey key, other;
  const InboundSecrets secrets{"", "", key.public_key};
  CHECK(fits(sendgrid, secrets, signed_by_policy(key, seconds_now, "Subject: a\r\n\r\nb")));
  CHECK_FALSE(fits(sendgrid, secrets, signed_by_policy(other, seconds_now, "Subject: a\r\n\r\nb")));
  Raw changed = signed_by_policy(key, seconds_now, "Subject: a\r\n\r\nb");
  changed.body[changed.body.find("Subject")] = 's';
  CHECK_FALSE(fits(sendgrid, secrets, changed));
  Raw later = signed_by_policy(key, seconds_now, "x");
  later.headers["x-twilio-email-event-webhook-timestamp"] = std::to_string(seconds_now - 1);
  CHECK_FALSE(fits(sendgrid, secrets, later));
  // For three days and a little, as long as SendGrid repeats.
  CHECK(fits(sendgrid, secrets, signed_by_policy(key, seconds_now - 3 * 86'400, "x")));
  CHECK_FALSE(fits(sendgrid, secrets, signed_by_policy(key, seconds_now - 4 * 86'400, "x")));
  CHECK_FALSE(fits(sendgrid, secrets, multipart({{"email", "x"}})));
}

TEST_CASE("a signature made by the openssl program fits", "[inbound]") {
  const std::string public_key =
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjXJOXB38EKjqqZ7CFiI9W0T5Wx+z+Wy/C36GybymmmU1oUPX2Yr8y0RiB4zeh647EtptEvtLVMU6aZLkApYe+A==";
  Raw raw{"multipart/form-data; boundary=b", {}, "--b\\r\\nsigned by hand", posted_at};
  raw.headers["x-twilio-email-event-webhook-timestamp"] = "1795287483";
  raw.headers["x-twilio-email-event-webhook-signature"] = "MEUCIEzJdjAk9sjQVhGN8TOH7hUug5T3qWQ3rnKCPU8vulBeAiEAqN2vMBiVi9ThLgq2KVvEU8xfJ9a9bMVsMGm0wQq1CaA=";
  CHECK(fits(sendgrid, {"", "", public_key}, raw));
  raw.body += ".";
  CHECK_FALSE(fits(sendgrid, {"", "", public_key}, raw));
}

TEST_CASE("with a key and a secret SendGrid must prove both", "[inbound]") {
  const SigningKey key, next;
  const InboundSecrets secrets{std::string(basic_secret), "", next.public_key + " " + key.public_key};
  Raw raw = signed_by_policy(key, seconds_now, "x");
  CHECK_FALSE(fits(sendgrid, secrets, raw));
  raw.headers["authorization"] = basic(basic_secret);
  CHECK(fits(sendgrid, secrets, raw));
  raw.headers.erase("x-twilio-email-event-webhook-signature");
  CHECK_FALSE(fits(sendgrid, secrets, raw));
}

TEST_CASE("secrets that prove nothing are refused where they are configured", "[inbound]") {
  const SigningKey key;
  const auto said = [](InboundProvider provider, const InboundSecrets& secrets) {
    const auto checked = check_inbound_secrets(provider, secrets);
    return checked ? std::string() : checked.error().detail;
  };
  CHECK(said(postmark, {std::string(basic_secret), "", ""}).empty());
  CHECK(said(sendgrid, {"", "", key.public_key}).empty());
  CHECK(said(mailgun, {"any key", "", ""}).empty());
  CHECK(said(postmark, {"no-colon-in-this-one-at-all", "", ""}).starts_with("webhook_secret: "));
  CHECK(said(postmark, {"usher:short", "", ""}).starts_with("webhook_secret: "));
  CHECK(said(postmark, {"usher:with@something-in-it", "", ""}).starts_with("webhook_secret: "));
  CHECK(said(sendgrid, {std::string(basic_secret), "old", ""}).starts_with("webhook_secret_previous: "));
  CHECK(said(postmark, {"", std::string(basic_secret), ""}).starts_with("webhook_secret: missing"));
  CHECK(said(mailgun, {"key", "", key.public_key}).starts_with("webhook_public_key: "));
  CHECK(said(sendgrid, {"", "", "bm90IGEga2V5"}).starts_with("webhook_public_key: "));
  // All at once, each once.
  CHECK(said(sendgrid, {"usher:short", "old", "!!! bm90IGEga2V5"}) ==
        "webhook_public_key: is not base64 of an elliptic curve key\n"
        "webhook_secret: must be USER:PASSWORD as it stands in the address\n"
        "webhook_secret_previous: must be USER:PASSWORD as it stands in the address");
  CHECK(said(mailgun, {"", "", key.public_key}) == "webhook_public_key: is for inbound: sendgrid only\nwebhook_secret: missing");
}
