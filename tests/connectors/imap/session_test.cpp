// A session against a server that the test plays: TLS, logins, and what is never said.
#include <catch2/catch.hpp>

#include "connectors/signature.hpp"
#include "tests/connectors/imap/played_mailbox.hpp"
#include "tests/connectors/imap/reader_fixture.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using usher::connectors::base64;
using usher::connectors::decode_base64;
using namespace std::string_literals;

namespace {

Result<std::unique_ptr<ImapSession>> open(const ImapAccount& account, const TokenSource& token = {}) {
  static const StopSwitch never;
  return ImapSession::open(account.server, account.credentials, token, never);
}

std::string trouble(const ImapAccount& account, const TokenSource& token = {}) {
  const auto session = open(account, token);
  return session ? "" : session.error().detail;
}

ImapAccount account_at(int port, Protection protection, const std::string& ca_file, const std::string& host = "127.0.0.1") {
  ImapAccount account;
  account.server = {host, port, protection, ca_file};
  account.credentials.user = "ana";
  account.credentials.password = "secret";
  return account;
}

// Answers of a server that takes the token "new" only, in the manner of Google.
PlayedMailbox::Answer token_door(const std::string& challenge, const std::string& wanted_after) {
  return [=](Peer& peer, const std::string& tag, const std::string& words) {
    const auto said = decode_base64(words.substr(words.find(' ') + 1));
    if (said && said->find("Bearer new") != std::string::npos) return peer.say(tag + " OK in\r\n");
    peer.say("+ " + base64(challenge) + "\r\n");
    const auto after = peer.hear();
    return peer.say(tag + (after == wanted_after ? " NO SASL authentication failed\r\n" : " BAD wrong\r\n"));
  };
}

}  // namespace

TEST_CASE("a password goes by AUTHENTICATE PLAIN at once where the server allows it", "[imap]") {
  PlayedMailbox box;
  REQUIRE(open(box.account()).has_value());
  CHECK(box.heard("AUTHENTICATE PLAIN " + base64("\0ana\0secret"s)));
}

TEST_CASE("without SASL-IR the response waits for the continuation", "[imap]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 AUTH=PLAIN";
  std::string response;
  box.answers["AUTHENTICATE"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (words != "PLAIN") return peer.say(tag + " BAD no\r\n");
    peer.say("+ go ahead\r\n");
    response = peer.hear().value_or("");
    return peer.say(tag + " OK in\r\n");
  };
  REQUIRE(open(box.account()).has_value());
  CHECK(response == base64("\0ana\0secret"s));
}

TEST_CASE("LOGIN is the last resort and not said where it is forbidden", "[imap]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1";
  auto account = box.account();
  account.credentials.password = "se\"c\\ret";
  SECTION("nothing else is offered") {
    REQUIRE(open(account).has_value());
    CHECK(box.heard("LOGIN \"ana\" \"se\\\"c\\\\ret\""));
  }
  SECTION("LOGINDISABLED") {
    box.capabilities = "IMAP4rev1 LOGINDISABLED";
    CHECK(trouble(account).find("takes no password on this connection") != std::string::npos);
    CHECK(box.heard() == std::vector<std::string>{"CAPABILITY"});
  }
}

TEST_CASE("what a person wrote never becomes a command", "[imap]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1";
  std::string literal;
  box.answers["LOGIN"] = [&](Peer& peer, const std::string& tag, const std::string& words) {
    if (words != "{16}") return false;
    peer.say("+ \r\n");
    literal = peer.hear_bytes(16).value_or("");
    peer.hear();
    return peer.say(tag + " OK in\r\n");
  };
  auto account = box.account();
  account.credentials.user = "a\r\nx1 DELETE all";
  REQUIRE(account.credentials.user.size() == 16);
  auto session = open(account);
  REQUIRE(session.has_value());
  CHECK(literal == account.credentials.user);
  for (const auto& line : box.heard()) CHECK(line.find("DELETE") == std::string::npos);
}

