// What an operator is told about a mailbox before any mail is read: each wrong setting by a sentence of its own, in seconds, and
// nothing is changed.
#include <catch2/catch.hpp>

#include "connectors/email/imap/mailbox_reader.hpp"
#include "tests/connectors/imap/played_mailbox.hpp"

using namespace usher::connectors::email::imap::testing;
using namespace usher::connectors::email::imap;
using namespace usher::connectors::email;
using namespace std::chrono_literals;

namespace {

ImapAccount account_at(int port, Protection protection, const std::string& ca_file = "", const std::string& host = "localhost") {
  ImapAccount account;
  account.server = {host, port, protection, ca_file};
  account.credentials.user = "ana";
  account.credentials.password = "secret";
  return account;
}

// The sentence of what is wrong; "ok" where nothing is.
std::string why(const ImapAccount& account, const TokenSource& token = {}, const std::string& sent_folder = "") {
  const auto begun = std::chrono::steady_clock::now();
  const auto checked = check_imap(account, token, sent_folder);
  CHECK(std::chrono::steady_clock::now() - begun < 15s);
  return checked ? "ok" : checked.error().detail;
}

std::string at(int port) { return "localhost:" + std::to_string(port); }

// Folders as a server tells them: name and attributes; what is not named is not there. Rights by folder, "lrswi" unless said.
void keep_folders(PlayedMailbox& box, std::map<std::string, std::string> folders, std::map<std::string, std::string> rights = {}) {
  box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR IDLE MOVE UIDPLUS ACL";
  const auto plain = [](const std::string& words) { return words.substr(1, words.find('"', 1) - 1); };
  box.answers["LIST"] = [folders](Peer& peer, const std::string& tag, const std::string& words) {
    const std::string name = words.substr(4, words.size() - 5);
    std::string said = name.empty() ? "* LIST (\\Noselect) \"/\" \"\"\r\n" : "";
    if (const auto found = folders.find(name); found != folders.end()) said = "* LIST (" + found->second + ") \"/\" \"" + name + "\"\r\n";
    return peer.say(said + tag + " OK done\r\n");
  };
  box.answers["STATUS"] = [plain](Peer& peer, const std::string& tag, const std::string& words) {
    return peer.say(plain(words) == "Closed" ? tag + " NO [NOPERM] not yours\r\n" : "* STATUS x (UIDNEXT 1)\r\n" + tag + " OK done\r\n");
  };
  box.answers["MYRIGHTS"] = [plain, rights](Peer& peer, const std::string& tag, const std::string& words) {
    const auto found = rights.find(plain(words));
    return peer.say("* MYRIGHTS x " + (found == rights.end() ? std::string("lrswik") : found->second) + "\r\n" + tag + " OK done\r\n");
  };
}

ImapAccount moving(const PlayedMailbox& box, const std::string& folder) {
  auto account = box.account();
  account.after = AfterIngest::move;
  account.move_to = folder;
  return account;
}

}  // namespace

TEST_CASE("STARTTLS at a port for TLS from the first byte is told in seconds", "[imap][check]") {
  const PlayedCertificate certificate("DNS:localhost");
  PlayedServer server([&](Peer& peer) {
    if (peer.secure(certificate)) peer.say("* OK ready\r\n");
    peer.hear_out();
  });
  const std::string sentence = at(server.port()) + " speaks TLS from the first byte, so it waits for no STARTTLS; write imaps:// for it, or name the port for STARTTLS";
  CHECK(why(account_at(server.port(), Protection::starttls, certificate.ca_file())) == sentence);
  // Also where the certificate would not be believed.
  CHECK(why(account_at(server.port(), Protection::starttls, "/etc/ssl/certs/ca-certificates.crt")) == sentence);
}

TEST_CASE("a server that greets late is waited for", "[imap][check]") {
  std::atomic<int> others = 0;
  PlayedMailbox box;
  PlayedServer server([&](Peer& peer) {
    if (peer.number() > 1) {
      others = 1;
      others.notify_all();
      return peer.hang_up();
    }
    // Until it was asked whether it waits for TLS.
    others.wait(0);
    peer.say("* OK ready at last\r\n");
    box.serve(peer);
  });
  auto account = box.account();
  account.server.port = server.port();
  // Longer than the probe, shorter than a greeting may take.
  CHECK(check_imap(account, {}).has_value());
  others = 1;
  others.notify_all();
}

TEST_CASE("TLS at a port for STARTTLS is told with what to write", "[imap][check]") {
  PlayedMailbox box;
  const int port = box.account().server.port;
  CHECK(why(account_at(port, Protection::tls)) == "no TLS with " + at(port) +
        ": it greets before TLS, so it is a port for STARTTLS; write imap:// for it, or name the port for TLS from the first byte");
}

TEST_CASE("a server of another kind is named as what it is", "[imap][check]") {
  const PlayedCertificate certificate("DNS:localhost");
  std::string greeting = "220 mail.example.com ESMTP Postfix\r\n";
  bool in_tls = false;
  PlayedServer server([&](Peer& peer) {
    if (!in_tls || peer.secure(certificate)) peer.say(greeting);
    peer.hear_out();
  });
  const auto plain = account_at(server.port(), Protection::starttls, certificate.ca_file()), secure = account_at(server.port(), Protection::tls, certificate.ca_file());
  CHECK(why(plain) == "no IMAP server but an SMTP server answers at " + at(server.port()));
  CHECK(why(secure) == "no TLS with " + at(server.port()) + ": an SMTP server answers there");
  in_tls = true;
  CHECK(why(secure) == "no IMAP server but an SMTP server answers at " + at(server.port()));
  in_tls = false;
  greeting = "+OK POP3 ready\r\n";
  CHECK(why(plain) == "no IMAP server but a POP3 server answers at " + at(server.port()));
}

