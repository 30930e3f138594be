// The generic HTTP channel: who may speak, what is understood, and how replies leave.
#include <catch2/catch.hpp>

#include <boost/json.hpp>

#include "connectors/catalog.hpp"
#include "connectors/standard_webhooks.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

Instance shop() { return sample_instance(http_connector); }

Raw keyed(std::string body, std::string key = "k") {
  Raw raw = json_body(std::move(body));
  if (!key.empty()) raw.headers["idempotency-key"] = std::move(key);
  return raw;
}

std::string refusal(const Raw& raw) {
  auto parsed = http_connector.parse(shop(), raw);
  REQUIRE(!parsed);
  return parsed.error().detail;
}

// The body with one member more.
Raw also(const std::string& member) { return keyed(R"({"from":{"id":"u1"},"text":"Hi",)" + member + "}"); }

Message only(const Raw& raw) {
  auto parsed = http_connector.parse(shop(), raw);
  REQUIRE(parsed);
  REQUIRE(parsed->messages.size() == 1);
  return parsed->messages.front();
}

bool verified(const Instance& instance, const std::string& authorization) {
  Raw raw = keyed("{}");
  if (!authorization.empty()) raw.headers["authorization"] = authorization;
  const auto result = http_connector.verify(instance, raw, evening);
  if (!result) CHECK(result.error().fault == Fault::unauthorised);
  return result.has_value();
}

}  // namespace

TEST_CASE("only the bearer of the token may speak", "[http]") {
  const std::string token(sample_token);
  CHECK(verified(shop(), "Bearer " + token));
  CHECK(verified(shop(), "bearer  " + token));
  for (const std::string& wrong : {std::string(), std::string("Bearer "), std::string("Bearer"), token, "Basic " + token, "Bearer " + token + "x",
                                   "Bearer " + token.substr(1), "Bearer " + token + " x", std::string("Bearer other")}) {
    INFO(wrong);
    CHECK(!verified(shop(), wrong));
  }
  const Instance changing = with(shop(), "token_previous", "the-old-one");
  CHECK(verified(changing, "Bearer the-old-one"));
  CHECK(verified(changing, "Bearer " + token));
}

TEST_CASE("a channel without a token lets nobody in and does not start", "[http]") {
  const Instance open = with(shop(), "token", "");
  CHECK(!verified(open, "Bearer "));
  CHECK(!verified(open, ""));
  CHECK(http_connector.check(open).error().detail == "token: missing");
}

TEST_CASE("a webhook without a good secret or address does not start", "[http]") {
  const auto detail = [](const Instance& instance) {
    const auto checked = http_connector.check(instance);
    return checked ? std::string() : checked.error().detail;
  };
  const Instance hooked = with(shop(), "webhook_url", "https://ex.org/hook");
  const std::string secret(sample_secret);
  CHECK(detail(hooked).starts_with("webhook_secret:"));
  CHECK(detail(with(hooked, "webhook_secret", secret)).empty());
  CHECK(detail(with(hooked, "webhook_secret", "whsec_short")).starts_with("webhook_secret:"));
  CHECK(detail(with(hooked, "webhook_secret", "whsec_c2hvcnQ=")).starts_with("webhook_secret:"));
  CHECK(detail(with(with(hooked, "webhook_secret", secret), "webhook_secret_previous", "x")).starts_with("webhook_secret_previous:"));
  CHECK(detail(with(shop(), "webhook_secret", secret)).starts_with("webhook_secret:"));
  CHECK(detail(with(with(shop(), "webhook_secret", secret), "webhook_url", "ftp://ex.org")).starts_with("webhook_url:"));
  CHECK(detail(with(with(shop(), "webhook_secret", secret), "webhook_url", "https://u:p@ex.org/")).starts_with("webhook_url:"));
}

TEST_CASE("the key may stand in the header or the body, and must stand somewhere", "[http]") {
  const char* plain = R"({"from":{"id":"u1"},"text":"Hi"})";
  const Message by_header = only(keyed(plain, "m-7"));
  const Message by_body = only(keyed(R"({"id":"m-7","from":{"id":"u2"},"text":"Other"})", ""));
  CHECK(by_header.id == by_body.id);
  CHECK(by_header.provider_message_id == "m-7");
  CHECK(only(keyed(R"({"id":"m-7","from":{"id":"u1"},"text":"Hi"})", "m-7")).id == by_header.id);
  CHECK(only(keyed(plain, "m-8")).id != by_header.id);
  CHECK(refusal(keyed(plain, "")) == "Idempotency-Key or id: one of them is needed");
  CHECK(refusal(keyed(R"({"id":"a","from":{"id":"u1"},"text":"Hi"})", "b")) == "Idempotency-Key and the key in the body differ");
}

