// Posted requests broken in every way that comes easily, from a fixed seed: no bytes crash the reader, and what it gives is a
// mail like any other. USHER_MUTATIONS sets how often each one is broken.
#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <random>

#include "tests/connectors/email/mail_properties.hpp"
#include "tests/connectors/email/posted_requests.hpp"

using namespace usher::connectors;
using namespace usher::connectors::email;
using namespace usher::connectors::email::testing;

namespace {

constexpr std::array<std::string_view, 24> pieces{"\r\n", "\r\n\r\n", "--", "--xYz4411", "\r\n--xYz4411\r\n", "\r\n--xYz4411--\r\n", "&", "=", "%", "%0D%0A", "+", "\"", "\\", "\\u0000",
                                                  "{", "[", "]}", "; filename*=utf-8''%FF", "; name=", "attachment1", "\xff\xfe", ":", "null", "1e999"};

std::string mutated(const std::string& body, std::mt19937& random) {
  std::string out = body;
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (std::size_t times = 1 + below(4); times > 0; --times) {
    const std::size_t at = below(out.size() + 1);
    switch (below(6)) {
      case 0: out.insert(at, pieces[below(pieces.size())]); break;
      case 1: out.erase(at, below(40)); break;
      case 2: if (at < out.size()) out[at] = static_cast<char>(random()); break;
      case 3: out.insert(at, out.substr(below(out.size()), below(200))); break;
      case 4: out.resize(at); break;
      default: out.insert(at, std::string(300, std::string_view("([{:=%\r-a\"")[below(10)])); break;
    }
  }
  return out;
}

std::size_t times() {
  const char* named = std::getenv("USHER_MUTATIONS");
  return named != nullptr ? std::strtoul(named, nullptr, 10) : 400;
}

const std::vector<std::pair<InboundProvider, Raw>>& requests() {
  static const std::vector<std::pair<InboundProvider, Raw>> all{
      {InboundProvider::sendgrid,
       multipart({{"headers", "From: a@ex.org\nSubject: s\nContent-Type: multipart/report; report-type=delivery-status\n"}, {"charsets", R"({"text":"utf-7"})"},
                  {"envelope", R"({"to":["a@ex.com"],"from":""})"}, {"text", "t+AOk-"}, {"html", "<p>h</p>"}, {"content-ids", R"({"c":"attachment1"})"},
                  {"attachment-info", R"({"attachment1":{"filename":"=?utf-8?Q?=C3=BC?=","type":"image/png"}})"}, {"attachment1", "x", "; filename=\"\"\r\nContent-Type: image/png"}})},
      {InboundProvider::sendgrid, multipart({{"email", "From: a@ex.org\r\n\r\nx\r\n"}, {"envelope", R"({"from":"b@ex.org"})"}})},
      {InboundProvider::mailgun,
       urlencoded({{"sender", "<>"}, {"recipient", "a@ex.com,b@ex.com"}, {"message-headers", R"([["From","a@ex.org"],["Subject","\u00fc"]])"}, {"body-plain", "x"}, {"body-html", "<b>x</b>"},
                   {"token", "t"}, {"timestamp", "1795287483"}, {"signature", "00"}})},
      {InboundProvider::mailgun, multipart({{"message-headers", "[]"}, {"body-plain", "x"}, {"content-id-map", R"({"<c>":"attachment-1"})"}, {"attachment-1", "y", "; filename*=iso-8859-1''%FC"}})},
      {InboundProvider::postmark,
       json_request(R"({"FromFull":{"Email":"a@ex.org","Name":"A"},"To":"b@ex.com","OriginalRecipient":"c@ex.com","Subject":"s","TextBody":"t","HtmlBody":"<b>t</b>",
                        "Headers":[{"Name":"Return-Path","Value":"<>"},{"Name":"X","Value":"y"}],"Attachments":[{"Name":"n","Content":"QQ==","ContentType":"a/b","ContentID":"c"}]})")},
      {InboundProvider::postmark, json_request(R"({"RawEmail":"From: a@ex.org\r\n\r\nx\r\n"})")}};
  return all;
}

}  // namespace

TEST_CASE("broken requests give a mail or a refusal", "[mutation][inbound]") {
  std::mt19937 random(4413);
  const InboundSecrets secrets{"user:password-of-the-tests", "", ""};
  for (const auto& [provider, good] : requests()) {
    REQUIRE(read_inbound(provider, good).has_value());
    for (std::size_t i = times(); i > 0; --i) {
      Raw raw = good;
      raw.body = mutated(good.body, random);
      if (i % 8 == 0) raw.content_type = mutated(good.content_type, random);
      CHECK_FALSE(verify_inbound(provider, secrets, raw, posted_at).has_value());
      const auto mail = read_inbound(provider, raw);
      if (!mail) continue;
      CHECK(mail->arrival.recipients.size() <= 256);
      check_mail(mail->mime, mail->arrival);
    }
  }
}