TEST_CASE("an address that nobody answers at is told at once", "[imap][check]") {
  CHECK(why(account_at(993, Protection::tls, "", "no-such-host.invalid")).find("the name no-such-host.invalid cannot be resolved") == 0);
  const int port = [] { return PlayedServer([](Peer&) {}).port(); }();
  CHECK(why(account_at(port, Protection::tls)).find(at(port) + " cannot be reached: ") == 0);
}

TEST_CASE("a certificate that is not to be believed is told by its fault", "[imap][check]") {
  const PlayedCertificate right("DNS:localhost"), other("DNS:imap.example.net"), expired("DNS:localhost", -1);
  const PlayedCertificate* shown = &right;
  PlayedServer server([&](Peer& peer) {
    if (peer.secure(*shown)) peer.say("* OK ready\r\n");
    peer.hear_out();
  });
  const auto by = [&](const PlayedCertificate& certificate, const std::string& ca_file) {
    shown = &certificate;
    return why(account_at(server.port(), Protection::tls, ca_file));
  };
  CHECK(by(expired, expired.ca_file()) == "the certificate of localhost has expired");
  CHECK(by(other, other.ca_file()) == "its certificate is for imap.example.net, not for localhost");
  CHECK(by(right, other.ca_file()) == "the certificate of localhost is from an authority that is not trusted here (ca_file names others)");
}

TEST_CASE("a refused login is told as that of a password or of a token", "[imap][check]") {
  PlayedMailbox box;
  box.capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR AUTH=XOAUTH2";
  box.answers["AUTHENTICATE"] = [](Peer& peer, const std::string& tag, const std::string&) { return peer.say(tag + " NO [AUTHENTICATIONFAILED] no\r\n"); };
  auto account = box.account();
  CHECK(why(account) == "the server refused the user name or the password: no");
  account.credentials.login = Login::xoauth2;
  CHECK(why(account, [](bool) -> Result<std::string> { return std::string("ended"); }) == "the server refused the access token of ana: no");
  CHECK(why(account, [](bool) -> Result<std::string> { return fail(Fault::unauthorised, "the token server says invalid_grant"); }) ==
        "no access token: the token server says invalid_grant");
}

TEST_CASE("the folder that is read must be there", "[imap][check]") {
  PlayedMailbox box;
  box.answers["SELECT"] = [](Peer& peer, const std::string& tag, const std::string&) { return peer.say(tag + " NO [NONEXISTENT] no such folder\r\n"); };
  auto account = box.account();
  account.folder = "Nowhere";
  CHECK(why(account) == "the server refused to open the folder Nowhere: no such folder");
}

TEST_CASE("folders that are there or can be made are told apart and nothing is made", "[imap][check]") {
  PlayedMailbox box;
  keep_folders(box, {{"Done", "\\HasNoChildren"}, {"Team", "\\HasChildren"}});
  const auto said = check_imap(moving(box, "Done"), {}, "Team/Sent");
  REQUIRE(said.has_value());
  CHECK(said->find("move_to: Done is there; sent_folder: Team/Sent is not there yet and will be made") != std::string::npos);
  CHECK(why(moving(box, "Elsewhere"), {}, "Done") == "ok");
  for (const auto& line : box.heard())
    for (const char* change : {"CREATE", "APPEND", "STORE", "COPY", "MOVE", "EXPUNGE", "DELETE", "SUBSCRIBE"}) CHECK(line.find(change) == std::string::npos);
}

TEST_CASE("a folder that will take no mail is told with its key", "[imap][check]") {
  PlayedMailbox box;
  keep_folders(box, {{"Shelf", "\\Noselect \\HasChildren"}, {"Closed", ""}, {"Read", ""}, {"Flat", "\\Noinferiors"}, {"Boss", ""}}, {{"Read", "lr"}, {"Boss", "lrswi"}});
  CHECK(why(moving(box, "Shelf")) == "move_to: the server keeps folders below Shelf, but no mails in it");
  CHECK(why(moving(box, "Closed")) == "move_to: the server refused to look into the folder Closed: not yours");
  CHECK(why(moving(box, "Read")) == "move_to: the server does not let this login put mails into the folder Read");
  CHECK(why(moving(box, "Flat/Done")) == "move_to: the folder Flat/Done is not there, and the server keeps none below Flat");
  CHECK(why(box.account(), {}, "Boss/Sent") == "sent_folder: the folder Boss/Sent is not there, and the server does not let this login make it below Boss");
  CHECK(why(moving(box, "inbox")) == "move_to: inbox is the folder that is read");
}

TEST_CASE("a check ends when it is told to", "[imap][check]") {
  PlayedServer server([](Peer& peer) { peer.hear_out(); });
  std::stop_source stop;
  std::thread other([&] { stop.request_stop(); });
  CHECK_FALSE(check_imap(account_at(server.port(), Protection::starttls), {}, {}, stop.get_token()).has_value());
  other.join();
}
