// What the wire form refuses, and what it says about it: the place, never the customer's words.
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "golden_values.hpp"
#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "show_result.hpp"

namespace usher::message {

namespace {

namespace json = boost::json;

constexpr std::string_view secret = "Mrs-Secret";

struct Case {
  std::string from;  // This part of the full golden message ...
  std::string to;    // ... becomes this.
  Fault fault = Fault::malformed;
  std::string place;  // The detail starts with this.
};

std::string quoted(std::size_t bytes) { return "\"" + std::string(bytes, 'x') + "\""; }

std::string list_of(std::size_t items, const std::string& item) {
  std::string out = "[";
  for (std::size_t i = 0; i < items; ++i) out += (i == 0 ? "" : ",") + item;
  return out + "]";
}

std::vector<Case> wrong_values() {
  const auto malformed = Fault::malformed;
  return {
      {R"("v":1)", R"("v":2)", malformed, "v: "},
      {R"("v":1)", R"("v":1.0)", malformed, "v: "},
      {R"("v":1)", R"("v":18446744073709551616)", malformed, "v: "},
      {R"("v":1)", R"("v":9223372036854775808)", malformed, "v: "},
      {R"("v":1)", R"("v":"1")", malformed, "v: "},
      {R"("id":"3f)", R"("id":"3F)", malformed, "id: "},
      {R"("id":"3f)", R"("id":"f)", malformed, "id: "},
      {R"("id":"3f2a9c015be7d84690c1e2f304a5b6c7")", R"("id":"00000000000000000000000000000000")", malformed, "id: "},
      {R"("tenant":"acme")", R"("tenant":"")", malformed, "tenant: "},
      {R"("tenant":"acme")", R"("tenant":null)", malformed, "tenant: "},
      {R"("channel":"email")", R"("channel":"")", malformed, "channel: "},
      {R"("<u9@desk.ex>"])", R"(7])", malformed, "thread.in_reply_to[0]: "},
      {R"("token":"0)", R"("token":"Mrs-Secret)", malformed, "thread.token: "},
      {R"("value":"ana@ex.org")", R"("value":"")", malformed, "from.identities[0].value: "},
      {R"("kind":"phone")", R"("kind":["Mrs-Secret"])", malformed, "from.identities[1].kind: "},
      {R"("verified":true)", R"("verified":"Mrs-Secret")", malformed, "from.identities[1].verified: "},
      {R"("display_name":)", R"("verification":{"result":"Mrs-Secret"},"display_name":)", malformed, "from.verification.result: "},
      {R"("display_name":)", R"("verification":{"result":"pass","method":"Mrs-Secret"},"display_name":)", malformed, "from.verification.method: "},
      {R"("display_name":)", R"("verification":{"domain":"ex.org"},"display_name":)", malformed, "from.verification.result: "},
      {R"("to":[)", R"("to":["Mrs-Secret",)", malformed, "to[0]: "},
      {R"("2026-11-21T18:57:59.000Z")", R"("2026-02-30T18:57:59.000Z")", malformed, "sent_at: "},
      {R"("2026-11-21T18:58:03.120Z")", R"("Mrs-Secret")", malformed, "received_at: "},
      {R"("2026-11-21T18:58:03.120Z")", R"(1795287483120)", malformed, "received_at: "},
      {R"("size":48213)", R"("size":-1)", malformed, "attachments[0].size: "},
      {R"("size":48213)", R"("size":4.5)", malformed, "attachments[0].size: "},
      {R"("size":48213)", R"("size":1e400)", malformed, ""},
      {R"("size":48213)", R"("size":18446744073709551615)", malformed, "attachments[0].size: "},
      {R"("sha256":"a)", R"("sha256":"A)", malformed, "attachments[0].sha256: "},
      {R"("sha256":"a)", R"("sha256":"aa)", malformed, "attachments[0].sha256: "},
      {R"("automated":"auto-reply")", R"("automated":"Mrs-Secret")", malformed, "automated: "},
      {R"("language":"en")", R"("language":"EN")", malformed, "language: "},
      {R"("language":"en")", R"("language":"en-")", malformed, "language: "},
      {R"("language":"en")", R"("language":"-en")", malformed, "language: "},
      {R"("language":"en")", R"("language":"en--x")", malformed, "language: "},
      {R"("language":"en")", R"("language":"e")", malformed, "language: "},
      {R"("language":"en")", R"("language":"")", malformed, "language: "},
  };
}

std::vector<Case> over_limit() {
  const auto too_large = Fault::too_large;
  const auto brief = limits::short_field_bytes_max + 1;
  const auto items = limits::list_items_max + 1;
  const std::string file = R"({"name":"","type":"","size":1,"sha256":")" + std::string(64, 'a') + R"("})";
  return {
      {R"("acme")", quoted(brief), too_large, "tenant: "},
      {R"("Order 4411")", quoted(brief), too_large, "subject: "},
      {R"("<a1@ex.org>")", quoted(brief), too_large, "provider_message_id: "},
      {R"("room-4")", quoted(brief), too_large, "thread.key: "},
      {R"("ben@ex.org")", quoted(brief), too_large, "cc[0].value: "},
      {R"("text_new":"Where is it?")", R"("text_new":)" + quoted(limits::message_text_bytes_max + 1), too_large,
       "text_new: "},
      {R"("text":)", R"("text":)" + quoted(limits::message_text_bytes_max + 1) + R"(,"was":)", too_large, "text: "},
      {R"(["order","urgent"])", list_of(items, R"("x")"), too_large, "labels: "},
      {R"(["text/plain","application/pdf"])", list_of(items, R"("x")"), too_large, "parts: "},
      {R"("to":[)", R"("to":)" + list_of(items, R"({"kind":"k","value":"v"})") + R"(,"was":[)", too_large, "to: "},
      {R"("attachments":[)", R"("attachments":)" + list_of(limits::attachments_max + 1, file) + R"(,"was":[)",
       too_large, "attachments: "},
      {R"("size":48213)", R"("size":10485761)", too_large, "attachments[0].size: "},
  };
}

void check(const Case& one) {
  INFO(one.from << " becomes " << one.to.substr(0, 80));
  std::string bytes = golden_bytes("message-full");
  const auto at = bytes.find(one.from);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, one.from.size(), one.to);
  const auto message = decode_message(bytes);
  REQUIRE_FALSE(message);
  CHECK(fault_name(message.error().fault) == fault_name(one.fault));
  CHECK_THAT(message.error().detail, Catch::StartsWith(one.place));
  CHECK_THAT(message.error().detail, !Catch::Contains(std::string(secret)));
}

// Calls `change` on a copy of the document for each member and item in it, with the path to it.
using Slot = std::function<void(const json::value& document, const std::string& path)>;
void for_each_place(const json::value& root, json::value& here, const std::string& path, const json::value& wrong,
                    const Slot& slot) {
  if (!path.empty()) {
    const json::value kept = here;
    here = kept.is_object() ? json::value("Mrs-Secret") : wrong;
    slot(root, path);
    here = kept;
  }
  if (auto* object = here.if_object()) {
    for (auto& member : *object) {
      const std::string name = path + (path.empty() ? "" : ".") + std::string(member.key());
      for_each_place(root, member.value(), name, wrong, slot);
    }
  }
  if (auto* array = here.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      for_each_place(root, (*array)[i], path + "[" + std::to_string(i) + "]", wrong, slot);
    }
  }
}

