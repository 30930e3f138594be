// What a submitted form holds, whichever of the three body kinds carried it. Bytes in, named texts and files out; what
// the names mean is webform_connector.cpp's matter. Pure: any thread.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/multipart.hpp"
#include "connectors/urlencoded.hpp"
#include "connectors/connector.hpp"

namespace usher::connectors {

struct WebformInput {
  FieldList texts;                // In order; repeats kept.
  std::vector<FormPart> files;    // Within the Raw that was read; those left empty by the browser are dropped.
  boost::json::object object;     // JSON only: members that are no strings.
};

// By the content type; without one, by the first bytes. Every name and text is checked (text_rules.hpp).
// Requires: `raw` outlives the result.
[[nodiscard]] Result<WebformInput> read_webform(const Raw& raw);

// Takes the text named `name` out; none when absent. malformed when it is there twice or is no string.
[[nodiscard]] Result<std::optional<std::string>> take_text(WebformInput& input, std::string_view name);

// What was not taken, in order, repeats as lists: for Message::extra.
[[nodiscard]] boost::json::object further_fields(WebformInput input);

}  // namespace usher::connectors
