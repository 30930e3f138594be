// Webhook signatures: our own fixtures always, the public vectors where the corpora are at hand.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <boost/json.hpp>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "connectors/signature.hpp"
#include "connectors/standard_webhooks.hpp"
#include "connectors/webhook_verify.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

bool fits(std::string_view scheme, std::string_view secret, const SignedRequest& request, Instant now = evening) {
  const auto verified = verify_webhook(scheme, secret, request, now);
  if (!verified) CHECK(verified.error().fault == Fault::unauthorised);
  return verified.has_value();
}

const std::string seconds_now = std::to_string(unix_ms(evening) / 1000);

}  // namespace

TEST_CASE("each scheme accepts its own signature and refuses any change of it", "[verify]") {
  const std::string secret = "s3cret", body = "{\"a\":\"\u00e4\"}";
  const std::string whsec(sample_secret);
  const std::string standard = "v1," + base64(hmac_sha256(*webhook_key(whsec), "m1." + seconds_now + "." + body));
  struct Case { std::string_view scheme; std::string secret, header, value; std::map<std::string, std::string> others; };
  const Case cases[] = {
      {"meta", secret, "X-Hub-Signature-256", "sha256=" + hex(hmac_sha256(secret, body)), {}},
      {"slack", secret, "X-Slack-Signature", "v0=" + hex(hmac_sha256(secret, "v0:" + seconds_now + ":" + body)), {{"X-Slack-Request-Timestamp", seconds_now}}},
      {"viber", secret, "X-Viber-Content-Signature", hex(hmac_sha256(secret, body)), {}},
      {"line", secret, "X-Line-Signature", base64(hmac_sha256(secret, body)), {}},
      {"standard-webhooks", whsec, "webhook-signature", standard, {{"webhook-id", "m1"}, {"webhook-timestamp", seconds_now}}},
      {"twilio", secret, "X-Twilio-Signature", base64(hmac_sha1(secret, "https://ex.org/t?bodySHA256=" + sha256_hex(body))), {}},
  };
  for (const Case& one : cases) {
    INFO(one.scheme);
    SignedRequest request{"https://ex.org/t?bodySHA256=" + sha256_hex(body), one.others, body};
    CHECK(!fits(one.scheme, one.secret, request));
    request.headers[one.header] = one.value;
    CHECK(fits(one.scheme, one.secret, request));
    CHECK(!fits(one.scheme, "", request));
    CHECK(!fits(one.scheme, "whsec_" + std::string(32, 'B'), request));
    for (const std::string& wrong : {one.value.substr(1), one.value + "x", "x " + one.value.substr(1), std::string(), one.value.substr(0, one.value.size() - 1)}) {
      request.headers[one.header] = wrong;
      CHECK(!fits(one.scheme, one.secret, request));
    }
    request.headers[one.header] = one.value;
    request.body += " ";
    CHECK(!fits(one.scheme, one.secret, request));
  }
}

TEST_CASE("a telegram secret token is compared as it is", "[verify]") {
  CHECK(fits("telegram", "abc", {"", {{"X-Telegram-Bot-Api-Secret-Token", "abc"}}, "{}"}));
  CHECK(!fits("telegram", "abc", {"", {{"X-Telegram-Bot-Api-Secret-Token", "abd"}}, "{}"}));
  CHECK(!fits("telegram", "abc", {"", {}, "{}"}));
  CHECK(!fits("telegram", "", {"", {{"X-Telegram-Bot-Api-Secret-Token", ""}}, "{}"}));
}

TEST_CASE("signed times count for five minutes in both directions", "[verify]") {
  const std::string body = "b", secret = "s";
  const SignedRequest slack{"", {{"x-slack-request-timestamp", seconds_now}, {"x-slack-signature", "v0=" + hex(hmac_sha256(secret, "v0:" + seconds_now + ":" + body))}}, body};
  const auto headers = sign_webhook(std::vector<std::string_view>{sample_secret}, "m", evening, body);
  REQUIRE(headers);
  const SignedRequest standard{"", {headers->begin(), headers->end()}, body};
  const Instant signed_at = from_unix_ms(unix_ms(evening) / 1000 * 1000);
  for (const int away : {-300, -1, 0, 299, 300}) {
    CHECK(fits("slack", secret, slack, signed_at + std::chrono::seconds(away)));
    CHECK(fits("standard-webhooks", sample_secret, standard, signed_at + std::chrono::seconds(away)));
  }
  for (const int away : {-301, 301, 1'000'000}) {
    CHECK(!fits("slack", secret, slack, signed_at + std::chrono::seconds(away)));
    CHECK(!fits("standard-webhooks", sample_secret, standard, signed_at + std::chrono::seconds(away)));
  }
}