std::string depth_of(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

}  // namespace

TEST_CASE("a wrong value in a message is refused with its place and without its words") {
  for (const Case& one : wrong_values()) check(one);
}

TEST_CASE("what is over a limit in a message is refused as too large with its place") {
  for (const Case& one : over_limit()) check(one);
}

TEST_CASE("what is exactly at a limit is read") {
  Message message = golden_message();
  message.text = std::string(limits::message_text_bytes_max, 'x');
  message.text_new = message.text;
  message.subject = std::string(limits::short_field_bytes_max, 'x');
  message.to = std::vector<Identity>(limits::list_items_max, Identity{"k", "v", false});
  message.attachments = std::vector<Attachment>(
      limits::attachments_max, Attachment{"", "", limits::attachment_bytes_max, std::string(64, 'a'), false});
  const auto decoded = decode_message(encode(message));
  REQUIRE(decoded);
  CHECK(*decoded == message);
}

TEST_CASE("a value of the wrong type is refused at any place of any record, with that place") {
  const json::value wrong = json::object{{"Mrs-Secret", json::array{1}}};
  std::size_t places = 0;
  for (const auto& [file, record] : golden_values()) {
    if (file == "message-unknown-members") continue;  // Of unknown members any type is right.
    json::value document = json::parse(golden_bytes(file));
    const auto type = record_type(record);
    for_each_place(document, document, "", wrong, [&](const json::value& changed, const std::string& path) {
      ++places;
      const auto decoded = decode_record(type, json::serialize(changed));
      INFO(file << " " << path);
      REQUIRE_FALSE(decoded);
      CHECK(fault_name(decoded.error().fault) == "malformed");
      CHECK_THAT(decoded.error().detail, !Catch::Contains(std::string(secret)));
      // The entries of a capacity are named by the operator's word for a channel: the place is the member.
      const auto capacity = path.find(".capacity.");
      const auto place = capacity == std::string::npos ? path : path.substr(0, capacity + 9);
      CHECK_THAT(decoded.error().detail, Catch::StartsWith(place + ": "));
    });
  }
  CHECK(places > 200);
}

