// Tables for people: columns as wide as their widest cell, nothing that a terminal would act on. Pure.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/message/instant.hpp"

namespace usher::daemon {

struct Column {
  std::string title;
  std::string pointer;  // Where its value is in a row, as a JSON pointer: "/customer/display_name".
};

// One line a row below a line of titles; "none" when there is no row.
[[nodiscard]] std::string table_of(const boost::json::array& rows, const std::vector<Column>& columns);
// `NAME  VALUE` lines of an object's plain members, in its order.
[[nodiscard]] std::string list_of(const boost::json::object& object);

// A value as a cell: text as it is, lists joined with commas, absent and null "-".
[[nodiscard]] std::string cell_of(const boost::json::value* value);
// Control characters and escape sequences of a stranger's text do not reach the terminal; length cut to `columns_max`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t columns_max = 4096);
// "42 s", "12 min", "3 h", "2 d".
[[nodiscard]] std::string for_people(usher::message::Milliseconds span);
// The member, or nullptr; `value` may be anything.
[[nodiscard]] const boost::json::value* member(const boost::json::value& value, std::string_view name);
// Text of a member; "" when it is not there or no text.
[[nodiscard]] std::string text_member(const boost::json::value& value, std::string_view name);

}  // namespace usher::daemon
