// Properties over thousands of random values; a failure names its seed.
#include <catch2/catch.hpp>

#include "golden_values.hpp"
#include "random_values.hpp"
#include "routing/message/wire.hpp"
#include "show_result.hpp"

namespace usher::message {

TEST_CASE("any record reads back as it was written, and is written the same again") {
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    RandomValues random(seed);
    const Record record = random.record();
    const std::string bytes = encode(record);
    const auto decoded = decode_record(record_type(record), bytes);
    INFO("seed " << seed << (decoded ? "" : ": " + decoded.error().detail));
    REQUIRE(decoded);
    REQUIRE(*decoded == record);
    REQUIRE(encode(*decoded) == bytes);
    REQUIRE(valid_utf8(bytes));
  }
}

TEST_CASE("any message reads back as it was written") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const Message message = RandomValues(seed).message();
    const auto decoded = decode_message(encode(message));
    INFO("seed " << seed << (decoded ? "" : ": " + decoded.error().detail));
    REQUIRE(decoded);
    REQUIRE(*decoded == message);
  }
}

TEST_CASE("equal policies have equal hashes after the journal, different ones different hashes") {
  std::string before;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const PolicyActivated activated{RandomValues(seed).policy(), ""};
    const auto decoded = decode_record("usher.policy.activated.v1", encode(Record(activated)));
    INFO("seed " << seed);
    REQUIRE(decoded);
    const std::string hash = policy_hash(activated.policy);
    CHECK(policy_hash(std::get<PolicyActivated>(*decoded).policy) == hash);
    CHECK(hash != before);
    before = hash;
  }
}

TEST_CASE("damaged bytes are refused or read as a value that is written and read again") {
  std::size_t refused = 0;
  std::size_t read = 0;
  const auto goldens = golden_values();
  for (std::uint64_t seed = 1; seed <= 30'000; ++seed) {
    RandomValues random(seed);
    const auto& golden = goldens[random.below(goldens.size())];
    std::string bytes = golden_bytes(golden.file);
    for (std::uint64_t left = 1 + random.below(3); left > 0; --left) {
      const auto at = random.below(bytes.size());
      if (random.below(4) == 0)
        bytes.erase(at, 1 + random.below(4));
      else
        bytes[at] = static_cast<char>(random.below(4) == 0 ? random.below(256) : "\"\\{}[],:0e-n"[random.below(12)]);
      if (bytes.empty()) break;
    }
    const auto type = record_type(golden.record);
    const auto decoded = decode_record(type, bytes);
    decoded ? ++read : ++refused;
    if (!decoded) continue;
    INFO("seed " << seed);
    const auto again = decode_record(type, encode(*decoded));
    REQUIRE(again);
    REQUIRE(*again == *decoded);
  }
  CHECK(refused > 1000);
  CHECK(read > 1000);
}

}  // namespace usher::message