TEST_CASE("a missing member is refused by name when it is required, and has its default when it is not") {
  const std::set<std::string> required{"v",    "id",         "tenant", "connector", "channel", "provider_message_id",
                                       "from", "received_at"};
  const auto whole = json::parse(golden_bytes("message-full")).as_object();
  for (const auto& member : whole) {
    auto without = whole;
    without.erase(member.key());
    const auto message = decode_message(json::serialize(without));
    const std::string name(member.key());
    INFO(name);
    REQUIRE(message.has_value() == !required.contains(name));
    if (!message) CHECK(message.error().detail == name + ": missing");
  }
}

TEST_CASE("every member of the other records but the optional words is required") {
  const std::set<std::string> optional{"reason", "note", "disposition", "detail", "attachments"};
  for (const auto& [file, record] : golden_values()) {
    if (std::holds_alternative<MessageReceived>(record)) continue;
    const auto whole = json::parse(golden_bytes(file)).as_object();
    const auto check_members = [&](const json::object& members,
                                   const std::function<json::object(json::object)>& inside) {
      for (const auto& member : members) {
        auto without = members;
        without.erase(member.key());
        INFO(file << " without " << member.key());
        const auto decoded = decode_record(record_type(record), json::serialize(inside(without)));
        CHECK(decoded.has_value() == optional.contains(std::string(member.key())));
      }
    };
    check_members(whole, [](json::object members) { return members; });
    for (const auto* nested : {"command", "policy"}) {
      if (!whole.contains(nested)) continue;
      check_members(whole.at(nested).as_object(), [&](json::object members) {
        auto outer = whole;
        outer[nested] = std::move(members);
        return outer;
      });
    }
  }
}

TEST_CASE("what is no JSON object is refused") {
  for (const auto* bytes :
       {"", " ", "null", "true", "7", "\"text\"", "[]", "{", "{}", "{\"v\":1", "{\"v\":1}}", "{\"v\":1} {}", "{'v':1}",
        "{\"v\":1,}", "{\"v\":NaN}", "{v:1}", "\xef\xbb\xbf{\"v\":1}", "{\"v\":01}", "{\"v\":1}//"}) {
    INFO(bytes);
    for (const auto& [file, record] : golden_values()) {
      const auto decoded = decode_record(record_type(record), bytes);
      CHECK_FALSE(decoded);
    }
    CHECK_FALSE(decode_message(bytes));
  }
}

TEST_CASE("a record cut short at any byte is refused") {
  for (const auto& [file, record] : golden_values()) {
    const std::string bytes = golden_bytes(file);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      REQUIRE_FALSE(decode_record(record_type(record), std::string_view(bytes).substr(0, length)));
    }
  }
}

TEST_CASE("bytes that are not UTF-8 are refused wherever they stand, and said to be that") {
  for (const auto* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    for (const auto* place : {"Where is it?", "Order 4411", "acme", "sent_at"}) {
      std::string bytes = golden_bytes("message-full");
      bytes.insert(bytes.find(place) + 1, bad);
      const auto message = decode_message(bytes);
      REQUIRE_FALSE(message);
      CHECK(message.error().detail == "json: not UTF-8");
    }
  }
}

TEST_CASE("half a surrogate pair in an escape is refused") {
  for (const auto* escape : {"\\ud800", "\\udc00", "\\ud800x", "\\ud800\\u0041"}) {
    std::string bytes = golden_bytes("message-full");
    bytes.insert(bytes.find("Order"), escape);
    CHECK_FALSE(decode_message(bytes));
  }
}

