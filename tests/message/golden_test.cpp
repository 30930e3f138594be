// The wire form, byte for byte. A golden file is never edited: bytes that stand in journals must be read for ever.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "golden_values.hpp"
#include "routing/message/wire.hpp"
#include "show_result.hpp"

namespace usher::message {

TEST_CASE("every golden value is written as the bytes of its file") {
  for (const auto& [file, record] : golden_values()) {
    INFO(file);
    CHECK(encode(record) == golden_bytes(file));
  }
}

TEST_CASE("every golden file is read as its value") {
  for (const auto& [file, record] : golden_values()) {
    const auto decoded = decode_record(record_type(record), golden_bytes(file));
    INFO(file << ": " << (decoded ? "" : decoded.error().detail));
    REQUIRE(decoded);
    CHECK(*decoded == record);
  }
}

TEST_CASE("every golden file belongs to a golden value") {
  std::set<std::string> expected;
  for (const auto& golden : golden_values()) expected.insert(golden.file);
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(USHER_SOURCE_DIR "/tests/message/golden")) {
    found.insert(entry.path().stem().string());
  }
  CHECK(found == expected);
}

TEST_CASE("every kind of record and of command has a golden value") {
  std::set<std::size_t> records;
  std::set<std::size_t> commands;
  for (const auto& [file, record] : golden_values()) {
    records.insert(record.index());
    if (const auto* issued = std::get_if<CommandIssued>(&record)) commands.insert(issued->command.index());
  }
  CHECK(records.size() == std::variant_size_v<Record> - 1);
  CHECK(commands.size() == std::variant_size_v<Command>);
}

TEST_CASE("the types of records are the published ones") {
  const std::vector<std::pair<Record, std::string_view>> types{{MessageReceived{}, "usher.message.received.v1"},
                                                               {DeliveryReported{}, "usher.message.delivery.v1"},
                                                               {SessionOpened{}, "usher.session.opened.v1"},
                                                               {SessionClosed{}, "usher.session.closed.v1"},
                                                               {GatewayLost{}, "usher.gateway.lost.v1"},
                                                               {CommandIssued{}, "usher.agent.command.v1"},
                                                               {PolicyActivated{}, "usher.policy.activated.v1"},
                                                               {Tick{}, "usher.tick.v1"},
                                                               {Claimed{}, "usher.claim.v1"}};
  for (const auto& [record, type] : types) CHECK(record_type(record) == type);
}

TEST_CASE("a message alone has the wire form of its record") {
  const Message message = golden_message();
  CHECK(encode(message) == encode(Record(MessageReceived{message})));
  const auto decoded = decode_message(golden_bytes("message-full"));
  REQUIRE(decoded);
  CHECK(*decoded == message);
}

TEST_CASE("white space, order and escapes of JSON do not change what is read") {
  const auto compact = decode_message(golden_bytes("message-unknown-members"));
  const auto spaced = decode_message(R"( {
    "priority" : 18446744073709551616,
    "received_at": "1970-01-01T01:00:00+01:00", "from": {"identities": [ ] },
    "connector": "contact\u002dform", "channel": "form", "provider_message_id": "", "tenant": "acme",
    "id": "00000000000000000000000000000001", "\u0076": 1
  } )");
  REQUIRE(compact);
  REQUIRE(spaced);
  CHECK(spaced->extra == R"({"priority":18446744073709551616})");
  Message without_extra = *spaced;
  without_extra.extra = compact->extra;
  CHECK(without_extra == *compact);
}

TEST_CASE("unknown members pass through byte for byte, whatever they hold") {
  const std::string known = golden_bytes("message-full");
  const std::string unknown = R"("a":{"b":[1.10,-0,1E5,"}\",\\",[]],"c":"\u00e9"},"d\n":true,"e":"")";
  const auto message = decode_message(known.substr(0, known.size() - 1) + "," + unknown + "}");
  REQUIRE(message);
  CHECK(message->extra == "{" + unknown + "}");
  CHECK(encode(*message) == known.substr(0, known.size() - 1) + "," + unknown + "}");
}

TEST_CASE("of a member given twice the last counts, however it is spelled") {
  std::string json = golden_bytes("message-minimal");
  json.insert(1, R"("new":1,"tenant":"wrong","n\u0065w":2,)");
  const auto message = decode_message(json);
  REQUIRE(message);
  CHECK(message->tenant == TenantId("acme"));
  CHECK(message->extra == R"({"n\u0065w":2})");
}

TEST_CASE("labels are read as a sorted set") {
  std::string json = golden_bytes("message-full");
  const std::string before = R"("labels":["order","urgent"])";
  json.replace(json.find(before), before.size(), R"("labels":["urgent","order","urgent"])");
  const auto message = decode_message(json);
  REQUIRE(message);
  CHECK(*message == golden_message());
}

TEST_CASE("unknown members of other records are ignored") {
  const auto tick = decode_record("usher.tick.v1", R"({"v":1,"cause":"offer"})");
  REQUIRE(tick);
  CHECK(*tick == Record(Tick{}));
}

}  // namespace usher::message
