// The email connector's settings: what is taken, and what is refused by which key's name.
#include <catch2/catch.hpp>

#include "connectors/catalog.hpp"
#include "connectors/email/email_account.hpp"
#include "tests/connectors/email/posted_requests.hpp"

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

TEST_CASE("a provider's marks within the mail are believed by its name alone", "[account][sender][security-S13]") {
  const std::string secret = "usher:a-password-of-16-bytes";
  CHECK(account({}).authserv_id.empty());
  CHECK_FALSE(account({{"authserv_id", "mx.ex.com"}}).believes_provider);
  CHECK(account({{"authserv_id", "mx.ex.com"}}).authserv_id == "mx.ex.com");
  CHECK(account({{"inbound", "sendgrid"}, {"webhook_secret", secret}}).believes_provider);
  for (const char* provider : {"mailgun", "postmark"}) {
    CHECK_FALSE(account({{"inbound", provider}, {"webhook_secret", secret}}).believes_provider);
    CHECK_FALSE(account({{"inbound", provider}, {"webhook_secret", secret}, {"authserv_id", "mx.ex.com"}}).believes_provider);
    const auto believing = account({{"inbound", provider}, {"webhook_secret", secret}, {"authserv_id", provider}});
    CHECK(believing.believes_provider);
    CHECK(believing.authserv_id.empty());  // Or a sender would write a field of that name.
  }
  CHECK(account({{"inbound", "mailgun"}, {"webhook_secret", secret}, {"authserv_id", "Mailgun"}}).believes_provider);
  CHECK(refused({{"authserv_id", "Mailgun"}}) == "authserv_id");
  CHECK(refused({{"inbound", "sendgrid"}, {"webhook_secret", secret}, {"authserv_id", "postmark"}}) == "authserv_id");
  CHECK(refused({{"inbound", "postmark"}, {"webhook_secret", secret}, {"authserv_id", "-"}}) == "authserv_id");
  for (const char* name : {"mx ex", "mx.ex.com;", "a=b", "mx\r\nex"}) CHECK(refused({{"authserv_id", name}}) == "authserv_id");
}

TEST_CASE("the connector claims of a sender what its settings let it believe", "[account][sender][security-S13]") {
  using namespace usher::connectors::email::testing;
  const auto verification = [](const Values& changed, const usher::connectors::Raw& raw) {
    auto parsed = usher::connectors::email_connector.parse(instance_of(changed), raw);
    REQUIRE(parsed.has_value());
    return parsed->messages.at(0).from.verification;
  };
  const std::string results = "Authentication-Results: mx.ex.com; dkim=pass header.d=ex.org\r\n", rest = "From: ana@ex.org\r\n\r\nhi\r\n";
  const usher::connectors::Raw mail{"message/rfc822", {}, results + rest, posted_at};
  CHECK_FALSE(verification({}, mail));
  CHECK(verification({{"authserv_id", "mx.ex.com"}}, mail)->result == Verification::Result::pass);
  CHECK(verification({{"authserv_id", "mx2.ex.com"}}, mail)->result == Verification::Result::unknown);

  const std::string marks = "X-Mailgun-Dkim-Check-Result: Pass\r\nDKIM-Signature: d=ex.org\r\n";
  const auto posted = [&](const std::string& fields) { return urlencoded({{"body-mime", fields + rest}, {"sender", "b@evil.example"}}); };
  Values mailgun{{"inbound", "mailgun"}, {"webhook_secret", "key-of-mailgun-0123456789abcdef"}};
  CHECK_FALSE(verification(mailgun, posted(marks)));
  mailgun["authserv_id"] = "mailgun";
  CHECK(verification(mailgun, posted(marks))->result == Verification::Result::pass);
  CHECK(verification(mailgun, posted("Authentication-Results: mailgun; dmarc=pass header.from=ex.org\r\n"))->result == Verification::Result::unknown);
}
