// What a text is recognised by when it is read again (rule S5): the digest of the state covers entities, not the texts beside
// them. For adapters that write it down with each text. Pure.
#pragma once

#include "routing/message/siphash.hpp"
#include "routing/state/state_store.hpp"

namespace usher::state {

// Over the id, the conversation, the sequence and every byte of the text (decision 0010).
[[nodiscard]] Hash128 text_checksum(const Body& body);

}  // namespace usher::state
