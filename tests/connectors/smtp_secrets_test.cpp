// What a submission server says at a login is not repeated: it may be the password.
#include <catch2/catch.hpp>

#include "connectors/smtp_session.hpp"
#include "tests/connectors/smtp_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

TEST_CASE("a server that repeats what was said at the login shows nobody the password", "[smtp]") {
  for (const char* code : {"535 5.7.8 ", "535-5.7.8 ", "454 4.7.0 ", "500 ", "550-", "235 2.7.0 "}) {
    INFO(code);
    SmtpServer server({}, [&](std::string_view stage, const SmtpGot& got) -> std::optional<std::string> {
      if (stage != "AUTH") return std::nullopt;
      const std::string line = code + got.commands.back() + " does not fit\r\n";
      return code[3] == '-' ? line + std::string(code, 3) + " " + got.commands.back() + "\r\n" : line;
    });
    MailPost post;
    post.account = server.account(email::Protection::starttls);
    post.envelope_from = "support@ex.com";
    post.recipient = "ana@ex.org";
    post.bytes = "Subject: Hello\r\n\r\nHere it is.\r\n";
    SmtpWatch watch;
    const auto outcome = send_mail(post, {}, {}, watch);
    CHECK(outcome.text.find("AHN1") == std::string::npos);  // The base64 of the password's line.
    CHECK(judge(outcome).detail.find("AHN1") == std::string::npos);
    CHECK(judge(outcome).detail.find("does not fit") == std::string::npos);
    CHECK(try_sender(post.account, "support@ex.com", {}, {}, watch).text.find("AHN1") == std::string::npos);
  }
}

TEST_CASE("the status of an answer is its code and its enhanced code", "[smtp]") {
  CHECK(status_of("535 5.7.8 wrong") == "535 5.7.8");
  CHECK(status_of("535 5.7.139 Authentication unsuccessful") == "535 5.7.139");
  CHECK(status_of("535 wrong") == "535");
  CHECK(status_of("535 5.7.8") == "535 5.7.8");
  CHECK(status_of("535 1234567890123 x") == "535");
  CHECK(status_of("535 12345 x") == "535");
  CHECK(status_of("535") == "535");
  CHECK(status_of("") == "");
}
