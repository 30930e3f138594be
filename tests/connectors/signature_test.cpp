// Hashes, spellings and rate limits, against published vectors and by their rules.
#include <catch2/catch.hpp>

#include "connectors/private_address.hpp"
#include "connectors/signature.hpp"
#include "connectors/token_bucket.hpp"
#include "connectors/web_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

using namespace usher::connectors;

TEST_CASE("hashes are those of the standards", "[signature]") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");   // FIPS 180-4
  CHECK(hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");                         // RFC 4231
  CHECK(hex(hmac_sha1("Jefe", "what do ya want for nothing?")) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");  // RFC 2202
  CHECK(hex(hmac_sha256("", "")) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("base64 is that of RFC 4648, both ways", "[signature]") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    CHECK(base64(plain) == coded);
    CHECK(decode_base64(coded) == std::string(plain));
  }
  std::string all;
  for (int i = 0; i < 1000; ++i) all += static_cast<char>(i * 7 + i / 256);
  CHECK(decode_base64(base64(all)) == all);
}

TEST_CASE("base64 that is not exactly so is refused", "[signature]") {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-v", "Zm_v", "Zg==Zg==", "=Zg=", "Z\xffg="}) {
    INFO(text);
    CHECK(!decode_base64(text));
  }
}

TEST_CASE("secrets are equal only when every byte is", "[signature]") {
  CHECK(equal_secrets("", ""));
  CHECK(equal_secrets("abc", "abc"));
  CHECK(!equal_secrets("abc", "abd"));
  CHECK(!equal_secrets("abc", "ab"));
  CHECK(!equal_secrets(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST_CASE("an address sends its share, then waits, and others are not touched", "[token_bucket]") {
  TokenBuckets buckets(30, 100);
  Milliseconds now{1'000'000};
  for (int i = 0; i < 30; ++i) CHECK(buckets.take("a", now) == Milliseconds{0});
  CHECK(buckets.take("a", now) == Milliseconds{2'000});
  CHECK(buckets.take("b", now) == Milliseconds{0});
  CHECK(buckets.take("a", now + Milliseconds{1'999}) == Milliseconds{1});
  CHECK(buckets.take("a", now + Milliseconds{2'000}) == Milliseconds{0});
  CHECK(buckets.take("a", now + Milliseconds{2'000}) > Milliseconds{0});
  now += std::chrono::hours(10'000);
  for (int i = 0; i < 30; ++i) CHECK(buckets.take("a", now) == Milliseconds{0});
  CHECK(buckets.take("a", now) > Milliseconds{0});
}

TEST_CASE("a clock that goes back gives no tokens away", "[token_bucket]") {
  TokenBuckets buckets(1, 10);
  CHECK(buckets.take("a", Milliseconds{100'000}) == Milliseconds{0});
  CHECK(buckets.take("a", Milliseconds{50'000}) > Milliseconds{0});
  CHECK(buckets.take("a", Milliseconds{100'000}) > Milliseconds{0});
}

TEST_CASE("the addresses remembered are bounded, and the busiest is not the one forgotten", "[token_bucket]") {
  TokenBuckets buckets(1, 3);
  CHECK(buckets.take("busy", Milliseconds{0}) == Milliseconds{0});
  for (int i = 0; i < 100; ++i) {
    static_cast<void>(buckets.take("x" + std::to_string(i), Milliseconds{0}));
    CHECK(buckets.take("busy", Milliseconds{0}) > Milliseconds{0});
    CHECK(buckets.size() <= 3);
  }
}

TEST_CASE("one customer's IPv6 network counts as one address", "[token_bucket]") {
  CHECK(rate_address("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(rate_address("2001:db8:1:2::9") == rate_address("2001:DB8:1:2:ffff::1"));
  CHECK(rate_address("2001:db8:1:3::9") != rate_address("2001:db8:1:2::9"));
  CHECK(rate_address("192.0.2.7") == "192.0.2.7");
  CHECK(rate_address("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(rate_address("unknown") == "unknown");
}

namespace {

bool is_public(const char* text) {
  sockaddr_in six_or_four{};
  six_or_four.sin_family = AF_INET;
  if (inet_pton(AF_INET, text, &six_or_four.sin_addr) == 1) return is_public_address(reinterpret_cast<const sockaddr&>(six_or_four));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  REQUIRE(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
  return is_public_address(reinterpret_cast<const sockaddr&>(six));
}

}  // namespace

TEST_CASE("addresses of private networks are told from public ones, however they are wrapped", "[private_address]") {
  for (const char* address : {"127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "169.254.169.254", "172.16.0.1",
                              "172.31.255.255", "192.0.0.8", "192.168.1.1", "198.18.0.1", "198.19.255.255", "203.0.113.5", "224.0.0.1", "240.0.0.1",
                              "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
                              "2002:7f00:1::", "2002:c0a8:101::", "2001::1", "2001:db8::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1"}) {
    INFO(address);
    CHECK(!is_public(address));
  }
  for (const char* address : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
                              "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
                              "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"}) {
    INFO(address);
    CHECK(is_public(address));
  }
  sockaddr local{};
  local.sa_family = AF_UNIX;
  CHECK(!is_public_address(local));
}

TEST_CASE("web addresses and origins are told from other texts", "[web_address]") {
  for (const char* url : {"http://a", "https://ex.org:8443/x?y=1#z", "HTTPS://EX.org/", "http://[::1]:80/", "http://127.0.0.1/x"}) {
    INFO(url);
    CHECK(is_web_address(url));
  }
  for (const char* url : {"", "ex.org", "//ex.org", "ftp://ex.org", "http://", "http:///x", "http://u:p@ex.org", "http://ex.org/a b", "http://ex.org/\r\nX: y", "javascript:alert(1)", "file:///x"}) {
    INFO(url);
    CHECK(!is_web_address(url));
  }
  CHECK(is_origin("https://ex.org"));
  CHECK(is_origin("http://localhost:3000"));
  for (const char* origin : {"https://ex.org/", "https://EX.org", "https://ex.org?x", "*", "null", "ex.org"}) {
    INFO(origin);
    CHECK(!is_origin(origin));
  }
}
