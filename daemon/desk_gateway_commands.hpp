// What agents say, read strictly: a frame's JSON to a Command of the journal. Internal to daemon/desk_gateway*.cpp.
// Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "routing/message/record.hpp"

namespace usher::daemon {

using namespace usher::message;

inline constexpr std::size_t command_id_bytes_max = 128;

// What is wrong with a frame: a code of the closed list and a sentence.
struct FrameProblem {
  std::string_view code;
  std::string_view sentence;
};

// "" when absent; none when it is no string, or longer than `bytes_max`, or holds NUL.
[[nodiscard]] std::optional<std::string> text_field(const boost::json::object& frame, std::string_view name,
                                                    std::size_t bytes_max);

// A JSON object, no deeper than limits::json_depth_max.
[[nodiscard]] std::optional<boost::json::object> read_frame(std::string_view text);

[[nodiscard]] std::variant<Command, FrameProblem> read_command(std::string_view type, const boost::json::object& frame);

}  // namespace usher::daemon
