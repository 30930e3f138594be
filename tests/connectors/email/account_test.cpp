// The email connector's settings: what is taken, and what is refused by which key's name.
#include <catch2/catch.hpp>

#include "connectors/email/email_account.hpp"

using namespace usher::connectors::email;
using usher::connectors::Instance;

namespace {

using Values = std::map<std::string, std::string>;

Instance instance_of(const Values& changed) {
  Instance instance{ConnectorId("support-mail"), TenantId("acme"), "email", {}};
  for (const auto& key : email_keys()) instance.options.values[std::string(key.name)] = key.fallback;
  instance.options.values["poll_every"] = "60000";
  for (const auto& [key, value] : Values{{"address", "support@ex.com"}, {"thread_secret", "sixteen bytes or"}, {"imap_url", "imaps://imap.ex.com"},
                                         {"smtp_url", "smtp://smtp.ex.com"}, {"password", "pass"}})
    instance.options.values[key] = value;
  for (const auto& [key, value] : changed) instance.options.values[key] = value;
  return instance;
}

EmailAccount account(const Values& changed) {
  auto read = account_of(instance_of(changed));
  INFO((read ? std::string() : read.error().detail));
  REQUIRE(read.has_value());
  return *read;
}

// The key that is named as the reason.
std::string refused(const Values& changed) {
  const auto read = account_of(instance_of(changed));
  return read ? "" : read.error().detail.substr(0, read.error().detail.find(':'));
}

}  // namespace

TEST_CASE("addresses of servers name their protection and port", "[account]") {
  const auto usual = account({});
  CHECK(usual.imap->server.host == "imap.ex.com");
  CHECK(usual.imap->server.port == 993);
  CHECK(usual.imap->server.protection == Protection::tls);
  CHECK(usual.smtp->server.port == 587);
  CHECK(usual.smtp->server.protection == Protection::starttls);
  CHECK(usual.imap->credentials.user == "support@ex.com");
  CHECK(usual.imap->folder == "INBOX");

  const auto local = account({{"imap_url", "imap://[::1]:1143/"}, {"smtp_url", "smtp://127.0.0.1:2525"}, {"tls", "off"}, {"smtp_login", "none"}});
  CHECK(local.imap->server.host == "::1");
  CHECK(local.imap->server.port == 1143);
  CHECK(local.imap->server.protection == Protection::off);
  CHECK(local.smtp->credentials.login == Login::none);
  // What is asked for with TLS has it, whatever else is off.
  CHECK(account({{"imap_url", "imaps://localhost"}, {"smtp_url", "smtp://localhost"}, {"tls", "off"}}).imap->server.protection == Protection::tls);
}

TEST_CASE("a connection without protection is for this machine only", "[account]") {
  CHECK(refused({{"tls", "off"}}) == "tls");
  CHECK(refused({{"tls", "off"}, {"imap_url", "imap://127.0.0.1"}}) == "tls");  // The sender is elsewhere still.
  CHECK(refused({{"tls", "off"}, {"imap_url", "imap://127.evil.example"}, {"smtp_url", "smtp://localhost"}}) == "tls");
  CHECK(refused({{"smtp_login", "none"}}) == "smtp_login");
}

TEST_CASE("each wrong setting is refused by its own name", "[account]") {
  CHECK(refused({{"address", "support"}}) == "address");
  CHECK(refused({{"address", "a@b\r\nRCPT TO:<x@y>"}}) == "address");
  CHECK(refused({{"name", "a\nb"}}) == "name");
  CHECK(refused({{"thread_secret", ""}}) == "thread_secret");
  CHECK(refused({{"thread_secret", "short"}}) == "thread_secret");
  CHECK(refused({{"thread_secret_previous", "short"}}) == "thread_secret_previous");
  CHECK(refused({{"inbound", "pop3"}}) == "inbound");
  CHECK(refused({{"imap_url", ""}}) == "imap_url");
  for (const char* url : {"imap.ex.com", "http://imap.ex.com", "imaps://", "imaps://a b", "imaps://user@host", "imaps://h:0", "imaps://h:70000", "imaps://h:1x", "imaps://[::1", "imaps://h/INBOX"})
    CHECK(refused({{"imap_url", url}}) == "imap_url");
  CHECK(refused({{"smtp_url", "imaps://h"}}) == "smtp_url");
  CHECK(refused({{"tls", "maybe"}}) == "tls");
  CHECK(refused({{"password", ""}}) == "password");
  CHECK(refused({{"login", "gssapi"}}) == "login");
  CHECK(refused({{"smtp_login", "gssapi"}}) == "smtp_login");
  CHECK(refused({{"login", "xoauth2"}}) == "token_url");
  CHECK(refused({{"login", "xoauth2"}, {"token_url", "https://t"}}) == "client_id");
  CHECK(refused({{"login", "xoauth2"}, {"token_url", "https://t"}, {"client_id", "c"}}) == "refresh_token");
  CHECK(refused({{"folder", ""}}) == "folder");
  CHECK(refused({{"after_ingest", "forward"}}) == "after_ingest");
  CHECK(refused({{"after_ingest", "move"}}) == "move_to");
  CHECK(refused({{"move_to", "Done"}}) == "move_to");
  CHECK(refused({{"after_ingest", "move"}, {"move_to", "INBOX"}}) == "move_to");
  CHECK(refused({{"import_since", "yesterday"}}) == "import_since");
  CHECK(refused({{"poll_every", "1000"}}) == "poll_every");
  CHECK(refused({{"smtp_connections", "0"}}) == "smtp_connections");
  CHECK(refused({{"mails_per_minute", "0"}}) == "mails_per_minute");
  CHECK(refused({{"sent_folder", "Sent"}, {"imap_url", ""}, {"inbound", "mailgun"}, {"webhook_secret", "k"}}) == "sent_folder");
  CHECK(refused({{"inbound", "mailgun"}, {"imap_url", ""}}) == "webhook_secret");
  CHECK(refused({{"inbound", "postmark"}, {"webhook_secret", "no colon"}}) == "webhook_secret");
  CHECK(refused({{"inbound", "sendgrid"}, {"webhook_public_key", "no key"}}) == "webhook_public_key");
  CHECK(refused({{"webhook_secret", "k"}}) == "webhook_secret");
  CHECK(refused({{"inbound", "mailgun"}, {"webhook_secret", "k"}, {"webhook_public_key", "p"}}) == "webhook_public_key");
}

TEST_CASE("a mailbox may log in by token and send by another account", "[account]") {
  const auto it = account({{"login", "xoauth2"}, {"token_url", "https://t"}, {"client_id", "c"}, {"client_secret", "s"}, {"password", ""},
                           {"smtp_login", "plain"}, {"smtp_user", "relay"}, {"smtp_password", "p2"}, {"import_since", "2026-11-01"}});
  CHECK(it.imap->credentials.login == Login::xoauth2);
  CHECK(it.imap->credentials.grant.client_secret == "s");
  CHECK(it.smtp->credentials.login == Login::plain);
  CHECK(it.smtp->credentials.user == "relay");
  CHECK(it.smtp->credentials.password == "p2");
  CHECK(it.imap->import_since == parse_rfc3339("2026-11-01T00:00:00Z"));
}
