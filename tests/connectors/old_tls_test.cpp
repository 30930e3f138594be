// Servers that speak TLS 1.1 at best. A program of its own, since the machine's OpenSSL refuses that by its own settings: here they
// allow it, so that nothing but our minimum stands in the way.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/email/imap/mailbox_reader.hpp"
#include "connectors/smtp_check.hpp"
#include "tests/connectors/imap/played_server.hpp"
#include "tests/connectors/smtp_server.hpp"

using namespace usher::connectors;
using email::Protection;
using email::imap::testing::Peer;
using email::imap::testing::PlayedCertificate;
using email::imap::testing::PlayedServer;

namespace {

// Read once, when OpenSSL starts, which nothing does before main().
const bool lax = [] {
  std::string name = std::filesystem::temp_directory_path() / "usher-lax-openssl-XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) return false;
  ::close(file);
  std::ofstream(name) << "openssl_conf = all\n[all]\nssl_conf = every\n[every]\nsystem_default = lax\n[lax]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n";
  ::setenv("OPENSSL_CONF", name.c_str(), 1);
  static const struct Remove {
    std::string path;
    ~Remove() { ::unlink(path.c_str()); }
  } remove{name};
  return true;
}();

// A client without a minimum of its own: the version it agrees on; "": none.
std::string agreed_without_minimum(int port) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  REQUIRE(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(ssl.get(), socket);
  const std::string version = SSL_connect(ssl.get()) == 1 ? SSL_get_version(ssl.get()) : "";
  ::close(socket);
  return version;
}

}  // namespace

TEST_CASE("a mailbox whose server has TLS 1.1 at best is not opened", "[imap][tls]") {
  REQUIRE(lax);
  const PlayedCertificate certificate("DNS:localhost");
  PlayedServer server([&](Peer& peer) {
    if (peer.secure(certificate, TLS1_1_VERSION)) peer.say("* OK ready\r\n");
    peer.hear_out();
  });
  REQUIRE(agreed_without_minimum(server.port()) == "TLSv1.1");
  email::ImapAccount account;
  account.server = {"localhost", server.port(), Protection::tls, certificate.ca_file()};
  const auto checked = email::imap::check_imap(account, {});
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().detail == "no TLS with localhost: it speaks none that is new enough, and 1.2 is the oldest that is spoken here");
}

TEST_CASE("mail is not handed to a server that has TLS 1.1 at best", "[smtp][tls]") {
  REQUIRE(lax);
  testing::SmtpHabits habits;
  habits.tls_version_max = TLS1_1_VERSION;
  testing::SmtpServer server(habits);
  habits.tls_first = true;
  testing::SmtpServer secure(habits);
  REQUIRE(agreed_without_minimum(secure.port()) == "TLSv1.1");
  for (const auto& account : {server.account(Protection::starttls), secure.account(Protection::tls)}) {
    const auto checked = check_smtp(account, "support@ex.com", {});
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().detail.find("no TLS with localhost:" + std::to_string(account.server.port)) == 0);
    CHECK(checked.error().detail.find("none that is new enough") != std::string::npos);
  }
  CHECK(server.wait_for(1)[0].command("AUTH").empty());
}
