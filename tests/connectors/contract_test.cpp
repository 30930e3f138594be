// The contract of connector.hpp, run over the whole catalog: a new connector is tested before its author writes a test.
#include <catch2/catch.hpp>

#include <random>
#include <set>

#include "config/key.hpp"
#include "connectors/catalog.hpp"
#include "connectors/normalize.hpp"
#include "connectors/signature.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "tests/connectors/samples.hpp"
#include "tests/journal/show_result.hpp"

using namespace usher::connectors;
using namespace usher::connectors::testing;

namespace {

std::vector<Golden> golden_of(const Connector& connector) {
  std::vector<Golden> mine;
  for (const auto& golden : golden_inputs())
    if (golden.type == connector.type) mine.push_back(golden);
  return mine;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

bool is_sentence(std::string_view text) { return text.size() > 10 && text.ends_with('.') && text.front() >= 'A' && text.front() <= 'Z'; }

// A channel may take anything, since there is nobody to refuse it to: then it takes all of it.
bool takes_anything(const Connector& connector, const Instance& instance) { return connector.parse(instance, Raw{"", {}, "", evening}).has_value(); }

// Whatever it makes of bytes, it is one of the two: a refusal the sender can act on, or messages that can be written.
void check_outcome(const Connector& connector, const Instance& instance, const Raw& raw) {
  const auto parsed = connector.parse(instance, raw);
  if (!parsed) {
    const bool sender_can_act = parsed.error().fault == Fault::malformed || parsed.error().fault == Fault::too_large;
    CHECK(sender_can_act);
    CHECK(!parsed.error().detail.empty());
    CHECK(valid_utf8(parsed.error().detail));
    return;
  }
  std::set<std::string> blobs;
  for (const auto& file : parsed->files) {
    CHECK(file.sha256 == sha256_hex(file.bytes));
    blobs.insert(file.sha256);
  }
  for (const auto& message : parsed->messages) {
    const auto read_back = decode_message(encode(message));
    REQUIRE(read_back);
    CHECK(*read_back == message);
    // A mail has one id over all mailboxes of a tenant (rule I1); tests/connectors/email holds it to that.
    if (message.channel != "email") CHECK(message.id == message_id(message.tenant, message.connector, message.provider_message_id));
    for (const auto& attachment : message.attachments) CHECK(blobs.contains(attachment.sha256));
  }
}

}  // namespace

TEST_CASE("every connector says what it is, and is found by its type", "[contract]") {
  std::set<std::string_view> types;
  for (const Connector* connector : catalog()) {
    INFO(connector->type);
    CHECK(is_name(connector->type));
    CHECK(is_name(connector->channel));
    CHECK(is_sentence(connector->about));
    CHECK(types.insert(connector->type).second);
    CHECK(find_connector(connector->type) == connector);
    const bool complete = connector->check != nullptr && connector->verify != nullptr && connector->parse != nullptr && connector->render != nullptr;
    CHECK(complete);
  }
  CHECK(types.contains("webform"));
  CHECK(types.contains("http"));
  CHECK(find_connector("no-such-thing") == nullptr);
}

TEST_CASE("every key of every connector is named, documented and unique", "[contract]") {
  for (const Connector* connector : catalog()) {
    std::set<std::string_view> names;
    for (const auto& key : connector->keys) {
      INFO(connector->type << "." << key.name);
      CHECK(is_name(key.name));
      CHECK(is_sentence(key.about));
      CHECK(names.insert(key.name).second);
      const bool no_default_where_one_must_say = !key.required || key.fallback.empty();
      CHECK(no_default_where_one_must_say);
      const bool no_default_secret = key.kind != usher::config::Kind::secret || key.fallback.empty();
      CHECK(no_default_secret);
    }
  }
}

TEST_CASE("every connector accepts its sample configuration", "[contract]") {
  for (const Connector* connector : catalog()) {
    INFO(connector->type);
    const Instance instance = sample_instance(*connector);
    REQUIRE(!instance.id.empty());
    CHECK(connector->check(instance));
    CHECK(!golden_of(*connector).empty());
  }
}

TEST_CASE("every golden input is verified and becomes exactly its golden message", "[contract]") {
  for (const Connector* connector : catalog()) {
    const Instance instance = sample_instance(*connector);
    for (const auto& golden : golden_of(*connector)) {
      INFO(golden.type << ": " << golden.about);
      CHECK(connector->verify(instance, golden.raw, evening));
      const auto messages = normalize(*connector, instance, golden.raw);
      REQUIRE(messages);
      REQUIRE(messages->size() == 1);
      CHECK(encode(messages->front()) == golden.message);
      CHECK(messages->front().channel == connector->channel);
      CHECK(messages->front().received_at == golden.raw.received_at);
      CHECK(!messages->front().from.identities.empty());
      check_outcome(*connector, instance, golden.raw);
    }
  }
}

TEST_CASE("I2: an input has the same id whenever and on whichever edge it is parsed again", "[contract][I2]") {
  for (const Connector* connector : catalog()) {
    const Instance instance = sample_instance(*connector);
    for (const auto& golden : golden_of(*connector)) {
      INFO(golden.type << ": " << golden.about);
      Raw later = golden.raw;
      later.received_at += std::chrono::hours(30);
      later.remote = "192.0.2.77";
      const auto first = normalize(*connector, instance, golden.raw);
      const auto second = normalize(*connector, instance, later);
      REQUIRE((first && second));
      CHECK(first->front().id == second->front().id);

      Instance other = instance;
      other.tenant = TenantId("other");
      const auto elsewhere = normalize(*connector, other, golden.raw);
      REQUIRE(elsewhere);
      CHECK(first->front().id != elsewhere->front().id);
    }
  }
}

TEST_CASE("every connector refuses what is empty or random or another's unless it refuses nothing at all", "[contract]") {
  const std::string types[] = {"", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                               "multipart/form-data", "text/plain", "\xff;;=\"", "application/json; charset=utf-16"};
  const std::string bodies[] = {"", std::string(1, '\0'), "{", "{}", "[]", "null", "\"x\"", "--x", "--x\r\n", "--x--", "&&&&", "=", "%", "\xff\xfe",
                                std::string(100'000, '['), std::string(100'000, '{'), R"({"text":{}})", R"({"message":[]})",
                                R"({"from":{"id":"u"},"text":"\ud800"})"};
  for (const Connector* connector : catalog()) {
    const Instance instance = sample_instance(*connector);
    const bool any = takes_anything(*connector, instance);
    CHECK(any == (connector->type == "email"));
    for (const auto& type : types)
      for (const auto& body : bodies) {
        INFO(connector->type << " " << type << " " << body.substr(0, 40));
        const Raw raw{type, {}, body, evening};
        CHECK(connector->parse(instance, raw).has_value() == any);
        check_outcome(*connector, instance, raw);
      }
  }
}

// What goes on with the message stands one level deeper in it than in the body.
TEST_CASE("JSON may be as deep as the journal reads it back and no deeper", "[contract]") {
  const auto nested = [](std::size_t depth) {
    return R"({"id":"1","from":{"id":"u"},"text":"x","message":"x","deep":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  for (const Connector* connector : catalog()) {
    INFO(connector->type);
    const Instance instance = sample_instance(*connector);
    if (takes_anything(*connector, instance)) continue;
    const auto deepest = json_body(nested(limits::json_depth_max - 1));
    CHECK(connector->parse(instance, deepest));
    check_outcome(*connector, instance, deepest);
    for (const auto depth : {limits::json_depth_max, limits::json_depth_max + 1}) {
      const auto deeper = connector->parse(instance, json_body(nested(depth)));
      CHECK(!deeper);
    }
  }
}

TEST_CASE("no change of a golden input's bytes makes a connector crash or write what cannot be read", "[contract]") {
  std::mt19937_64 random(20261121);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  for (const Connector* connector : catalog()) {
    const Instance instance = sample_instance(*connector);
    const auto goldens = golden_of(*connector);
    for (int round = 0; round < 1'500; ++round) {
      Raw raw = goldens[below(goldens.size())].raw;
      std::string& target = below(8) == 0 ? raw.content_type : raw.body;
      for (std::size_t change = 0; change <= below(4); ++change) {
        if (target.empty()) break;
        const std::size_t at = below(target.size());
        switch (below(4)) {
          case 0: target[at] = static_cast<char>(random() & 0xff); break;
          case 1: target.erase(at, 1 + below(20)); break;
          case 2: target.insert(at, target.substr(below(target.size()), below(30))); break;
          default: target.resize(at); break;
        }
      }
      check_outcome(*connector, instance, raw);
    }
  }
}

TEST_CASE("every connector that takes files of a reply shows each of them in what it renders", "[contract]") {
  for (const Connector* connector : catalog()) {
    if (connector->files_out == FilesOut::none) continue;
    INFO(connector->type);
    const Instance instance = sample_instance(*connector);
    const auto messages = normalize(*connector, instance, golden_of(*connector).front().raw);
    REQUIRE(messages);
    Outbound outbound{MessageId{1, 2}, ConversationId{3, 4}, 1, "Ben", "See", evening, messages->front()};
    outbound.attachments = {{"plan.pdf", "application/pdf", 3, sha256_hex("one"), false}, {"two.txt", "text/plain", 3, sha256_hex("two"), false}};
    if (connector->files_out == FilesOut::inside)
      outbound.files = {{"plan.pdf", "application/pdf", "one", sha256_hex("one")}, {"two.txt", "text/plain", "two", sha256_hex("two")}};
    const auto rendered = connector->render(instance, outbound, evening);
    REQUIRE(rendered);
    std::string said;
    if (const auto* kept = std::get_if<Kept>(&*rendered)) said = kept->json;
    else if (const auto* mail = std::get_if<MailPost>(&*rendered)) said = mail->bytes;
    else said = std::get<HttpPost>(*rendered).body;
    for (const char* name : {"plan.pdf", "two.txt"}) CHECK(said.find(name) != std::string::npos);
  }
}

TEST_CASE("every connector renders a reply to each of its golden inputs, the same each time", "[contract]") {
  for (const Connector* connector : catalog()) {
    const Instance instance = sample_instance(*connector);
    for (const auto& golden : golden_of(*connector)) {
      const auto messages = normalize(*connector, instance, golden.raw);
      REQUIRE(messages);
      const Outbound outbound{MessageId{1, 2}, ConversationId{3, 4}, 1, "Ben", "It left \"today\".\n\u2603", evening, messages->front()};
      const auto first = connector->render(instance, outbound, evening);
      const auto second = connector->render(instance, outbound, evening);
      REQUIRE((first && second));
      CHECK(first->index() == second->index());
      if (const auto* kept = std::get_if<Kept>(&*first)) CHECK(kept->json == std::get<Kept>(*second).json);
      if (const auto* mail = std::get_if<MailPost>(&*first)) CHECK(mail->bytes == std::get<MailPost>(*second).bytes);
    }
  }
}
