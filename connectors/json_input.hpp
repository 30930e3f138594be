// JSON of strangers: one object, bounded in depth, read without an exception leaving this file. Details name the member,
// never its text. Pure: any thread.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "connectors/connector.hpp"

namespace usher::connectors {

// malformed unless `body` is one JSON object of UTF-8 text, no deeper than limits::json_depth_max, without a NUL and
// without a number beyond all numbers.
[[nodiscard]] Result<boost::json::object> parse_object(std::string_view body);
// The same with both allowed: what Usher wrote itself.
[[nodiscard]] Result<boost::json::object> parse_own_object(std::string_view body);

// The string member `name`, checked by check_line (or by check_text when `bytes_max` is given); "" when absent or null.
[[nodiscard]] Result<std::string> line_member(const boost::json::object& object, std::string_view name);
[[nodiscard]] Result<std::string> text_member(const boost::json::object& object, std::string_view name, std::size_t bytes_max);

// The member `attachments`: [{"name", "type", "data": base64}].
[[nodiscard]] Result<void> attach_members(const boost::json::object& object, Parsed& parsed, Message& message);

// {"fields": FIELDS} for Message::extra; "" when there are none. too_large over limits::record_bytes_max / 4, malformed
// when nested deeper than a message may be.
[[nodiscard]] Result<std::string> extra_fields(boost::json::object fields);

}  // namespace usher::connectors