TEST_CASE("a Standard Webhook may carry several signatures, of which one must fit", "[verify]") {
  const auto headers = sign_webhook(std::vector<std::string_view>{sample_secret}, "m", evening, "b");
  REQUIRE(headers);
  const std::string good = headers->at(2).second;
  const auto with_signature = [&](const std::string& signature) {
    return fits("standard-webhooks", sample_secret, {"", {{"webhook-id", "m"}, {"webhook-timestamp", seconds_now}, {"webhook-signature", signature}}, "b"});
  };
  CHECK(with_signature("v1,AAAA " + good));
  CHECK(with_signature("v1a,xyz " + good + " v2,zzz"));
  CHECK(!with_signature("v1a," + good.substr(3)));
  CHECK(!with_signature(good.substr(3)));
  CHECK(!with_signature("v1, v1,AAAA"));
  CHECK(!sign_webhook({}, "m", evening, "b"));
  CHECK(!sign_webhook(std::vector<std::string_view>{"whsec_x"}, "m", evening, "b"));
}

TEST_CASE("a scheme that does not exist is said to be so", "[verify]") {
  CHECK(verify_webhook("smoke", "s", {}, evening).error().fault == Fault::malformed);
  CHECK(webhook_schemes().size() >= 10);
}

TEST_CASE("posted mail is verified as its connector verifies it", "[verify]") {
  // The sum was made by Python's hmac; it is that of the connector's own test.
  const std::string form = "timestamp=1795287483&token=0123456789abcdef0123456789abcdef0123456789abcdef01&body-plain=x&signature=";
  const std::string sum = "db9da1b3c16d2ba8aacc4a5e63b76f455ea734b7884369bdbb68b2588d4d6acb";
  const std::string key = "signing-key-of-the-tests";
  const auto at = from_unix_ms(1795287483'000);
  const auto mailgun = [&](const std::string& body) { return SignedRequest{"", {{"Content-Type", "application/x-www-form-urlencoded"}}, body}; };
  CHECK(fits("mailgun", key, mailgun(form + sum), at));
  CHECK(fits("mailgun", key, mailgun(form + sum), at + std::chrono::hours(9)));
  CHECK(!fits("mailgun", key, mailgun(form + sum), at + std::chrono::hours(10)));
  CHECK(!fits("mailgun", key, mailgun(form + sum.substr(1)), at));
  CHECK(!fits("mailgun", "another-key", mailgun(form + sum), at));
  CHECK(!fits("mailgun", "", mailgun(form + sum), at));
  CHECK(!fits("mailgun", key, {"", {}, form + sum}, at));  // No form without its type.

  const std::string secret = "usher:correct-horse-battery";
  for (const char* scheme : {"sendgrid", "postmark"}) {
    INFO(scheme);
    CHECK(fits(scheme, secret, {"", {{"Authorization", "Basic " + base64(secret)}}, "{}"}));
    CHECK(!fits(scheme, secret, {"", {{"Authorization", "Basic " + base64("usher:correct-horse-batterx")}}, "{}"}));
    CHECK(!fits(scheme, secret, {"", {}, "{}"}));
    CHECK(verify_webhook(scheme, "usher:short", {}, evening).error().fault == Fault::malformed);
  }
}

TEST_CASE("a mail that SendGrid signed is verified by the policy's public key", "[verify]") {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  unsigned char* der = nullptr;
  const int der_size = i2d_PUBKEY(key.get(), &der);
  REQUIRE(der_size > 0);
  const std::string public_key = base64({reinterpret_cast<const char*>(der), static_cast<std::size_t>(der_size)});
  OPENSSL_free(der);
  SignedRequest request{"", {{"X-Twilio-Email-Event-Webhook-Timestamp", seconds_now}}, "email=x"};
  const std::string text = seconds_now + request.body;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
  std::string signature(256, '\0');
  std::size_t size = signature.size();
  REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1);
  request.headers["X-Twilio-Email-Event-Webhook-Signature"] = base64(signature.substr(0, size));
  CHECK(fits("sendgrid", public_key, request));
  CHECK(!fits("sendgrid", public_key, request, evening + std::chrono::hours(75)));
  CHECK(!fits("sendgrid", "usher:correct-horse-battery", request));
  request.body += " ";
  CHECK(!fits("sendgrid", public_key, request));
  CHECK(verify_webhook("sendgrid", "no-key", request, evening).error().fault == Fault::malformed);
}

