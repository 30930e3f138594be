// Fuzz target: a record of the journal, read as each kind there is. What can be read is written and read again as the same.
// Built and run by ./run.
#include <cstdint>

#include "routing/message/result.hpp"
#include "routing/message/wire.hpp"

using namespace usher::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::string_view types[] = {"usher.agent.command.v1",    "usher.claim.v1",          "usher.gateway.lost.v1",
                                               "usher.message.delivery.v1", "usher.message.received.v1", "usher.policy.activated.v1",
                                               "usher.session.closed.v1",   "usher.session.opened.v1", "usher.tick.v1"};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string_view type : types) {
    const auto record = decode_record(type, bytes);
    if (!record) continue;
    expect(record_type(*record) == type, "a record is of the kind it was read as");
    const std::string written = encode(*record);
    expect(valid_utf8(written), "a record is UTF-8");
    const auto again = decode_record(type, written);
    expect(again.has_value(), "a record is read again");
    expect(*again == *record && encode(*again) == written, "a record says what was written");
  }
  return 0;
}
