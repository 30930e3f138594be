// See text_checksum.hpp.
#include "routing/state/text_checksum.hpp"

namespace usher::state {

Hash128 text_checksum(const Body& body) {
  const auto bytes = body.id.text() + ' ' + body.conversation.text() + ' ' + std::to_string(body.sequence) + '\n' + body.json;
  return siphash128(bytes, 0x7573686572, 0x74657874);
}

}  // namespace usher::state
