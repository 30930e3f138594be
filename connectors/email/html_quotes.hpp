// Which elements of an HTML mail hold what somebody else wrote: mail programs mark them by a class, an id or a style, in every
// language alike, where the words of an attribution are known in some only. Pure: any thread.
#pragma once

#include <string_view>

namespace usher::connectors::email {

enum class Quoting {
  none,
  element,      // All of the element.
  attribution,  // The element up to the blockquote of its own class: behind that the customer goes on between the quotes.
  rest,         // From here to the end of the mail.
};

// The attributes of an opening tag, with character references resolved; "" when absent. `following`: the HTML behind the tag, of
// which the beginning is looked at.
struct MarkedElement {
  std::string_view name, id, classes, style;
  std::string_view following;
  bool written = false;  // The customer wrote something above. Else what follows may be forwarded, or answered below it.
};

[[nodiscard]] Quoting quoting_of(const MarkedElement& element);

// Ends an attribution: a blockquote of the classes that have one.
[[nodiscard]] bool is_marked_quote(std::string_view name, std::string_view classes);

}  // namespace usher::connectors::email
