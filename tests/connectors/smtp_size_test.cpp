// RFC 1870: a server that says how large a mail may be is not sent a larger one.
#include <catch2/catch.hpp>

#include "connectors/smtp_session.hpp"
#include "tests/connectors/smtp_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

TEST_CASE("a mail larger than the server says it takes fails in words and is not begun", "[smtp]") {
  for (const auto& [offer, taken] : {std::pair<std::string, bool>{"SIZE 50", false}, {"SIZE 10000", true}, {"SIZE 0", true}, {"SIZE", true}, {"SIZE what", true}}) {
    INFO(offer);
    SmtpHabits habits;
    habits.offers = {offer, "AUTH PLAIN"};
    SmtpServer server(habits);
    MailPost post{server.account(email::Protection::starttls), "u1.a@ex.com", "support@ex.com", "ana@ex.org", std::string(58, 'x')};
    SmtpWatch watch;
    const auto verdict = judge(send_mail(post, {}, {}, watch));
    CHECK(verdict.state == (taken ? DeliveryState::sent : DeliveryState::failed));
    const auto got = server.wait_for(1)[0];
    CHECK(got.command("MAIL").empty() != taken);
    if (taken) continue;
    CHECK(got.command("AUTH").empty());
    CHECK(verdict.detail == "the mail is larger than the mail server takes: it has 58 bytes, and 50 are taken; send fewer or smaller files");
  }
}
