// What an operator is told about a mail server that does not work: each wrong setting by a sentence of its own, in seconds.
#include <catch2/catch.hpp>

#include <atomic>

#include "connectors/email/thread_key.hpp"
#include "connectors/smtp_check.hpp"
#include "tests/connectors/smtp_server.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;
using email::Protection;

namespace {

const std::string plain = "support@ex.com";

// As replies carry it.
std::string tagged() {
  static const std::vector<std::string> secrets{"a secret of the tests"};
  static const std::string sender = email::mint_envelope_sender({TenantId("acme"), secrets}, MessageId{1, 2}, plain, *parse_rfc3339("2026-11-22T00:00:00Z"));
  return sender;
}

// The sentence of what is wrong; "ok" where nothing is.
std::string why(const email::SmtpAccount& account, const TokenSource& tokens = {}) {
  const auto begun = std::chrono::steady_clock::now();
  const auto checked = check_smtp(account, tagged(), tokens);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(15));
  if (checked) return "ok";
  CHECK(checked.error().detail.find("secret") == std::string::npos);
  return checked.error().detail;
}

std::string at(const SmtpServer& server) { return "localhost:" + std::to_string(server.port()); }

SmtpServer::Answer refuse_senders(std::function<bool(const std::string& command)> refused, const std::string& answer) {
  return [refused = std::move(refused), answer](std::string_view stage, const SmtpGot& got) -> std::optional<std::string> {
    if (stage == "MAIL" && refused(got.commands.back())) return answer;
    return std::nullopt;
  };
}

}  // namespace

TEST_CASE("a check logs in and names the sender of replies and sends nothing", "[smtp][check]") {
  REQUIRE(tagged() != plain);
  SmtpServer server;
  const auto account = server.account(Protection::starttls);
  CHECK(check_smtp(account, tagged(), {}).value() == at(server) + " takes mail from support@ex.com, inside TLS and logged in as support@ex.com");
  const auto got = server.wait_for(1)[0];
  CHECK(got.command("AUTH").starts_with("AUTH PLAIN "));
  CHECK(got.command("MAIL") == "MAIL FROM:<" + tagged() + ">");
  CHECK(got.command("RSET") == "RSET");
  CHECK(got.command("RCPT").empty());
  CHECK(got.command("DATA").empty());
  CHECK(server.connections() == 1);
}

TEST_CASE("a sender that the server refuses is told with its words", "[smtp][check]") {
  SmtpServer server({}, refuse_senders([](const std::string&) { return true; }, "553 5.7.1 Sender address rejected: not owned by user\r\n"));
  CHECK(why(server.account(Protection::starttls)) == "the mail server refuses the sender support@ex.com: 553 5.7.1 Sender address rejected: not owned by user");
  // For its tag first, as when mail is sent.
  const auto got = server.wait_for(2);
  CHECK(got[0].command("MAIL") == "MAIL FROM:<" + tagged() + ">");
  CHECK(got[1].command("MAIL") == "MAIL FROM:<support@ex.com>");
}

TEST_CASE("a server that takes the plain sender alone is good and that is said", "[smtp][check]") {
  SmtpServer server({}, refuse_senders([](const std::string& command) { return command.find('+') != std::string::npos; }, "550 5.1.7 no tags\r\n"));
  CHECK(check_smtp(server.account(Protection::starttls), tagged(), {}).value() ==
        at(server) + " takes mail from support@ex.com alone, so bounces are known by what they return, inside TLS and logged in as support@ex.com");
}

TEST_CASE("a sender that is put off is not tried under another name", "[smtp][check]") {
  SmtpServer server({}, refuse_senders([](const std::string&) { return true; }, "450 4.7.1 later\r\n"));
  CHECK(why(server.account(Protection::starttls)) == "the mail server refuses the sender " + tagged() + ": 450 4.7.1 later");
  CHECK(server.connections() == 1);
}

TEST_CASE("a refused login is told as that of a password or of a token to be renewed", "[smtp][check]") {
  SmtpServer server;
  auto account = server.account(Protection::starttls);
  account.credentials.password = "another";
  CHECK(why(account) == "the mail server refused the user name or the password: 535 5.7.8");
  account.credentials.login = email::Login::xoauth2;
  std::vector<bool> asked;
  const auto give = [&](const std::string& first, const std::string& then) {
    return [&asked, first, then](const email::TokenGrant&, bool fresh, const std::stop_token&) -> Result<std::string> {
      asked.push_back(fresh);
      return fresh ? then : first;
    };
  };
  CHECK(why(account, give("ended", "ended, too")) == "the mail server refused the access token of support@ex.com");
  CHECK(asked == std::vector<bool>{false, true});
  CHECK(why(account, give("ended", "secret")) == "ok");
  CHECK(why(account, [](const email::TokenGrant&, bool, const std::stop_token&) -> Result<std::string> {
          return fail(Fault::unauthorised, "the token server says invalid_grant");
        }) == "the token server says invalid_grant");
}

