// SipHash against the reference vectors, and the policy hash against every field it must cover.
#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "golden_values.hpp"
#include "routing/message/ids.hpp"
#include "routing/message/siphash.hpp"

namespace usher::message {

namespace {

// The 128-bit vectors of the reference implementation: key 00 01 .. 0f, input 00 01 .. (n-1) for row n.
constexpr std::array<std::string_view, 64> reference_vectors{
    "a3817f04ba25a8e66df67214c7550293", "da87c1d86b99af44347659119b22fc45", "8177228da4a45dc7fca38bdef60affe4",
    "9c70b60c5267a94e5f33b6b02985ed51", "f88164c12d9c8faf7d0f6e7c7bcd5579", "1368875980776f8854527a07690e9627",
    "14eeca338b208613485ea0308fd7a15e", "a1f1ebbed8dbc153c0b84aa61ff08239", "3b62a9ba6258f5610f83e264f31497b4",
    "264499060ad9baabc47f8b02bb6d71ed", "00110dc378146956c95447d3f3d0fbba", "0151c568386b6677a2b4dc6f81e5dc18",
    "d626b266905ef35882634df68532c125", "9869e247e9c08b10d029934fc4b952f7", "31fcefac66d7de9c7ec7485fe4494902",
    "5493e99933b0a8117e08ec0f97cfc3d9", "6ee2a4ca67b054bbfd3315bf85230577", "473d06e8738db89854c066c47ae47740",
    "a426e5e423bf4885294da481feaef723", "78017731cf65fab074d5208952512eb1", "9e25fc833f2290733e9344a5e83839eb",
    "568e495abe525a218a2214cd3e071d12", "4a29b54552d16b9a469c10528eff0aae", "c9d184ddd5a9f5e0cf8ce29a9abf691c",
    "2db479ae78bd50d8882a8a178a6132ad", "8ece5f042d5e447b5051b9eacb8d8f6f", "9c0b53b4b3c307e87eaee08678141f66",
    "abf248af69a6eae4bfd3eb2f129eeb94", "0664da1668574b88b935f3027358aef4", "aa4b9dc4bf337de90cd4fd3c467c6ab7",
    "ea5c7f471faf6bde2b1ad7d4686d2287", "2939b0183223fafc1723de4f52c43d35", "7c3956ca5eeafc3e363e9d556546eb68",
    "77c6077146f01c32b6b69d5f4ea9ffcf", "37a6986cb8847edf0925f0f1309b54de", "a705f0e69da9a8f907241a2e923c8cc8",
    "3dc47d1f29c448461e9e76ed904f6711", "0d62bf01e6fc0e1a0d3c4751c5d3692b", "8c03468bca7c669ee4fd5e084bbee7b5",
    "528a5bb93baf2c9c4473cce5d0d22bd9", "df6a301e95c95dad97ae0cc8c6913bd8", "801189902c857f39e73591285e70b6db",
    "e617346ac9c231bb3650ae34ccca0c5b", "27d93437efb721aa401821dcec5adf89", "89237d9ded9c5e78d8b1c9b166cc7342",
    "4a6d8091bf5e7d651189fa94a250b14c", "0e33f96055e7ae893ffc0e3dcf492902", "e61c432b720b19d18ec8d84bdc63151b",
    "f7e5aef549f782cf379055a608269b16", "438d030fd0b7a54fa837f2ad201a6403", "a590d3ee4fbf04e3247e0d27f286423f",
    "5fe2c1a172fe93c4b15cd37caef9f538", "2c97325cbd06b36eb2133dd08b3a017c", "92c814227a6bca949ff0659f002ad39e",
    "dce850110bd8328cfbd50841d6911d87", "67f14984c7da791248e32bb5922583da", "1938f2cf72d54ee97e94166fa91d2a36",
    "74481e9646ed49fe0f6224301604698e", "57fca5de98a9d6d8006438d0583d8a1d", "9fecde1cefdc1cbed4763674d9575359",
    "e3040c00eb28f15366ca73cbd872e740", "7697009a6a831dfecca91c5993670f7a", "5853542321f567a005d547a4f04759bd",
    "5150d1772f50834a503e069a973fbd7c"};

std::string hash_text(std::string_view bytes) {
  const Hash128 hash = siphash128(bytes, 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL);
  return Id128<struct TestTag>{hash.high, hash.low}.text();
}

using Change = std::function<void(Policy&)>;

std::vector<Change> queue_and_rule_changes() {
  return {
      [](Policy& p) { p.tenant = TenantId("acma"); },
      [](Policy& p) { p.default_queue = QueueId("orders"); },
      [](Policy& p) { p.queues.pop_back(); },
      [](Policy& p) { std::swap(p.queues[0], p.queues[1]); },
      [](Policy& p) { p.queues[0].id = QueueId("order"); },
      [](Policy& p) { p.queues[0].requirements.clear(); },
      [](Policy& p) { p.queues[0].requirements[0].skill = SkillId("order"); },
      [](Policy& p) { p.queues[0].requirements[0].level_min = 3; },
      [](Policy& p) { p.queues[0].urgency = Urgency::high; },
      [](Policy& p) { p.queues[0].answer_within += Milliseconds{1}; },
      [](Policy& p) { p.rules.pop_back(); },
      [](Policy& p) { std::swap(p.rules[0], p.rules[1]); },
      [](Policy& p) { p.rules[1].name = "other"; },
      [](Policy& p) { p.rules[1].connector.reset(); },
      [](Policy& p) { p.rules[1].connector = ConnectorId(""); },
      [](Policy& p) { p.rules[1].channel = "chat"; },
      [](Policy& p) { p.rules[1].label = "order"; },
      [](Policy& p) { p.rules[1].language = "de"; },
      [](Policy& p) { p.rules[1].queue = QueueId("general"); },
      [](Policy& p) { p.rules[1].urgency = Urgency::high; },
      [](Policy& p) { p.rules[1].urgency.reset(); },
      [](Policy& p) { p.rules[1].requirements.pop_back(); },
      // The same value in a neighbouring field.
      [](Policy& p) { std::swap(p.rules[1].channel, p.rules[1].label); },
      [](Policy& p) { std::swap(p.rules[1].label, p.rules[1].language); },
  };
}

std::vector<Change> agent_and_time_changes() {
  return {
      [](Policy& p) { p.agents.pop_back(); },
      [](Policy& p) { std::swap(p.agents[0], p.agents[1]); },
      [](Policy& p) { p.agents[0].id = AgentId("anna"); },
      [](Policy& p) { p.agents[0].display_name = "Ana"; },
      [](Policy& p) { p.agents[0].skills.pop_back(); },
      [](Policy& p) { p.agents[0].skills[0].skill = SkillId("german"); },
      [](Policy& p) { p.agents[0].skills[0].level = 4; },
      [](Policy& p) { p.agents[0].capacity.clear(); },
      [](Policy& p) { p.agents[0].capacity["email"] = 3; },
      [](Policy& p) { p.agents[0].capacity["form"] = 2; },
      [](Policy& p) { p.agents[0].capacity_other = 2; },
      [](Policy& p) { p.agents[0].capacity_total = 6; },
      [](Policy& p) { p.times.offer_timeout += Milliseconds{1}; },
      [](Policy& p) { p.times.session_grace += Milliseconds{1}; },
      [](Policy& p) { p.times.wrap_up += Milliseconds{1}; },
      [](Policy& p) { p.times.decline_memory += Milliseconds{1}; },
      [](Policy& p) { p.times.reopen_within += Milliseconds{1}; },
      [](Policy& p) { p.times.dedupe_window += Milliseconds{1}; },
      [](Policy& p) { p.urgency_step += Milliseconds{1}; },
      [](Policy& p) { p.missed_offers_max += 1; },
      [](Policy& p) { p.send_attempts_max += 1; },
  };
}

}  // namespace

TEST_CASE("SipHash-2-4-128 gives the digests of the reference implementation for every length to 63") {
  std::string input;
  for (std::size_t length = 0; length < reference_vectors.size(); ++length) {
    INFO("length " << length);
    CHECK(hash_text(input) == reference_vectors[length]);
    input.push_back(static_cast<char>(length));
  }
}

TEST_CASE("SipHash depends on both halves of its key") {
  const auto plain = siphash128("text", 1, 2);
  CHECK(plain != siphash128("text", 3, 2));
  CHECK(plain != siphash128("text", 1, 3));
}

TEST_CASE("the policy hash is 32 hexadecimal digits and the same for equal policies") {
  const std::string hash = policy_hash(golden_policy());
  CHECK(Id128<struct TestTag>::parse(hash).has_value());
  CHECK(hash == policy_hash(golden_policy()));
}

TEST_CASE("the policy hash of the golden policy never changes, or running installations refuse their own policy") {
  CHECK(policy_hash(golden_policy()) == "47d6ed8f178af158820ff3507e6faca4");
}

TEST_CASE("a change of any one field of a policy gives a policy hash of its own") {
  std::set<std::string> hashes{policy_hash(golden_policy())};
  std::vector<Change> changes = queue_and_rule_changes();
  for (const Change& change : agent_and_time_changes()) changes.push_back(change);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Policy policy = golden_policy();
    changes[i](policy);
    INFO("change " << i);
    REQUIRE_FALSE(policy == golden_policy());
    CHECK(hashes.insert(policy_hash(policy)).second);
  }
}

TEST_CASE("moving a letter from one name to its neighbour changes the policy hash") {
  Policy one = golden_policy();
  one.rules[0].name = "ab";
  one.rules[0].label = "c";
  Policy other = golden_policy();
  other.rules[0].name = "a";
  other.rules[0].label = "bc";
  CHECK(policy_hash(one) != policy_hash(other));
}

}  // namespace usher::message
