// Frames between processes: whatever a router says, the gateway reads; whatever else comes, it refuses.
#include "routing/delivery/frame_wire.hpp"

#include <catch2/catch.hpp>

#include "routing/message/limits.hpp"
#include "routing/message/wire.hpp"
#include "tests/delivery/random_frames.hpp"
#include "tests/message/show_result.hpp"

namespace usher::testing {

using delivery::decode_frame;
using delivery::encode;

TEST_CASE("any frame reads back as it was written, every member of it", "[frame-wire]") {
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    const auto frame = RandomFrames(seed).frame();
    const auto json = encode(frame);
    const auto decoded = decode_frame(json);
    INFO("seed " << seed << (decoded ? "" : ": " + decoded.error().detail) << '\n' << json);
    REQUIRE(decoded);
    REQUIRE(same(*decoded, frame));
    REQUIRE(valid_utf8(json));
  }
}

TEST_CASE("each kind of frame has a form of its own that another reader can rely on", "[frame-wire]") {
  const engine::AgentFrame ok{AgentId("ana"),   SessionId("s1"), GatewayId("desk-1"), 7,
                              engine::OutcomeFrame{CommandId("c1"), "", ""}, 40};
  CHECK(encode(ok) ==
        R"({"v":1,"agent":"ana","session":"s1","gateway":"desk-1","number":7,"epoch":40,"kind":"outcome",)"
        R"("command":"c1","code":"","detail":""})");
  const engine::AgentFrame away{AgentId("ana"), SessionId("s1"), GatewayId("desk-1"), 8,
                                engine::PresenceFrame{Presence::away, "lunch"}};
  CHECK(encode(away) ==
        R"({"v":1,"agent":"ana","session":"s1","gateway":"desk-1","number":8,"epoch":-1,"kind":"presence",)"
        R"("state":"away","reason":"lunch"})");
}

TEST_CASE("members of a newer version are ignored, another version is refused", "[frame-wire]") {
  const auto frame = RandomFrames(3).frame(2);
  auto json = encode(frame);
  json.insert(json.size() - 1, R"(,"future":{"a":[1]})");
  CHECK(same(decode_frame(json).value(), frame));
  json.replace(json.find(R"("v":1)"), 5, R"("v":2)");
  CHECK(decode_frame(json).error().detail.starts_with("v: "));
}

TEST_CASE("what is no frame is refused with the place that is wrong", "[frame-wire]") {
  const std::string head = R"({"v":1,"agent":"a","session":"s","gateway":"g","number":0,"epoch":0,)";
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "json: "},
      {"[]", "json: must be an object"},
      {"{}", "v: missing"},
      {R"({"v":1,"agent":"","session":"s","gateway":"g","number":0,"epoch":0,"kind":"outcome"})", "agent: "},
      {head + R"("kind":"dance"})", "kind: must be one of welcome, "},
      {head + R"("kind":7})", "kind: "},
      {head + R"("kind":"outcome","command":"c","code":1,"detail":""})", "code: must be a string"},
      {head + R"("kind":"presence","state":"asleep","reason":""})", "state: must be one of"},
      {head + R"("kind":"offer","offer":{"offer":"zz"}})", "offer.offer: must be 32"},
      {head + R"("kind":"welcome","presence":"away","offers":[1],"conversations":[]})", "offers[0]: must be an object"},
      {R"({"v":1,"agent":"a","session":"s","gateway":"g","number":-1,"epoch":0})", "number: must be from 0"},
      {R"({"v":1,"agent":"a","session":"s","gateway":"g","number":0,"epoch":-2})", "epoch: must be from -1"},
  };
  for (const auto& [json, problem] : table) {
    INFO(json);
    const auto decoded = decode_frame(json);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().detail.starts_with(problem));
  }
  CHECK(decode_frame(std::string(limits::record_bytes_max + 1, ' ')).error().fault == Fault::too_large);
}

TEST_CASE("damaged frames are refused or read as a frame that is written and read again", "[frame-wire]") {
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    RandomValues random(seed);
    auto json = encode(RandomFrames(seed).frame());
    for (auto left = 1 + random.below(3); left > 0 && !json.empty(); --left) {
      const auto at = random.below(json.size());
      if (random.below(3) == 0) json.erase(at, 1 + random.below(6));
      else if (random.chance()) json.insert(at, 1, static_cast<char>(random.below(256)));
      else json[at] = static_cast<char>(random.below(256));
    }
    const auto decoded = decode_frame(json);
    if (!decoded) {
      ++refused;
      continue;
    }
    INFO("seed " << seed);
    const auto again = decode_frame(encode(*decoded));
    REQUIRE(again);
    REQUIRE(same(*again, *decoded));
  }
  CHECK(refused > 5'000);
}

}  // namespace usher::testing