TEST_CASE("an address that nobody answers at is told at once", "[smtp][check]") {
  SmtpServer server;
  auto account = server.account(Protection::starttls);
  account.server.host = "no-such-host.invalid";
  CHECK(why(account) == "the name no-such-host.invalid does not resolve");
  account = server.account(Protection::starttls);
  account.server.port = [] { return SmtpServer().port(); }();
  CHECK(why(account) == "localhost:" + std::to_string(account.server.port) + " refuses connections: nothing listens there");
}

TEST_CASE("TLS at a port for STARTTLS and none where it is wanted are told apart", "[smtp][check]") {
  SmtpServer server;
  CHECK(why(server.account(Protection::tls)) == "no TLS with " + at(server) + ": it speaks no TLS from the first byte (STARTTLS, perhaps?), or none that is new enough");
  SmtpHabits habits;
  habits.starttls = false;
  SmtpServer bare(habits);
  CHECK(why(bare.account(Protection::starttls)) == at(bare) + " offers no STARTTLS, so nothing was said to it");
}

TEST_CASE("STARTTLS at a submission port for TLS from the first byte is told in seconds", "[smtp][check]") {
  SmtpHabits habits;
  habits.tls_first = true;
  SmtpServer server(habits);
  const std::string sentence = at(server) + " speaks TLS from the first byte, so it waits for no STARTTLS; write smtps:// for it, or name the port for STARTTLS";
  auto account = server.account(Protection::starttls);
  CHECK(why(account) == sentence);
  // Also where the certificate would not be believed.
  account.server.ca_file = "/etc/ssl/certs/ca-certificates.crt";
  CHECK(why(account) == sentence);
  CHECK(why(server.account(Protection::tls)) == "ok");
}

TEST_CASE("a check that looks for TLS at a silent server ends soon after it is told to", "[smtp][check]") {
  std::stop_source stop;
  std::atomic<int> greeted = 0;
  std::atomic<std::chrono::steady_clock::time_point> told{};
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage != "greeting") return std::nullopt;
    if (++greeted == 2) {
      told = std::chrono::steady_clock::now();
      stop.request_stop();
    }
    return SmtpServer::hang;
  });
  CHECK_FALSE(check_smtp(server.account(Protection::starttls), tagged(), {}, stop.get_token()).has_value());
  REQUIRE(greeted == 2);
  CHECK(std::chrono::steady_clock::now() - told.load() < std::chrono::milliseconds(2'500));
}

TEST_CASE("a server of another kind in the place of a submission server is named", "[smtp][check]") {
  std::string greeting = "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n";
  const SmtpServer::Answer greet = [&](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage == "greeting") return greeting;
    return std::nullopt;
  };
  SmtpServer server({}, greet);
  SmtpHabits habits;
  habits.tls_first = true;
  SmtpServer secure(habits, greet);
  CHECK(why(server.account(Protection::starttls)) == "no SMTP server but an IMAP server answers at " + at(server));
  CHECK(why(secure.account(Protection::tls)) == "no SMTP server but an IMAP server answers at " + at(secure));
  greeting = "+OK POP3 ready\r\n";
  CHECK(why(server.account(Protection::starttls)) == "no SMTP server but a POP3 server answers at " + at(server));
}

TEST_CASE("a certificate of a submission server is told by its fault", "[smtp][check]") {
  SmtpServer server;
  const auto account = server.account(Protection::starttls);
  const auto by = [&](const TestCertificate& certificate) {
    server.show(certificate);
    return why(account);
  };
  CHECK(by(make_certificate(server.authority(), "mail.example.org")) == "the certificate of " + at(server) + " is for another name");
  CHECK(by(make_certificate(server.authority(), "localhost", Validity::over)) == "the certificate of " + at(server) + " has expired");
  CHECK(by(make_certificate(make_authority("Somebody else"), "localhost")) ==
        "the certificate of " + at(server) + " is by an authority that is not believed here: ca_file has another");
}