TEST_CASE("a form signed by Twilio is verified with and without the standard port, whatever the order", "[verify]") {
  const std::string secret = "12345";
  const auto signed_over = [&](const std::string& url) { return base64(hmac_sha1(secret, url + "AbBodyHi thereFrom+1")); };
  const auto verified = [&](const std::string& url, const std::string& signature, const std::string& body = "From=%2B1&Body=Hi+there&A=b") {
    return fits("twilio", secret, {url, {{"x-twilio-signature", signature}, {"content-type", "application/x-www-form-urlencoded"}}, body});
  };
  CHECK(verified("https://ex.org/t?x=1", signed_over("https://ex.org/t?x=1")));
  CHECK(verified("https://ex.org/t?x=1", signed_over("https://ex.org:443/t?x=1")));
  CHECK(verified("http://ex.org/t", signed_over("http://ex.org:80/t")));
  CHECK(verified("https://u:p@ex.org:8443/t", signed_over("https://u:p@ex.org/t")));
  CHECK(verified("https://[::1]/t", signed_over("https://[::1]:443/t")));
  CHECK(!verified("https://ex.org/t?x=1", signed_over("https://ex.org/t?x=2")));
  CHECK(!verified("https://ex.org/t", signed_over("https://ex.org:80/t")));
  CHECK(!verified("https://ex.org/t", signed_over("https://ex.org/t"), "From=%2B1&Body=Hi+there&A=c"));
  CHECK(!verified("https://ex.org/t", signed_over("https://ex.org/t"), "From=%2B1&Body=Hi+there&A=b&B=c"));
  CHECK(!verified("https://ex.org/t", signed_over("https://ex.org/t"), "From=%"));
  CHECK(!verified("not a url", ""));
  // A field sent twice with one value counts once, with two values twice.
  CHECK(verified("https://ex.org/t", signed_over("https://ex.org/t"), "A=b&From=%2B1&Body=Hi+there&A=b"));
  CHECK(verified("https://ex.org/t", base64(hmac_sha1(secret, "https://ex.org/tA1A2")), "A=2&A=1&A=2"));
  // A form whose address holds a body hash is still signed with its fields.
  const std::string hashed = "https://ex.org/t?bodySHA256=" + sha256_hex("From=%2B1&Body=Hi+there&A=b");
  CHECK(verified(hashed, signed_over(hashed)));
  CHECK(!verified(hashed, base64(hmac_sha1(secret, hashed))));
}

namespace {

std::string text_of(const boost::json::object& vector, const char* name) {
  const auto* value = vector.if_contains(name);
  return value == nullptr || !value->is_string() ? std::string() : std::string(value->as_string());
}

std::string unhex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return out;
}

// The vector as the request that would carry it; "" for schemes that are no webhooks.
std::string_view make_request(const boost::json::object& vector, SignedRequest& request) {
  const std::string scheme = text_of(vector, "scheme"), signature = text_of(vector, "signature");
  request.url = text_of(vector, "url");
  request.body = text_of(vector, "body");
  if (scheme == "twilio" || scheme == "twilio-json") {
    request.headers["X-Twilio-Signature"] = signature;
    request.headers["Content-Type"] = scheme == "twilio" ? "application/x-www-form-urlencoded" : "application/json";
    if (const auto* params = vector.if_contains("params"))
      for (const auto& pair : params->as_array())
        request.body += (request.body.empty() ? "" : "&") + percent(std::string(pair.at(0).as_string())) + "=" + percent(std::string(pair.at(1).as_string()));
    return "twilio";
  }
  if (scheme == "slack") {
    request.headers = {{"X-Slack-Signature", signature}, {"X-Slack-Request-Timestamp", text_of(vector, "timestamp")}};
    return "slack";
  }
  if (scheme == "x-hub-signature-256") {
    request.headers["X-Hub-Signature-256"] = signature;
    return "meta";
  }
  if (scheme == "standard-webhooks") {
    request.headers = {{"webhook-id", text_of(vector, "id")}, {"webhook-timestamp", text_of(vector, "timestamp")}, {"webhook-signature", signature}};
    return "standard-webhooks";
  }
  if (scheme == "viber") {
    request.headers["X-Viber-Content-Signature"] = signature;
    return "viber";
  }
  return "";
}

// Returns whether it was one that we check here.
bool check_vector(const boost::json::object& vector) {
  const std::string scheme = text_of(vector, "scheme");
  // Where the vectors leave it open (upper-case hexadecimal), ours is to refuse.
  const auto& valid = vector.at("valid");
  const bool expected = valid.is_bool() && valid.as_bool();
  INFO(boost::json::serialize(vector));
  if (scheme == "hmac-sha256" || scheme == "hmac-sha1") {
    const auto hash = scheme == "hmac-sha1" ? hmac_sha1 : hmac_sha256;
    CHECK((hex(hash(unhex(text_of(vector, "key_hex")), unhex(text_of(vector, "msg_hex")))) == text_of(vector, "signature")) == expected);
    return true;
  }
  SignedRequest request;
  const std::string_view name = make_request(vector, request);
  if (name.empty()) return false;
  std::int64_t now = text_of(vector, "timestamp").empty() ? 0 : std::stoll(text_of(vector, "timestamp"));
  if (const auto* given = vector.if_contains("now")) now = given->as_int64();
  CHECK(fits(name, text_of(vector, "secret"), request, from_unix_ms(now * 1000)) == expected);
  return true;
}

}  // namespace

TEST_CASE("the public vectors of each scheme come out as they say", "[verify]") {
  const char* named = std::getenv("USHER_CORPORA");
  const std::filesystem::path folder = named != nullptr ? named : USHER_SOURCE_DIR "/../shared/corpora";
  std::ifstream file(folder / "webhook-signatures" / "vectors.json", std::ios::binary);
  if (!file) {
    WARN("the corpora are not here: only our own fixtures ran");
    return;
  }
  std::ostringstream bytes;
  bytes << file.rdbuf();
  int checked = 0;
  const auto vectors = boost::json::parse(bytes.str());
  for (const auto& vector : vectors.as_array()) checked += check_vector(vector.as_object()) ? 1 : 0;
  CHECK(checked >= 25);
}
