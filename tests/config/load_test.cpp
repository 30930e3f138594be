// What a right file becomes: typed settings, fallbacks filled in, policy in the operator's order.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "config/value_forms.hpp"
#include "fake_catalog.hpp"

namespace usher::config::test {
namespace {

Settings settings_of(std::string_view added_lines) {
  const auto loaded = load_added(added_lines);
  CHECK(loaded.problems.lines.empty());
  REQUIRE(loaded.settings.has_value());
  return *loaded.settings;
}

}  // namespace

TEST_CASE("the shortest file is enough, and everything else has a fallback", "[config]") {
  const auto settings = settings_of("");
  CHECK(settings.tenant.text() == "acme");
  CHECK(settings.http.host == "127.0.0.1");
  CHECK(settings.http.port == 8080);
  CHECK(settings.ops.port == 8081);
  CHECK(settings.public_url == "http://127.0.0.1:8080");
  CHECK(settings.data_folder == "data");
  CHECK(settings.log_level == "info");
  CHECK(settings.log_format == "json");
  CHECK(settings.connectors.empty());
  const auto& policy = settings.policy;
  CHECK(policy.tenant == settings.tenant);
  CHECK(policy.default_queue.text() == "support");
  CHECK(policy.times == PolicyTimes{});
  Policy untouched;
  CHECK(policy.urgency_step == untouched.urgency_step);
  CHECK(policy.missed_offers_max == untouched.missed_offers_max);
  CHECK(policy.send_attempts_max == untouched.send_attempts_max);
}

TEST_CASE("sections without anything in them read like absent ones", "[config]") {
  const auto settings = settings_of("http:\nops:\nlog:\ndesk:\ntimes:\nconnectors:\nlabels:\nrules:\nagents:\n");
  CHECK(settings.http.port == 8080);
  CHECK(settings.policy.agents.empty());
}

TEST_CASE("listeners, addresses and URLs are taken as written", "[config]") {
  const auto settings = settings_of(
      "http: {listen: \"[::1]:0\", public_url: https://help.example.com/usher/}\n"
      "ops: {listen: localhost:9}\n"
      "desk: {origins: [\"https://desk.example.com:8443\"]}\n"
      "trusted_proxies: [10.0.0.1, \"2001:DB8:0:0::1\"]\n"
      "data: /var/lib/usher/../usher\n");
  CHECK(settings.http.host == "::1");
  CHECK(settings.http.port == 0);
  CHECK(settings.public_url == "https://help.example.com/usher");
  CHECK(settings.ops.host == "localhost");
  CHECK(settings.agent_origins == std::vector<std::string>{"https://desk.example.com:8443"});
  CHECK(settings.trusted_proxies == std::vector<std::string>{"10.0.0.1", "2001:db8::1"});
  CHECK(settings.data_folder == "/var/lib/usher");
}

TEST_CASE("queues, rules and agents become the policy in the order of the file", "[config]") {
  const auto loaded = load_lines(
      "tenant: acme\n"
      "default_queue: zulu\n"
      "connectors: {contact: {type: webform}}\n"
      "labels: {order: [order, \"my parcel\"]}\n"
      "queues:\n"
      "  zulu: {skills: {english: 2, billing: 3}, urgency: high, answer_within: 4h}\n"
      "  alpha: {}\n"
      "rules:\n"
      "  - {name: One, when: {connector: contact, channel: webform, label: order, language: no}, then: {queue: alpha, "
      "urgency: critical, skills: {french: 5}}}\n"
      "  - {name: Two, when: {language: pt-BR}, then: {urgency: low}}\n"
      "agents:\n"
      "  zoe: {name: Zoé, skills: {english: 5}, capacity: {webform: 2, http: 0, other: 3, total: 4}}\n"
      "  abe:\n"
      "times: {offer_timeout: 1500ms, session_grace: 0s, wrap_up: 1m, decline_memory: 1h, reopen_within: 1d, "
      "dedupe_window: 2d}\n"
      "urgency_step: 30s\nmissed_offers_max: 3\nsend_attempts_max: 4\n");
  CHECK(loaded.problems.lines.empty());
  REQUIRE(loaded.settings);
  const auto& policy = loaded.settings->policy;
  REQUIRE(policy.queues.size() == 2);
  const std::vector<Requirement> wanted = {{SkillId("billing"), 3}, {SkillId("english"), 2}};
  CHECK(policy.queues[0] == QueuePolicy{QueueId("zulu"), wanted, Urgency::high, Milliseconds(4 * 3'600'000)});
  CHECK(policy.queues[1] == QueuePolicy{QueueId("alpha"), {}, Urgency::normal, Milliseconds(0)});
  REQUIRE(policy.rules.size() == 2);
  const RoutingRule one{"One", ConnectorId("contact"), "webform",         "order",
                        "no",  QueueId("alpha"),       Urgency::critical, {{SkillId("french"), 5}}};
  CHECK(policy.rules[0] == one);
  CHECK(policy.rules[1] == RoutingRule{"Two", {}, {}, {}, "pt-BR", {}, Urgency::low, {}});
  REQUIRE(policy.agents.size() == 2);
  CHECK(policy.agents[0] ==
        AgentPolicy{AgentId("zoe"), "Zoé", {{SkillId("english"), 5}}, {{"webform", 2}, {"http", 0}}, 3, 4});
  CHECK(policy.agents[1] == AgentPolicy{AgentId("abe"), "abe", {}, {}, 1, 1});
  const PolicyTimes times{Milliseconds(1500),      Milliseconds(0),          Milliseconds(60'000),
                          Milliseconds(3'600'000), Milliseconds(86'400'000), Milliseconds(2 * 86'400'000)};
  CHECK(policy.times == times);
  CHECK(policy.urgency_step == Milliseconds(30'000));
  CHECK(policy.missed_offers_max == 3);
  CHECK(policy.send_attempts_max == 4);
  REQUIRE(loaded.settings->labels.size() == 1);
  CHECK(loaded.settings->labels[0].label == "order");
  CHECK(loaded.settings->labels[0].words == std::vector<std::string>{"order", "my parcel"});
}

TEST_CASE("a connector's keys are checked by its type and read by kind", "[config]") {
  const auto settings = settings_of(
      "connectors:\n"
      "  contact: {type: webform, cors: false, wait: 2m, origins: [\"https://a.example\"], fields: {name: your-name}}\n"
      "  other: {type: webform}\n"
      "  shop: {type: http, token: \"00123456\", webhook_url: \"https://shop.example/hook?a=b\"}\n");
  REQUIRE(settings.connectors.size() == 3);
  const auto& contact = settings.connectors[0];
  CHECK(contact.id.text() == "contact");
  CHECK(contact.type == "webform");
  CHECK_FALSE(contact.options.flag("cors"));
  CHECK(contact.options.number("wait") == 120'000);
  CHECK(contact.options.number("per_address_per_minute") == 30);
  CHECK(contact.options.text("honeypot") == "website");
  CHECK(contact.options.list("origins") == std::vector<std::string>{"https://a.example"});
  CHECK(contact.options.map("fields").at("name") == "your-name");
  const auto& other = settings.connectors[1].options;
  CHECK(other.flag("cors"));
  CHECK(other.map("fields").at("text") == "message");
  CHECK(other.list("redirect_to").empty());
  const auto& shop = settings.connectors[2].options;
  CHECK(shop.text("token") == "00123456");
  CHECK(shop.text("webhook_url") == "https://shop.example/hook?a=b");
  CHECK(shop.text("webhook_secret").empty());
  CHECK(shop.number("absent") == 0);
  CHECK_FALSE(shop.flag("absent"));
  CHECK(shop.list("absent").empty());
  CHECK(shop.map("absent").empty());
}

TEST_CASE("agents' tokens are kept as SHA-256 only", "[config]") {
  const auto settings = settings_of(
      "agents:\n  ana: {token: usher_abc}\n  ben: {token_sha256: " + std::string(64, 'A') + "}\n  carl: {}\n");
  REQUIRE(settings.tokens.size() == 2);
  CHECK(settings.tokens[0].agent.text() == "ana");
  // printf usher_abc | sha256sum
  CHECK(settings.tokens[0].sha256 == "1d211f3490ee6e9494d2c1afb2e117a2a559e19eecad4023a059a50089d58b15");
  CHECK(settings.tokens[1].sha256 == std::string(64, 'a'));
}

TEST_CASE("durations are read exactly and bounded", "[config]") {
  CHECK(parse_duration("250ms") == 250);
  CHECK(parse_duration("30s") == 30'000);
  CHECK(parse_duration("5m") == 300'000);
  CHECK(parse_duration("4h") == 14'400'000);
  CHECK(parse_duration("7d") == 604'800'000);
  CHECK(parse_duration("0s") == 0);
  for (const auto* wrong :
       {"", "s", "5", "-5s", "+5s", "1.5h", "5 s", "5S", "5sec", "1h30m", "999999999999d", "99999999999999999999s"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong).has_value());
  }
}

TEST_CASE("listeners, URLs and origins that only look right are refused", "[config]") {
  for (const auto* wrong :
       {"", ":8080", "1.2.3:80", "256.1.1.1:80", "::1:80", "[::1]", "[::1]8080", "[::1:80", "[nonsense]:80",
        "host:", "host:a", "host:-1", "host:123456", "ho st:80", "a..b:80", "host:80:80"}) {
    INFO(wrong);
    CHECK_FALSE(parse_listen(wrong).has_value());
  }
  for (const auto* wrong : {"", "http://", "https:///path", "example.com", "javascript:alert(1)", "http://a b/",
                            "http://user@host/", "http://host:99999/", "http://host/<>", "http://1.2.3/"}) {
    INFO(wrong);
    CHECK_FALSE(is_url(wrong));
  }
  for (const auto* wrong : {"https://Example.com", "https://example.com/", "null", "*", "https://example.com?x"}) {
    INFO(wrong);
    CHECK_FALSE(is_origin(wrong));
  }
  CHECK(is_url("http://[::1]:8080/a/b?c=d#e"));
}

TEST_CASE("the default file loads without a problem and serves a form", "[config]") {
  std::ifstream stream(USHER_SOURCE_DIR "/config/usher.yaml");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto loaded = load_text(text, "usher.yaml", keys_of, types);
  CHECK(loaded.problems.lines.empty());
  REQUIRE(loaded.settings);
  REQUIRE(loaded.settings->connectors.size() == 1);
  CHECK(loaded.settings->connectors[0].id.text() == "contact");
  CHECK(loaded.settings->connectors[0].type == "webform");
  CHECK(loaded.settings->policy.agents.size() == 2);
  // The values written there are those that hold without them.
  CHECK(loaded.settings->policy.times == PolicyTimes{});
}

TEST_CASE("the shop of the default file only waits for its token", "[config]") {
  std::ifstream stream(USHER_SOURCE_DIR "/config/usher.yaml");
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  for (const std::string line : {"shop:\n", "  type: http\n", "  token_file: shop.token\n"}) {
    const auto at = text.find("  # " + line);
    REQUIRE(at != std::string::npos);
    text.erase(at + 2, 2);
  }
  const auto loaded = load_text(text, "usher.yaml", keys_of, types);
  REQUIRE(loaded.problems.lines.size() == 1);
  CHECK(loaded.problems.lines[0].find("connectors.shop.token_file: cannot read shop.token: No such file") !=
        std::string::npos);
}

}  // namespace usher::config::test
