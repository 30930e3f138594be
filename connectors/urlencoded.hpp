// application/x-www-form-urlencoded: WHATWG's parser, but a '%' without two hexadecimal digits is refused, since passing
// it on unchanged would make two bodies mean the same. One pass, bounded. Pure: any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "routing/message/result.hpp"

namespace usher::connectors {

using namespace usher::message;

using FieldList = std::vector<std::pair<std::string, std::string>>;

// Names and values as bytes, in order, repeats kept. malformed, or too_large over limits::list_items_max fields.
[[nodiscard]] Result<FieldList> parse_urlencoded(std::string_view body);

// Undoes %41; `plus_is_space` as forms have it. malformed when a '%' stands alone.
[[nodiscard]] Result<std::string> decode_percent(std::string_view text, bool plus_is_space);

}  // namespace usher::connectors
