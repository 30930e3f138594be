// Mails handed to a real submission server on loopback that says what the test wants.
#include <catch2/catch.hpp>

#include <memory>
#include <thread>

#include "connectors/smtp_session.hpp"
#include "tests/connectors/smtp_server.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;
using email::Protection;

namespace {

MailPost mail_for(const SmtpServer& server, Protection protection = Protection::starttls) {
  MailPost post;
  post.account = server.account(protection);
  post.message_id = "u1.a@ex.com";
  post.envelope_from = "support@ex.com";
  post.recipient = "ana@ex.org";
  post.bytes = "Subject: Hello\r\nMessage-ID: <u1.a@ex.com>\r\n\r\nHere it is.\r\n";
  return post;
}

SmtpOutcome send(const MailPost& post, SmtpTimes times = {}, const std::string& token = {}) {
  SmtpWatch watch;
  return send_mail(post, token, times, watch);
}

SmtpServer::Answer at(std::string stage, std::string answer) {
  return [stage, answer](std::string_view now, const SmtpGot&) { return now == stage ? std::optional(answer) : std::nullopt; };
}

}  // namespace

TEST_CASE("a mail is handed over inside TLS after a login and its bytes arrive unchanged", "[smtp]") {
  for (const Protection protection : {Protection::starttls, Protection::tls}) {
    SmtpHabits habits;
    habits.tls_first = protection == Protection::tls;
    SmtpServer server(habits);
    const auto post = mail_for(server, protection);
    const auto verdict = judge(send(post));
    CHECK(verdict.state == DeliveryState::sent);
    CHECK(verdict.detail == "250 2.0.0 queued as 4711");
    const auto got = server.wait_for(1)[0];
    CHECK(got.in_tls);
    CHECK(got.command("AUTH") == "AUTH PLAIN AHN1cHBvcnRAZXguY29tAHNlY3JldA==");
    CHECK(got.command("MAIL") == "MAIL FROM:<support@ex.com> SIZE=" + std::to_string(post.bytes.size()));
    CHECK(got.command("RCPT") == "RCPT TO:<ana@ex.org>");
    CHECK(got.commands.back() == "QUIT");
    REQUIRE(got.texts.size() == 1);
    CHECK(got.texts[0] == post.bytes);
  }
}

TEST_CASE("nothing but STARTTLS is said before TLS", "[smtp]") {
  SmtpServer server;
  REQUIRE(judge(send(mail_for(server))).state == DeliveryState::sent);
  const auto got = server.wait_for(1)[0];
  REQUIRE(got.commands.size() > 3);
  CHECK(got.commands[0].starts_with("EHLO "));
  CHECK(got.commands[1] == "STARTTLS");
  CHECK(got.commands[2].starts_with("EHLO "));
}

TEST_CASE("an automatic mail goes out with the null path", "[smtp]") {
  SmtpServer server;
  auto post = mail_for(server);
  post.envelope_from.clear();
  REQUIRE(judge(send(post)).state == DeliveryState::sent);
  CHECK(server.wait_for(1)[0].command("MAIL").starts_with("MAIL FROM:<> SIZE="));
}

