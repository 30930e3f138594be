// The wire form of agents' frames between a router and the desk gateways of other processes: JSON, version 1, one object
// a frame (docs/delivery.md). Internal to one installation, and no file is ever made of it.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "routing/engine/step.hpp"
#include "routing/message/result.hpp"

namespace usher::delivery {

[[nodiscard]] std::string encode(const engine::AgentFrame& frame);
// Unknown members are ignored; anything else that does not fit is `malformed`, or `too_large` over a limit.
[[nodiscard]] message::Result<engine::AgentFrame> decode_frame(std::string_view json);

}  // namespace usher::delivery
