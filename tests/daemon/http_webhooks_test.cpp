// The webhooks' route over the whole journey in memory: what a provider posts reaches an agent, and each refusal is said in the
// way that makes this provider come again, or stop.
#include "connectors/email/email_account.hpp"
#include "connectors/signature.hpp"
#include "tests/daemon/http_fixture.hpp"

using namespace usher;
using namespace usher::testing;

namespace {

connectors::Instance mailbox(const std::string& name, const std::map<std::string, std::string>& changed) {
  connectors::Instance instance{ConnectorId(name), TenantId("acme"), "email", {}};
  for (const auto& key : connectors::email::email_keys()) instance.options.values[std::string(key.name)] = key.fallback;
  instance.options.values["poll_every"] = "60000";
  instance.options.values["address"] = "support@example.com";
  instance.options.values["thread_secret"] = "a secret of the tests";
  for (const auto& [key, value] : changed) instance.options.values[key] = value;
  return instance;
}

std::string percent(std::string_view text) {
  std::string out;
  for (const char c : text) out += "%" + connectors::hex(std::string_view(&c, 1));
  return out;
}

std::string mailgun_post(const std::string& stamp, const std::string& key, const std::string& text) {
  const std::string token(50, 't');
  return "timestamp=" + stamp + "&token=" + token + "&signature=" + connectors::hex(connectors::hmac_sha256(key, stamp + token)) +
         "&body-mime=" + percent("From: Zoe <zoe@ex.org>\r\nMessage-ID: <m1@ex.org>\r\nSubject: Order\r\n\r\n" + text + "\r\n");
}

const std::string form_type = "application/x-www-form-urlencoded";

}  // namespace

TEST_CASE("a mail that a provider posts reaches an agent and its repeat changes nothing", "[http][public]") {
  Site site;
  site.connectors.use({mailbox("hooked", {{"inbound", "mailgun"}, {"webhook_secret", "the key"}})});
  AgentClient ana(site.port);
  site.sign_in(ana, site.tokens->create(AgentId("ana")).value());
  const std::string stamp = std::to_string(unix_ms(site.clock.wall()) / 1000);
  const auto first = HttpClient(site.port).post("/v1/webhooks/hooked", form_type, mailgun_post(stamp, "the key", "Where is it?"));
  REQUIRE(first.status == 200);
  const auto conversation = Site::take(ana);
  CHECK(conversation.at("channel") == "email");
  CHECK(conversation.at("messages").at(0).at("text") == "Where is it?\n");
  const auto again = HttpClient(site.port).post("/v1/webhooks/hooked/mime", form_type, mailgun_post(stamp, "the key", "Where is it?"));
  CHECK(again.status == 200);
  CHECK(body_of(again).at("id") == body_of(first).at("id"));
  // The proof of one message carries no other.
  CHECK(HttpClient(site.port).post("/v1/webhooks/hooked", form_type, mailgun_post(stamp, "the key", "Something else")).status == 401);
}

TEST_CASE("each provider is refused in its own way and a mailbox that is read takes no posts", "[http][public]") {
  Site site;
  site.connectors.use({mailbox("gun", {{"inbound", "mailgun"}, {"webhook_secret", "the key"}}),
                       mailbox("grid", {{"inbound", "sendgrid"}, {"webhook_secret", "hook:0123456789abcdef"}}),
                       mailbox("mark", {{"inbound", "postmark"}, {"webhook_secret", "hook:0123456789abcdef"}}),
                       mailbox("read", {{"imap_url", "imaps://imap.example.com"}, {"password", "p"}}), form_instance()});
  const auto post = [&](const std::string& name, const std::string& body, const std::string& headers = "") {
    return HttpClient(site.port).post("/v1/webhooks/" + name, name == "mark" ? "application/json" : form_type, body, headers);
  };
  const std::string stamp = std::to_string(unix_ms(site.clock.wall()) / 1000);
  const std::string basic = "Authorization: Basic aG9vazowMTIzNDU2Nzg5YWJjZGVm\r\n";
  CHECK(post("gun", mailgun_post(stamp, "another key", "x")).status == 401);
  CHECK(post("grid", "email=x").status == 503);  // It drops a mail at any 4xx.
  CHECK(post("grid", "email=x").headers.count("retry-after") == 1);
  CHECK(post("mark", "{}").status == 401);
  CHECK(post("mark", "no json", basic).status == 403);  // Which makes it stop.
  // A name that is wrong is the operator's to mend: every provider comes again.
  CHECK(post("read", mailgun_post(stamp, "the key", "x")).status == 503);
  CHECK(post("contact", "message=x").status == 503);
  CHECK(post("nobody", "x").status == 503);
  CHECK(site.messages() == 0);
}
