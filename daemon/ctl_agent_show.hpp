// How the terminal agent shows what the daemon says: pure functions from the protocol's JSON to lines. Everything that a
// customer wrote passes printable(), so that no escape sequence reaches the terminal.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/instant.hpp"

namespace usher::daemon {

using Lines = std::vector<std::string>;

// `Ana Gómez <ana@example.org>, contact (webform), high, queue support`
[[nodiscard]] std::string conversation_line(const boost::json::value& conversation, usher::message::Instant now);
// The offer: who, what about, how long they wait, why this agent, how long there is to decide.
[[nodiscard]] Lines offer_lines(int number, const boost::json::value& offer, usher::message::Instant now);
// `ana is free (0 %), english 5, idle 3 min; not ben: capacity` and the like.
[[nodiscard]] std::string why_line(const boost::json::value& why);
// One message with its time and author, its text indented.
[[nodiscard]] Lines message_lines(const boost::json::value& message);
[[nodiscard]] std::string delivery_line(int number, const boost::json::value& frame);
[[nodiscard]] Lines help_lines();

}  // namespace usher::daemon