TEST_CASE("each refusal at each stage has its verdict", "[smtp]") {
  struct Case { const char* stage; const char* answer; DeliveryState state; std::string_view kind; const char* detail; };
  const auto sent = DeliveryState::sent, later = DeliveryState::deferred, never = DeliveryState::failed;
  const Case cases[] = {
      {"greeting", "421 4.3.2 too busy\r\n", later, "smtp_4xx", "421 4.3.2 too busy"},
      {"greeting", "554 5.7.1 go away\r\n", later, "smtp_5xx", "the mail server takes nothing from here: 554 5.7.1 go away"},
      {"EHLO", "421 4.3.2 closing\r\n", later, "smtp_4xx", "421 4.3.2 closing"},
      {"EHLO", "550 5.7.1 not you\r\n", later, "smtp_5xx", "the mail server takes nothing from here: 550 5.7.1 not you"},
      {"STARTTLS", "454 4.7.0 no TLS today\r\n", later, "smtp_4xx", "454 4.7.0 no TLS today"},
      {"STARTTLS", "554 5.7.0 never\r\n", later, "smtp_5xx", "the mail server takes nothing from here: 554 5.7.0 never"},
      {"AUTH", "454 4.7.0 try later\r\n", later, "smtp_4xx", "454 4.7.0"},
      {"AUTH", "535 5.7.8 who are you\r\n", later, "auth", "the mail server refused the login: 535 5.7.8"},
      {"AUTH", "550 5.7.1 account locked\r\n", later, "auth", "the mail server refused the login: 550 5.7.1"},
      {"MAIL", "421 4.7.0 slow down\r\n", later, "smtp_4xx", "421 4.7.0 slow down"},
      {"MAIL", "452 4.3.1 disk full\r\n", later, "smtp_4xx", "452 4.3.1 disk full"},
      {"MAIL", "530 5.7.0 log in first\r\n", later, "auth", "the mail server refused the login: 530 5.7.0 log in first"},
      {"MAIL", "550 5.7.60 not your address\r\n", never, "smtp_5xx", "550 5.7.60 not your address"},
      {"MAIL", "552 5.3.4 too big\r\n", never, "smtp_5xx", "the mail is larger than the mail server takes: 552 5.3.4 too big"},
      {"RCPT", "450 4.2.0 greylisted\r\n", later, "smtp_4xx", "450 4.2.0 greylisted"},
      {"RCPT", "451 4.7.1 not now\r\n", later, "smtp_4xx", "451 4.7.1 not now"},
      {"RCPT", "550-5.1.1 no such user\r\n550-5.1.1 really\r\n550 5.1.1 none\r\n", never, "smtp_5xx", "550 5.1.1 no such user 5.1.1 really 5.1.1 none"},
      {"RCPT", "552 5.2.2 mailbox full\r\n", never, "smtp_5xx", "552 5.2.2 mailbox full"},
      {"RCPT", "554 5.7.1 relay denied\r\n", never, "smtp_5xx", "554 5.7.1 relay denied"},
      {"DATA", "451 4.3.0 no room\r\n", later, "smtp_4xx", "451 4.3.0 no room"},
      {"DATA", "554 5.5.1 no recipients\r\n", never, "smtp_5xx", "554 5.5.1 no recipients"},
      {"dot", "250 ok\r\n", sent, "", "250 ok"},
      {"dot", "250-ok\r\n250 2.0.0 queued\r\n", sent, "", "250 ok 2.0.0 queued"},
      {"dot", "251 somewhere\r\n", sent, "", "251 somewhere"},
      {"dot", "421 4.3.2 going down\r\n", later, "smtp_4xx", "421 4.3.2 going down"},
      {"dot", "451 4.7.1 greylisted\r\n", later, "smtp_4xx", "451 4.7.1 greylisted"},
      {"dot", "550 5.7.1 spam\r\n", never, "smtp_5xx", "550 5.7.1 spam"},
      {"dot", "552 5.3.4 too big\r\n", never, "smtp_5xx", "the mail is larger than the mail server takes: 552 5.3.4 too big"},
      {"dot", "554 5.6.0 no\x1b[31m\r\n", never, "smtp_5xx", "554 5.6.0 no [31m"},
  };
  for (const Case& one : cases) {
    INFO(one.stage << " " << one.answer);
    SmtpServer server({}, at(one.stage, one.answer));
    const auto verdict = judge(send(mail_for(server)));
    CHECK(verdict.state == one.state);
    CHECK(verdict.kind == one.kind);
    CHECK(verdict.detail == one.detail);
  }
}