TEST_CASE("a server that sends back what it was told shows no secret", "[imap]") {
  PlayedMailbox box;
  const bool goodbye = GENERATE(true, false), cut = GENERATE(true, false);
  const Login login = GENERATE(Login::plain, Login::xoauth2, Login::oauthbearer);
  const bool by_login_command = login == Login::plain && GENERATE(true, false);
  INFO(goodbye << cut << static_cast<int>(login) << by_login_command);
  box.capabilities = by_login_command ? "IMAP4rev1" : "IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER";
  const auto echo = [&](const std::string& name) -> PlayedMailbox::Answer {
    return [&, name](Peer& peer, const std::string& tag, const std::string& words) {
      std::string line = "bad command " + name + " " + words;
      if (cut) line.resize(line.size() - (by_login_command ? 1 : 4));
      if (!goodbye) return peer.say(tag + " NO " + line + "\r\n");
      peer.say("* BYE " + line + "\r\n");
      peer.hang_up();
      return true;
    };
  };
  box.answers["AUTHENTICATE"] = echo("AUTHENTICATE");
  box.answers["LOGIN"] = echo("LOGIN");
  auto account = box.account();
  account.credentials.login = login;
  account.credentials.password = by_login_command ? "open\"sesame" : "secret";
  const auto why = trouble(account, [](bool) -> Result<std::string> { return "secret"s; });
  CHECK(why.find("(not shown: it holds the secret)") != std::string::npos);
  for (const char* secret : {"sesame", "AGFuYQ", "c2VjcmV0", "dXNlcj1hbmE", "AUTHENTICATE", "LOGIN"}) CHECK(why.find(secret) == std::string::npos);
}

TEST_CASE("a token that has expired is replaced by a fresh one", "[imap]") {
  const std::string challenge = R"({"status":"401","schemes":"bearer"})";
  for (const Login login : {Login::xoauth2, Login::oauthbearer}) {
    PlayedMailbox box;
    const bool google = login == Login::xoauth2;
    box.capabilities = google ? "IMAP4rev1 SASL-IR AUTH=XOAUTH2" : "IMAP4rev1 SASL-IR AUTH=OAUTHBEARER";
    box.answers["AUTHENTICATE"] = token_door(challenge, google ? "" : "AQ==");
    auto account = box.account();
    account.credentials.login = login;
    account.credentials.user = "ana,b=c@example.org";
    std::vector<bool> asked;
    REQUIRE(open(account, [&](bool fresh) -> Result<std::string> {
              asked.push_back(fresh);
              return std::string(fresh ? "new" : "old");
            }).has_value());
    CHECK(asked == std::vector<bool>{false, true});
    const std::string port = std::to_string(account.server.port);
    CHECK(box.heard(google ? "AUTHENTICATE XOAUTH2 " + base64("user=ana,b=c@example.org\1auth=Bearer new\1\1")
                           : "AUTHENTICATE OAUTHBEARER " + base64("n,a=ana=2Cb=3Dc@example.org,\1host=127.0.0.1\1port=" + port + "\1auth=Bearer new\1\1")));
    // What stays refused is said with the server's reason, and without the token.
    const auto why = trouble(account, [](bool) -> Result<std::string> { return std::string("very-old"); });
    CHECK(why.find("the server refused the access token of ana,b=c@example.org: SASL authentication failed") == 0);
    CHECK(why.find("401") != std::string::npos);
    CHECK(why.find("very-old") == std::string::npos);
  }
}

TEST_CASE("a server that hangs up on an old token is asked again with a fresh one", "[imap]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 SASL-IR AUTH=XOAUTH2";
  box.answers["AUTHENTICATE"] = [](Peer& peer, const std::string& tag, const std::string& words) {
    if (decode_base64(words.substr(8))->find("new") != std::string::npos) return peer.say(tag + " OK in\r\n");
    return peer.say("* BYE Session expired, please login again\r\n" + tag + " garbage\r\n");
  };
  auto account = box.account();
  account.credentials.login = Login::xoauth2;
  CHECK(trouble(account, [](bool fresh) -> Result<std::string> { return std::string(fresh ? "new" : "old"); }).empty());
}

TEST_CASE("STARTTLS that is not offered or refused ends it before any secret", "[imap]") {
  for (const std::string capabilities : {"IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 STARTTLS AUTH=PLAIN"}) {
    PlayedMailbox box;
    box.capabilities = capabilities;
    box.answers["STARTTLS"] = [](Peer& peer, const std::string& tag, const std::string&) { return peer.say(tag + " NO not today\r\n"); };
    auto account = box.account();
    account.server.protection = Protection::starttls;
    CHECK(trouble(account).find("STARTTLS") != std::string::npos);
    for (const auto& line : box.heard()) CHECK(line.find("AUTHENTICATE") == std::string::npos);
  }
}

