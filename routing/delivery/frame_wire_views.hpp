// What frames show of conversations and offers, to JSON and back. Internal to frame_wire.
#pragma once

#include <limits>

#include "routing/engine/step.hpp"
#include "routing/message/wire_json.hpp"

namespace usher::delivery::wire {

namespace message_wire = message::wire;
using message_wire::Need;
using message_wire::Reader;
using message_wire::Writer;

inline constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
// Conversations of one agent, requirements of one conversation: far over any capacity; bytes are the real limit.
inline constexpr std::size_t items_max = 4096;
// Names that may be empty where nothing was chosen.
inline constexpr message_wire::TextRule any_name{Need::required, 0, message::limits::short_field_bytes_max};

// The members of one object; the reader stands on it.
void write(Writer& out, const engine::ConversationView& view);
void read(Reader& in, engine::ConversationView& view);
void write(Writer& out, const engine::OfferView& offer);
void read(Reader& in, engine::OfferView& offer);

// An absent time is an absent member.
void write_time(Writer& out, std::string_view name, std::optional<message::Instant> at);

}  // namespace usher::delivery::wire
