// The policy inside a usher.policy.activated record. Internal to the wire form.
#pragma once

#include "routing/message/policy.hpp"
#include "routing/message/wire_json.hpp"

namespace usher::message::wire {

// One object; the member's key is already written.
void write(Writer& out, const Policy& policy);
void read(Reader& in, Policy& out);

}  // namespace usher::message::wire
