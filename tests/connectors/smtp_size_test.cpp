// Large mails: RFC 1870, a server that says how large a mail may be is not sent a larger one; and the time that a slow line needs.
#include <catch2/catch.hpp>

#include "connectors/smtp_session.hpp"
#include "tests/connectors/smtp_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

// More than the two ends of a connection hold by themselves.
constexpr std::size_t large = 24 * 1024 * 1024;

SmtpHabits slow_line(std::chrono::milliseconds pause) {
  SmtpHabits habits;
  habits.offers = {"AUTH PLAIN"};
  habits.text_pause = pause;
  return habits;
}

MailPost large_mail(const SmtpServer& server) {
  MailPost post{server.account(email::Protection::starttls), "u1.a@ex.com", "support@ex.com", "ana@ex.org", {}};
  while (post.bytes.size() < large) post.bytes += std::string(76, 'x') + "\r\n";
  return post;
}

}  // namespace

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

TEST_CASE("a large mail has the time that a slow line needs", "[smtp]") {
  SmtpServer server(slow_line(std::chrono::milliseconds(150)));
  const auto post = large_mail(server);
  SmtpWatch watch;
  // A fraction of what it takes, and many times the longest pause.
  const auto verdict = judge(send_mail(post, {}, {Milliseconds{1'500}, limits::mail_after_dot_within}, watch));
  CHECK(verdict.detail == "250 2.0.0 queued as 4711");
  CHECK(server.wait_for(1)[0].texts.at(0).size() == post.bytes.size());
}

TEST_CASE("a server that stops reading in the middle of a large mail is left", "[smtp]") {
  SmtpServer server(slow_line(std::chrono::hours(1)));
  SmtpWatch watch;
  const auto outcome = send_mail(large_mail(server), {}, {Milliseconds{500}, limits::mail_after_dot_within}, watch);
  CHECK(outcome.trouble == SmtpTrouble::slow);
  CHECK(outcome.stage == SmtpStage::data);
  CHECK(judge(outcome).state == DeliveryState::deferred);
}