TEST_CASE("nesting over the limit is refused, at the limit it is kept") {
  const std::string known = golden_bytes("message-minimal");
  const auto with_depth = [&](std::size_t levels) {
    return decode_message(known.substr(0, known.size() - 1) + ",\"deep\":" + depth_of(levels) + "}");
  };
  CHECK(with_depth(limits::json_depth_max - 1).has_value());
  const auto deeper = with_depth(limits::json_depth_max);
  REQUIRE_FALSE(deeper);
  CHECK(fault_name(deeper.error().fault) == "malformed");
  CHECK_FALSE(with_depth(300'000).has_value());
}

TEST_CASE("a record over the size of a journal record is refused unread") {
  const std::string bytes = golden_bytes("tick") + std::string(limits::record_bytes_max, ' ');
  const auto tick = decode_record("usher.tick.v1", bytes);
  REQUIRE_FALSE(tick);
  CHECK(fault_name(tick.error().fault) == "too_large");
  CHECK(decode_record("usher.tick.v1", std::string_view(bytes).substr(0, limits::record_bytes_max)).has_value());
}

TEST_CASE("more unknown members than a list may hold are refused") {
  std::string bytes = golden_bytes("message-minimal");
  bytes.pop_back();
  for (std::size_t i = 0; i < limits::list_items_max; ++i) bytes += ",\"new" + std::to_string(i) + "\":0";
  CHECK(decode_message(bytes + "}").has_value());
  const auto more = decode_message(bytes + ",\"one more\":0}");
  REQUIRE_FALSE(more);
  CHECK(fault_name(more.error().fault) == "too_large");
}

TEST_CASE("a kind of record that is not known is refused") {
  for (const auto* type : {"", "unreadable", "usher.tick", "usher.tick.v2", "USHER.TICK.V1", "usher.tick.v1 "}) {
    const auto record = decode_record(type, R"({"v":1})");
    REQUIRE_FALSE(record);
    CHECK(fault_name(record.error().fault) == "malformed");
    CHECK_THAT(record.error().detail, Catch::StartsWith("type: "));
  }
}

TEST_CASE("a record of values that contradict each other is refused") {
  const auto refused = [](std::string_view type, std::string bytes, const std::string& from, const std::string& to) {
    INFO(from << " becomes " << to);
    REQUIRE(bytes.find(from) != std::string::npos);
    bytes.replace(bytes.find(from), from.size(), to);
    CHECK_FALSE(decode_record(type, bytes));
  };
  const std::string command = "usher.agent.command.v1";
  refused(command, golden_bytes("command-transfer-queue"), R"({"queue":"billing"})",
          R"({"queue":"billing","agent":"ben"})");
  refused(command, golden_bytes("command-transfer-queue"), R"({"queue":"billing"})", R"({})");
  refused(command, golden_bytes("command-transfer-queue"), R"({"queue":"billing"})", R"({"queue":""})");
  refused(command, golden_bytes("command-accept"), R"("accept")", R"("steal")");
  refused(command, golden_bytes("command-presence"), R"("away")", R"("busy")");
  refused(command, golden_bytes("command-reply-files"), R"("size":7,)", R"("size":10485761,)");
  refused(command, golden_bytes("command-reply-files"), std::string(64, 'a'), std::string(63, 'a'));
  refused(command, golden_bytes("command-reply-files"), R"("type":"image/png",)", "");
  refused("usher.claim.v1", golden_bytes("claim"), R"("previous_epoch":41)", R"("previous_epoch":-2)");
  refused("usher.claim.v1", golden_bytes("claim"), R"("engine_version":1)", R"("engine_version":2147483648)");
  refused("usher.message.delivery.v1", golden_bytes("delivery-deferred"), R"("attempt":3)", R"("attempt":-1)");
  refused("usher.message.delivery.v1", golden_bytes("delivery-deferred"), R"("retry_after_ms":5000)",
          R"("retry_after_ms":-1)");
  const std::string policy = "usher.policy.activated.v1";
  refused(policy, golden_bytes("policy-activated"), R"("level_min":2)", R"("level_min":6)");
  refused(policy, golden_bytes("policy-activated"), R"("level":5)", R"("level":0)");
  refused(policy, golden_bytes("policy-activated"), R"("chat":4)", R"("chat":-1)");
  refused(policy, golden_bytes("policy-activated"), R"("wrap_up_ms":60000)", R"("wrap_up_ms":9223372036854775807)");
  refused(policy, golden_bytes("policy-activated"), R"("id":"general")", R"("id":"orders")");
  refused(policy, golden_bytes("policy-activated"), R"("id":"ben")", R"("id":"ana")");
}

TEST_CASE("the files of one reply are limited in number and in what they hold together") {
  const auto reply = [](std::size_t files, std::uint64_t size) {
    const std::vector<Attachment> all(files, Attachment{"f", "text/plain", size, std::string(64, 'a'), false});
    const Record record = CommandIssued{AgentId("ana"), SessionId("s"), CommandId("c"), Reply{ConversationId{1, 2}, "See.", all}};
    return decode_record(record_type(record), encode(record));
  };
  CHECK(reply(limits::attachments_max, 1));
  CHECK(reply(limits::attachments_max + 1, 1).error().fault == Fault::too_large);
  CHECK(reply(2, limits::reply_attachments_bytes_max / 2));
  CHECK(reply(2, limits::reply_attachments_bytes_max / 2 + 1).error().fault == Fault::too_large);
}

TEST_CASE("a reply of before there were files is read and written as it was") {
  const std::string before = golden_bytes("command-reply");
  CHECK(before.find("attachments") == std::string::npos);
  const auto record = decode_record("usher.agent.command.v1", before);
  REQUIRE(record);
  CHECK(std::get<Reply>(std::get<CommandIssued>(*record).command).attachments.empty());
  CHECK(encode(*record) == before);
}

}  // namespace usher::message