TEST_CASE("a mail that was taken is sent whatever ended the attempt after that", "[smtp][rule-E5]") {
  for (const auto trouble : {SmtpTrouble::none, SmtpTrouble::cut, SmtpTrouble::slow, SmtpTrouble::stopped}) {
    const SmtpOutcome outcome{SmtpStage::dot, 250, "250 2.0.0 queued", trouble, "cut off"};
    CHECK(is_taken(outcome));
    CHECK(judge(outcome).state == DeliveryState::sent);
    CHECK(judge(outcome).detail == "250 2.0.0 queued");
  }
  CHECK_FALSE(is_taken({SmtpStage::data, 250, "250 fine", SmtpTrouble::none, {}}));
  CHECK_FALSE(is_taken({SmtpStage::dot, 0, {}, SmtpTrouble::slow, "slow"}));
}

TEST_CASE("a line that is cut means later and after the text it means that nobody knows", "[smtp]") {
  for (const char* stage : {"greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "text", "dot"}) {
    INFO(stage);
    SmtpServer server({}, at(stage, ""));
    const auto verdict = judge(send(mail_for(server)));
    CHECK(verdict.state == DeliveryState::deferred);
    const std::string_view wanted = std::string_view(stage) == "dot" || std::string_view(stage) == "text" ? "unknown" : std::string_view(stage) == "STARTTLS" ? "tls" : "no_answer";
    CHECK(verdict.kind == wanted);
  }
}

TEST_CASE("a server that is silent is left after the time for its stage", "[smtp]") {
  // All at once: libcurl looks at the time once a second.
  const std::string stages[] = {"greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot"};
  std::vector<std::unique_ptr<SmtpServer>> servers;
  std::vector<Verdict> verdicts(std::size(stages));
  std::vector<std::thread> threads;
  for (const std::string& stage : stages) {
    servers.push_back(std::make_unique<SmtpServer>(SmtpHabits{}, at(stage, SmtpServer::hang)));
    threads.emplace_back([&verdict = verdicts[threads.size()], post = mail_for(*servers.back())] {
      verdict = judge(send(post, {Milliseconds{300}, Milliseconds{300}}));
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < std::size(stages); ++i) {
    INFO(stages[i]);
    CHECK(verdicts[i].state == DeliveryState::deferred);
    CHECK(verdicts[i].kind == (stages[i] == "dot" ? "unknown" : "no_answer"));
    servers[i]->wait_for(1);  // The connection was let go.
  }
}

TEST_CASE("a server that never answers QUIT keeps nobody waiting and changes nothing", "[smtp]") {
  SmtpServer server({}, at("QUIT", SmtpServer::hang));
  CHECK(judge(send(mail_for(server))).state == DeliveryState::sent);
  SmtpServer refusing({}, [](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage == "QUIT") return SmtpServer::hang;
    return stage == "RCPT" ? std::optional<std::string>("550 5.1.1 none\r\n") : std::nullopt;
  });
  const auto verdict = judge(send(mail_for(refusing)));
  CHECK(verdict.detail == "550 5.1.1 none");
  CHECK(verdict.state == DeliveryState::failed);
}

TEST_CASE("no text can end the mail early or begin another", "[smtp]") {
  const std::string evil[] = {
      "\r\n.\r\nMAIL FROM:<x@y.org>\r\n", "\n.\nMAIL FROM:<x@y.org>\n", "\r.\rMAIL FROM:<x@y.org>\r", "\n.\r\nMAIL FROM:<x@y.org>\r\n",
      "\r\n.\nMAIL FROM:<x@y.org>\n", "\r.\r\nMAIL FROM:<x@y.org>\r\n", "\r\n.\rMAIL FROM:<x@y.org>\r", "\r\n\r\n..\r\n...\r\n.", ".", ".\r\n", "\r\r\n.\r\n"};
  for (const std::string& text : evil) {
    INFO(text);
    SmtpServer server;
    auto post = mail_for(server);
    post.bytes += text;
    REQUIRE(judge(send(post)).state == DeliveryState::sent);
    const auto got = server.wait_for(1)[0];
    REQUIRE(got.texts.size() == 1);
    CHECK(std::count_if(got.commands.begin(), got.commands.end(), [](const std::string& one) { return one.starts_with("MAIL"); }) == 1);
    // On the wire: no bare CR or LF, each line's dot doubled; undone, the text with plain line ends.
    std::string undone;
    for (std::size_t at = 0; at < got.texts[0].size();) {
      const std::size_t end = got.texts[0].find("\r\n", at);
      REQUIRE(end != std::string::npos);
      const std::string line = got.texts[0].substr(at, end - at);
      CHECK(line.find_first_of("\r\n") == std::string::npos);
      CHECK((!line.starts_with('.') || line.starts_with("..")));
      undone += line.starts_with('.') ? line.substr(1) : line;
      undone += "\r\n";
      at = end + 2;
    }
    std::string wanted = with_wire_ends(post.bytes);
    if (!wanted.ends_with("\r\n")) wanted += "\r\n";
    CHECK(undone == wanted);
  }
}

TEST_CASE("dots are doubled wherever a buffer of the library ends", "[smtp]") {
  SmtpServer server;
  auto post = mail_for(server);
  // Lines of 3 to 18 bytes that all begin with a dot: every offset of a line's end meets the edges of 16 and 64 KiB.
  for (std::size_t i = 0; post.bytes.size() < 600'000; ++i) post.bytes += "." + std::string(i % 16, 'x') + "\r\n";
  REQUIRE(judge(send(post)).state == DeliveryState::sent);
  std::string undone = "\r\n" + server.wait_for(1)[0].texts.at(0);
  for (std::size_t at = 0; (at = undone.find("\r\n..", at)) != std::string::npos; at += 3) undone.erase(at + 2, 1);
  CHECK(undone.substr(2) == post.bytes);
}

TEST_CASE("an address that is none never becomes part of the dialogue", "[smtp]") {
  SmtpServer server;
  for (const char* bad : {"", "ana", "ana@ex.org>\r\nRCPT TO:<eve@ex.org", "ana@ex.org\nDATA", "ana@ex.org> SIZE=1", "<ana@ex.org>", "a b@ex.org"}) {
    INFO(bad);
    auto post = mail_for(server);
    post.recipient = bad;
    CHECK(judge(send(post)).state == DeliveryState::failed);
    post = mail_for(server);
    post.envelope_from = bad;
    if (!post.envelope_from.empty()) CHECK(judge(send(post)).state == DeliveryState::failed);
  }
  auto post = mail_for(server);
  post.bytes += std::string("a\0b\r\n", 5);
  CHECK(judge(send(post)).state == DeliveryState::failed);
  CHECK(server.connections() == 0);
}

TEST_CASE("certificates that are not the server's are refused before anything is said", "[smtp]") {
  SmtpServer server;
  const auto refused = [&](const char* words) {
    const auto verdict = judge(send(mail_for(server)));
    CHECK(verdict.state == DeliveryState::deferred);
    CHECK(verdict.kind == "tls");
    CHECK_THAT(verdict.detail, Catch::Matchers::EndsWith(words));
  };
  server.show(make_certificate(server.authority(), "mail.example.org"));
  refused(" is for another name");
  server.show(make_certificate(server.authority(), "localhost", Validity::over));
  refused(" has expired");
  server.show(make_certificate(server.authority(), "localhost", Validity::not_yet));
  refused(" is not valid yet; is this machine's clock right?");
  server.show(make_authority("localhost"));
  refused(" is self-signed; name it as ca_file to believe it");
  server.show(make_certificate(make_authority("Another"), "localhost"));
  refused(" is by an authority that is not believed here: ca_file has another");
  for (const auto& got : server.wait_for(5)) CHECK(got.commands.size() == 2);  // EHLO and STARTTLS.
}

TEST_CASE("with a ca_file nobody else is believed and one that cannot be read believes nobody", "[smtp]") {
  SmtpServer server;
  auto post = mail_for(server);
  post.account.server.ca_file.clear();
  CHECK(judge(send(post)).kind == "tls");
  post.account.server.ca_file = "/nonexistent/authority.pem";
  CHECK(judge(send(post)).detail == "ca_file cannot be read, or holds no certificate");
}

TEST_CASE("a server without STARTTLS is told nothing", "[smtp]") {
  SmtpHabits habits;
  habits.starttls = false;
  SmtpServer server(habits);
  const auto verdict = judge(send(mail_for(server)));
  CHECK(verdict.kind == "tls");
  CHECK_THAT(verdict.detail, Catch::Matchers::EndsWith(" offers no STARTTLS, so nothing was said to it"));
  CHECK(server.wait_for(1)[0].command("AUTH").empty());
}

TEST_CASE("what somebody put into the line before TLS ends the attempt", "[smtp]") {
  SmtpServer server({}, at("STARTTLS", "220 go on\r\n250-localhost\r\n250 AUTH PLAIN\r\n"));
  const auto verdict = judge(send(mail_for(server)));
  CHECK(verdict.state == DeliveryState::deferred);
  CHECK(verdict.kind == "tls");
  CHECK(server.wait_for(1)[0].command("AUTH").empty());
}

TEST_CASE("what was offered before TLS does not count", "[smtp]") {
  // A stranger in the line takes the login away, or offers one that is weaker.
  SmtpServer server({}, [](std::string_view stage, const SmtpGot& got) -> std::optional<std::string> {
    if (stage != "EHLO" || got.in_tls) return std::nullopt;
    return "250-localhost\r\n250 STARTTLS\r\n";
  });
  CHECK(judge(send(mail_for(server))).state == DeliveryState::sent);
  SmtpServer without({}, [](std::string_view stage, const SmtpGot& got) -> std::optional<std::string> {
    if (stage != "EHLO" || !got.in_tls) return std::nullopt;
    return "250-localhost\r\n250 SIZE 1000\r\n";
  });
  const auto verdict = judge(send(mail_for(without)));
  CHECK(verdict.kind == "auth");
  CHECK(verdict.detail == "the mail server offers no login");
  CHECK(without.wait_for(1)[0].command("MAIL").empty());
}

TEST_CASE("without TLS only loopback is spoken to", "[smtp]") {
  SmtpServer server;
  auto post = mail_for(server, Protection::off);
  CHECK(judge(send(post)).state == DeliveryState::sent);
  post.account.server.host = "192.0.2.1";
  const auto verdict = judge(send(post, {Milliseconds{2'000}, Milliseconds{300}}));
  CHECK(verdict.kind == "tls");
  CHECK(verdict.detail == "without TLS only a mail server on loopback is spoken to");
}

TEST_CASE("addresses outside ASCII need a server that takes them", "[smtp]") {
  SmtpHabits habits;
  habits.offers = {"SIZE 1000000", "AUTH PLAIN"};
  SmtpServer old_one(habits), new_one;
  for (SmtpServer* server : {&old_one, &new_one}) {
    auto post = mail_for(*server);
    post.recipient = "ren\xc3\xa9@ex.org";
    post.needs_smtputf8 = true;
    const auto verdict = judge(send(post));
    const auto got = server->wait_for(1)[0];
    if (server == &old_one) {
      CHECK(verdict.state == DeliveryState::failed);
      CHECK(verdict.kind == "smtputf8");
      CHECK(verdict.detail == "the mail server cannot take addresses outside ASCII: it offers no SMTPUTF8");
      CHECK(got.command("MAIL").empty());
    } else {
      CHECK(verdict.state == DeliveryState::sent);
      CHECK_THAT(got.command("MAIL"), Catch::Matchers::EndsWith(" SMTPUTF8"));
      CHECK(got.command("RCPT") == "RCPT TO:<ren\xc3\xa9@ex.org>");
    }
  }
  SmtpServer plain;
  REQUIRE(judge(send(mail_for(plain))).state == DeliveryState::sent);
  CHECK(plain.wait_for(1)[0].command("MAIL").find("SMTPUTF8") == std::string::npos);
}

TEST_CASE("every login that is configured works and no other is tried", "[smtp]") {
  struct Case { email::Login login; const char* offered; const char* command; };
  const Case cases[] = {{email::Login::plain, "AUTH LOGIN PLAIN", "AUTH PLAIN "}, {email::Login::plain, "AUTH LOGIN CRAM-MD5", "AUTH LOGIN"},
                        {email::Login::xoauth2, "AUTH PLAIN XOAUTH2", "AUTH XOAUTH2"}, {email::Login::oauthbearer, "AUTH PLAIN OAUTHBEARER", "AUTH OAUTHBEARER"}};
  for (const Case& one : cases) {
    INFO(one.offered);
    SmtpHabits habits;
    habits.offers = {one.offered};
    SmtpServer server(habits);
    auto post = mail_for(server);
    post.account.credentials.login = one.login;
    const bool token = one.login != email::Login::plain;
    if (token) post.account.credentials.password.clear();
    CHECK(judge(send(post, {}, token ? "secret" : "")).state == DeliveryState::sent);
    CHECK(server.wait_for(1)[0].command("AUTH").starts_with(one.command));
    if (!token) continue;
    const auto verdict = judge(send(post, {}, "old"));
    CHECK(verdict.kind == "auth");
    CHECK(verdict.state == DeliveryState::deferred);
    CHECK(verdict.detail.starts_with("the mail server refused the login"));
    CHECK(verdict.detail.find("old") == std::string::npos);
  }
  SmtpHabits habits;
  habits.offers = {"AUTH CRAM-MD5 GSSAPI"};
  SmtpServer server(habits);
  const auto verdict = judge(send(mail_for(server)));
  CHECK(verdict.kind == "auth");
  CHECK(server.wait_for(1)[0].command("AUTH").empty());
}

TEST_CASE("long tokens are sent in a line of their own", "[smtp]") {
  SmtpHabits habits;
  habits.password = std::string(3000, 't');
  SmtpServer server(habits);
  auto post = mail_for(server);
  post.account.credentials.login = email::Login::xoauth2;
  CHECK(judge(send(post, {}, habits.password)).state == DeliveryState::sent);
}

TEST_CASE("answers of any length are understood and kept short", "[smtp]") {
  SmtpServer server({}, at("RCPT", "550-" + std::string(8'000, 'a') + "\r\n550 5.1.1 " + std::string(8'000, 'b') + "\r\n"));
  const auto verdict = judge(send(mail_for(server)));
  CHECK(verdict.state == DeliveryState::failed);
  CHECK(verdict.detail.size() <= limits::mail_answer_bytes_max + 100);
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "250-2.1.5 line " + std::to_string(i) + "\r\n";
  SmtpServer chatty({}, at("dot", many + "250 2.0.0 ok\r\n"));
  CHECK(judge(send(mail_for(chatty))).state == DeliveryState::sent);
}

TEST_CASE("an attempt is stopped before the end of the text and not after it", "[smtp]") {
  SmtpWatch watch;
  SmtpServer server({}, [&](std::string_view stage, const SmtpGot&) -> std::optional<std::string> {
    if (stage == "dot") watch.stop = true;
    return std::nullopt;
  });
  const auto post = mail_for(server);
  CHECK(judge(send_mail(post, {}, {}, watch)).state == DeliveryState::sent);
  const auto outcome = send_mail(post, {}, {}, watch);
  CHECK(outcome.trouble == SmtpTrouble::stopped);
}