TEST_CASE("a login before STARTTLS is not believed", "[imap]") {
  PlayedMailbox box;
  box.greeting = "* PREAUTH welcome";
  auto account = box.account();
  account.server.protection = Protection::starttls;
  CHECK(trouble(account).find("logs us in before TLS") != std::string::npos);
}

TEST_CASE("what is said between STARTTLS and TLS ends the connection", "[imap]") {
  const PlayedCertificate certificate("DNS:localhost,IP:127.0.0.1");
  bool inject = true;
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR";
  box.answers["STARTTLS"] = [&](Peer& peer, const std::string& tag, const std::string&) {
    // In one piece, as somebody on the line would.
    peer.say(tag + " OK begin\r\n" + (inject ? "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n" : ""));
    return peer.secure(certificate);
  };
  auto account = box.account();
  account.server.protection = Protection::starttls;
  account.server.ca_file = certificate.ca_file();
  CHECK(trouble(account).find("something was said between STARTTLS and TLS") != std::string::npos);
  for (const auto& line : box.heard()) CHECK(line.find("AUTHENTICATE") == std::string::npos);
  inject = false;
  CHECK(trouble(account).empty());
}

TEST_CASE("a certificate is believed for its own name and from the named authority only", "[imap]") {
  const PlayedCertificate right("DNS:localhost,IP:127.0.0.1"), other("DNS:imap.example.net"), expired("DNS:localhost,IP:127.0.0.1", -1);
  const PlayedCertificate* shown = &right;
  PlayedServer server([&](Peer& peer) {
    if (peer.secure(*shown)) peer.say("* BYE go away\r\n");
    peer.hear_out();
  });
  const auto why = [&](const PlayedCertificate& certificate, const std::string& host, const std::string& ca_file) {
    shown = &certificate;
    return trouble(account_at(server.port(), Protection::tls, ca_file, host));
  };
  CHECK(why(right, "127.0.0.1", right.ca_file()) == "the server takes no connection: go away");
  CHECK(why(right, "localhost", right.ca_file()) == "the server takes no connection: go away");
  CHECK(why(other, "localhost", other.ca_file()) == "its certificate is for imap.example.net, not for localhost");
  CHECK(why(other, "127.0.0.1", other.ca_file()) == "its certificate is for imap.example.net, not for 127.0.0.1");
  CHECK(why(right, "localhost", other.ca_file()).find("from an authority that is not trusted here") != std::string::npos);
  CHECK(why(expired, "localhost", expired.ca_file()) == "the certificate of localhost has expired");
  CHECK(why(right, "localhost", "").find("localhost") != std::string::npos);
}

TEST_CASE("without TLS nothing but this machine is spoken to", "[imap]") {
  CHECK(trouble(account_at(9, Protection::off, "", "192.0.2.1")).find("is not this machine") != std::string::npos);
}

TEST_CASE("a server that speaks no TLS is named as that", "[imap]") {
  PlayedMailbox box;
  auto account = box.account();
  account.server.protection = Protection::tls;
  CHECK(trouble(account).find("no TLS with 127.0.0.1") == 0);
}

TEST_CASE("mails are moved by copy where the server has no MOVE and never expunged with those of others", "[imap]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR";
  box.add(mail("one"));
  auto session = open(box.account());
  REQUIRE(session.has_value());
  REQUIRE((*session)->select("INBOX").has_value());
  REQUIRE((*session)->move({1}, "Done").has_value());
  CHECK(box.heard("UID COPY 1 \"Done\""));
  CHECK(box.heard("UID STORE 1 +FLAGS.SILENT (\\Deleted)"));
  for (const auto& line : box.heard()) CHECK(line.find("EXPUNGE") == std::string::npos);
}

TEST_CASE("a stop ends every wait at once", "[imap]") {
  PlayedServer server([](Peer& peer) { peer.hear_out(); });
  StopSwitch stop;
  std::thread other([&] { stop.pull(); });
  const auto account = account_at(server.port(), Protection::off, "");
  const auto begun = std::chrono::steady_clock::now();
  CHECK_FALSE(ImapSession::open(account.server, account.credentials, {}, stop).has_value());
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  other.join();
}
