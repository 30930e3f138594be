// The form in which a mail provider posts a mail: multipart/form-data or urlencoded, its fields as bytes. What customers wrote
// stands in it, names of files and types included, so it is read as mail is: nothing in a part's header makes the whole
// unreadable. Only a form that is cut short is refused, since half a mail would pass for a whole one. Pure: any thread.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/connector.hpp"

namespace usher::connectors::email {

struct PostedField {
  std::string name;
  std::string_view bytes;
  bool is_file = false;    // It has a file name, be it an empty one.
  std::string file_name;   // UTF-8.
  std::string type;        // Content-Type without parameters, lower case; "" when absent.
};

struct PostedForm {
  std::vector<PostedField> fields;  // In order; their bytes stand in the body that was read, or in `decoded`.
  std::deque<std::string> decoded;
  bool cut = false;  // There were more than email_limits.hpp allows.

  // The first of that name; null when there is none.
  [[nodiscard]] const PostedField* find(std::string_view name) const;
  // Its bytes, "" when there is none.
  [[nodiscard]] std::string_view bytes(std::string_view name) const;
};

// Requires: `raw` outlives the form. malformed: no form. unavailable: it is cut short, so it may be whole when it is sent again.
[[nodiscard]] Result<PostedForm> read_posted_form(const Raw& raw);

// A parameter of a field like Content-Type or Content-Disposition, RFC 2231 and RFC 8187 included, as UTF-8; none when absent.
[[nodiscard]] std::optional<std::string> field_parameter(std::string_view value, std::string_view name);

}  // namespace usher::connectors::email
