// What an operator is told about a mail server that does not work.
#include <catch2/catch.hpp>

#include "connectors/smtp_check.hpp"
#include "tests/connectors/smtp_server.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;
using email::Protection;

TEST_CASE("a check logs in and sends nothing", "[smtp]") {
  SmtpServer server;
  const auto account = server.account(Protection::starttls);
  CHECK(check_smtp(account, {}).value() == "localhost:" + std::to_string(server.port()) + " takes mail, inside TLS and logged in as support@ex.com");
  const auto got = server.wait_for(1)[0];
  CHECK(got.command("AUTH").starts_with("AUTH PLAIN "));
  CHECK(got.command("NOOP") == "NOOP");
  CHECK(got.command("MAIL").empty());
}

TEST_CASE("a check says in words what is wrong", "[smtp]") {
  SmtpServer server;
  const std::string where = "localhost:" + std::to_string(server.port());
  const auto why = [](const email::SmtpAccount& account) {
    const auto checked = check_smtp(account, {});
    REQUIRE_FALSE(checked);
    CHECK(checked.error().detail.find("secret") == std::string::npos);
    return checked.error().detail;
  };
  auto account = server.account(Protection::starttls);
  account.credentials.password = "another";
  CHECK(why(account) == "the mail server refused the login: 535 5.7.8");
  account = server.account(Protection::starttls);
  account.server.host = "no-such-host.invalid";
  CHECK(why(account) == "the name no-such-host.invalid does not resolve");
  account = server.account(Protection::tls);
  CHECK(why(account) == "no TLS with " + where + ": it speaks no TLS from the first byte (STARTTLS, perhaps?), or none that is new enough");
  account = server.account(Protection::starttls);
  server.show(make_certificate(server.authority(), "mail.example.org"));
  CHECK(why(account) == "the certificate of " + where + " is for another name");
  SmtpHabits habits;
  habits.starttls = false;
  SmtpServer bare(habits);
  CHECK(why(bare.account(Protection::starttls)) == "localhost:" + std::to_string(bare.port()) + " offers no STARTTLS, so nothing was said to it");
  account.server.port = [] { return SmtpServer().port(); }();
  CHECK(why(account) == "localhost:" + std::to_string(account.server.port) + " refuses connections: nothing listens there");
}