TEST_CASE("the program's name for its customer comes first and is vouched for, the rest is hearsay", "[http]") {
  const Message message = only(keyed(R"({"from":{"id":"u1","name":"Ana","identities":[{"kind":"email","value":"ana@ex.org"},{"kind":"my_game","value":"x"}]},"text":"Hi"})"));
  CHECK(message.from.identities == std::vector<Identity>{{"shop", "u1", true}, {"email", "ana@ex.org", false}, {"my_game", "x", false}});
  CHECK(message.from.display_name == "Ana");
}

TEST_CASE("conversation, times, language and further members arrive", "[http]") {
  const Message message = only(also(R"("conversation":"c-9","language":"PT-br","sent_at":"2026-11-21T19:58:03.120+01:00","subject":"S","plan":{"tier":2})"));
  CHECK(message.thread.key == "c-9");
  CHECK(message.language == "pt-br");
  CHECK(message.sent_at == evening);
  CHECK(message.subject == "S");
  CHECK(message.extra == R"({"fields":{"plan":{"tier":2}}})");
}

TEST_CASE("attachments are strict base64 within the limits", "[http]") {
  auto parsed = http_connector.parse(shop(), also(R"("attachments":[{"name":"a/b.txt","type":"text/plain","data":"aGk="},{"data":""}])"));
  REQUIRE(parsed);
  REQUIRE(parsed->files.size() == 2);
  CHECK(parsed->files[0].name == "b.txt");
  CHECK(parsed->files[0].bytes == "hi");
  CHECK(parsed->files[1].name == "file");
  for (const char* wrong : {R"("attachments":{})", R"("attachments":["x"])", R"("attachments":[{"name":"a"}])", R"("attachments":[{"data":7}])",
                            R"("attachments":[{"data":"aGk"}])", R"("attachments":[{"data":"aG k="}])", R"("attachments":[{"data":"aGl="}])", R"("attachments":[{"name":"a\nb","data":"aGk="}])"}) {
    INFO(wrong);
    CHECK(refusal(also(wrong)).starts_with("attachments") | refusal(also(wrong)).starts_with("name"));
  }
  std::string many = "\"attachments\":[{\"data\":\"\"}";
  for (std::size_t i = 0; i < limits::attachments_max; ++i) many += ",{\"data\":\"\"}";
  CHECK(http_connector.parse(shop(), also(many + "]")).error().fault == Fault::too_large);
}

TEST_CASE("a body of the wrong shape is refused by the name of its member", "[http]") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"text":"Hi"})", "from"},
      {R"({"from":"u1","text":"Hi"})", "from"},
      {R"({"from":{},"text":"Hi"})", "from.id"},
      {R"({"from":{"id":""},"text":"Hi"})", "from.id"},
      {R"({"from":{"id":7},"text":"Hi"})", "id"},
      {R"({"from":{"id":"u\n1"},"text":"Hi"})", "id"},
      {R"({"from":{"id":"u1","name":"a\rb"},"text":"Hi"})", "name"},
      {R"({"from":{"id":"u1","identities":{}},"text":"Hi"})", "from.identities"},
      {R"({"from":{"id":"u1","identities":["x"]},"text":"Hi"})", "from.identities"},
      {R"({"from":{"id":"u1","identities":[{"kind":"E mail","value":"x"}]},"text":"Hi"})", "from.identities"},
      {R"({"from":{"id":"u1","identities":[{"kind":"email","value":""}]},"text":"Hi"})", "from.identities"},
      {R"({"from":{"id":"u1"}})", "text"},
      {R"({"from":{"id":"u1"},"text":""})", "text"},
      {R"({"from":{"id":"u1"},"text":7})", "text"},
      {R"({"from":{"id":"u1"},"text":"Hi","subject":"a\nb"})", "subject"},
      {R"({"from":{"id":"u1"},"text":"Hi","sent_at":"yesterday"})", "sent_at"},
      {R"({"from":{"id":"u1"},"text":"Hi","sent_at":5})", "sent_at"},
      {R"({"from":{"id":"u1"},"text":"Hi","language":"e n"})", "language"},
      {R"({"from":{"id":"u1"},"text":"Hi","conversation":["c"]})", "conversation"},
      {R"({"from":{"id":"u1"},"text":"Hi","id":5})", "id"},
      {R"({"from":{"id":"u1"},"text":"a\u0000b"})", "the body"},
  };
  for (const auto& [body, member] : cases) {
    INFO(body);
    CHECK(refusal(keyed(body)).starts_with(member));
  }
  Raw typed = keyed(R"({"from":{"id":"u1"},"text":"Hi"})");
  typed.content_type = "text/plain";
  CHECK(refusal(typed).starts_with("Content-Type"));
}

TEST_CASE("whatever is taken, the journal reads back", "[http]") {
  for (const char* language : {"-", "e", "en-", "a--b", "123", "en-\u00e9", "abcdefghijklmnopqrstuvwxyzabcdefghi"}) {
    INFO(language);
    CHECK(refusal(also(R"("language":")" + std::string(language) + "\"")) == "language: must be BCP 47");
  }
  for (const char* number : {"1e999", "-1e400", R"([{"a":1e999}])"}) {
    INFO(number);
    CHECK(refusal(also(R"("n":)" + std::string(number))) == "the body holds a number that is too large");
  }
  std::size_t deepest = 0;
  for (std::size_t depth = 1; depth <= limits::json_depth_max; ++depth) {
    const auto parsed = http_connector.parse(shop(), also(R"("n":)" + std::string(depth, '[') + std::string(depth, ']')));
    INFO(depth);
    if (!parsed) continue;
    CHECK(decode_message(encode(parsed->messages.front())));
    deepest = depth;
  }
  CHECK(deepest == limits::json_depth_max - 2);
}

TEST_CASE("a text may be as long as the limit and no longer", "[http]") {
  const auto body = [](std::size_t size) { return keyed(R"({"from":{"id":"u1"},"text":")" + std::string(size, 'x') + "\"}"); };
  CHECK(only(body(limits::message_text_bytes_max)).text.size() == limits::message_text_bytes_max);
  CHECK(http_connector.parse(shop(), body(limits::message_text_bytes_max + 1)).error().fault == Fault::too_large);
}

TEST_CASE("a reply leaves as a Standard Webhook that both the new and the old secret verify", "[http]") {
  const std::string secret(sample_secret), old = "whsec_" + std::string(32, 'A');
  Instance instance = with(with(shop(), "webhook_url", "https://ex.org/hook"), "webhook_secret", secret);
  instance = with(instance, "webhook_secret_previous", old);
  REQUIRE(http_connector.check(instance));
  Message message = only(also(R"("conversation":"c-9")"));
  const Outbound outbound{MessageId{1, 2}, ConversationId{3, 4}, 2, "Ben", "It left \"today\".", evening, message};
  auto rendered = http_connector.render(instance, outbound, evening + std::chrono::minutes(9));
  REQUIRE(rendered);
  const auto& post = std::get<HttpPost>(*rendered);
  CHECK(post.url == "https://ex.org/hook");
  const std::map<std::string, std::string> headers(post.headers.begin(), post.headers.end());
  CHECK(headers.at("content-type") == "application/json");
  CHECK(headers.at("webhook-id") == outbound.reply.text());
  for (const std::string& each : {secret, old})
    CHECK(verify_standard_webhook(each, headers.at("webhook-id"), headers.at("webhook-timestamp"), headers.at("webhook-signature"), post.body, evening + std::chrono::minutes(10)));
  CHECK(!verify_standard_webhook(secret, headers.at("webhook-id"), headers.at("webhook-timestamp"), headers.at("webhook-signature"), post.body + " ", evening + std::chrono::minutes(10)));

  const auto event = boost::json::parse(post.body);
  CHECK(event.at("type").as_string() == "message.reply");
  CHECK(event.at("timestamp").as_string() == "2026-11-21T18:58:03.120Z");
  const auto& data = event.at("data");
  CHECK(data.at("id").as_string() == "00000000000000010000000000000002");
  CHECK(data.at("conversation").as_string() == "00000000000000030000000000000004");
  CHECK(data.at("conversation_key").as_string() == "c-9");
  CHECK(data.at("in_reply_to").as_string() == message.id.text());
  CHECK(data.at("in_reply_to_key").as_string() == "k");
  CHECK(data.at("author_name").as_string() == "Ben");
  CHECK(data.at("text").as_string() == "It left \"today\".");
  CHECK(data.at("to").at("identities").at(0).at("value").as_string() == "u1");
}

TEST_CASE("without a webhook a reply is kept to be polled", "[http]") {
  const Outbound outbound{MessageId{1, 2}, ConversationId{3, 4}, 1, "Ben", "Yes", evening, only(keyed(R"({"from":{"id":"u1"},"text":"Hi"})"))};
  auto rendered = http_connector.render(shop(), outbound, evening);
  REQUIRE(rendered);
  const auto kept = boost::json::parse(std::get<Kept>(*rendered).json);
  CHECK(kept.at("text").as_string() == "Yes");
  CHECK(kept.at("conversation_key").is_null());
}

TEST_CASE("the files of a reply are named with where the program fetches them", "[http]") {
  Outbound outbound{MessageId{1, 2}, ConversationId{3, 4}, 1, "Ben", "See", evening, only(keyed(R"({"from":{"id":"u1"},"text":"Hi"})"))};
  outbound.attachments = {{"plan.pdf", "application/pdf", 7, std::string(64, 'a'), false}};
  outbound.public_url = "https://usher.example";
  const auto kept = boost::json::parse(std::get<Kept>(*http_connector.render(shop(), outbound, evening)).json);
  const boost::json::array expected{boost::json::object{
      {"name", "plan.pdf"}, {"type", "application/pdf"}, {"size", 7U}, {"sha256", std::string(64, 'a')},
      {"url", "https://usher.example/v1/channels/shop/replies/00000000000000010000000000000002/blobs/" + std::string(64, 'a')}}};
  CHECK(kept.at("attachments") == expected);
}
