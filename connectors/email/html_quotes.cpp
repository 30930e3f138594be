// Marks of quotes, by mail program.
#include "connectors/email/html_quotes.hpp"

#include <algorithm>

#include "connectors/email/header_block.hpp"

namespace usher::connectors::email {

namespace {

constexpr std::size_t repeated_header_bytes = 4'000;  // Outlook's four fields with their styles.
constexpr std::size_t repeated_fields_least = 3;

bool has_class(std::string_view classes, std::string_view wanted) {
  for (std::size_t at = 0; at < classes.size();) {
    const std::size_t end = std::min(classes.find_first_of(" \t\r\n\f", at), classes.size());
    if (classes.substr(at, end - at) == wanted) return true;
    at = end + 1;
  }
  return false;
}

std::size_t count_nocase(std::string_view text, std::string_view word) {
  const std::string lower = ascii_lower(text);
  std::size_t count = 0;
  for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + word.size())) ++count;
  return count;
}

// Outlook for Windows and Mac draw a line above the repeated header of the mail that is answered, and mark nothing. A line
// above anything else is the customer's, a form's for instance: it takes fields in bold type, the first of which, the sender, holds an
// address or a link to one.
bool is_ruled_header(const MarkedElement& element) {
  if (!contains_nocase(element.style, "border-top:solid") && !contains_nocase(element.style, "border-top: solid")) return false;
  std::string_view inside = element.following.substr(0, repeated_header_bytes);
  const std::string lower = ascii_lower(inside);
  inside = inside.substr(0, lower.find("</div"));
  const std::size_t fields = count_nocase(inside, ":</b>") + count_nocase(inside, ":</span></b>") + count_nocase(inside, ":</strong>");
  if (fields < repeated_fields_least) return false;
  const auto label_end = [&](std::size_t from) { return std::min({lower.find(":</b>", from), lower.find(":</span></b>", from), lower.find(":</strong>", from)}); };
  const std::size_t first = label_end(0);
  return lower.substr(first, label_end(first + 1) - first).find('@') != std::string::npos;
}

}  // namespace

Quoting quoting_of(const MarkedElement& element) {
  // Of Gmail and Thunderbird these hold the attribution and nothing else; the quote is a blockquote behind it.
  if (has_class(element.classes, "moz-cite-prefix") || has_class(element.classes, "gmail_attr")) return Quoting::element;
  if (!element.written) return Quoting::none;
  // Outlook on the web, new Outlook, Outlook on telephones: an empty element or the repeated header, the quoted mail behind it.
  if (element.id == "appendonsend" || element.id == "divRplyFwdMsg") return Quoting::rest;
  if (element.id == "mail-editor-reference-message-container" || element.id == "OLK_SRC_BODY_SECTION" || has_class(element.classes, "yahoo_quoted")) return Quoting::element;
  if (element.name == "div" && is_ruled_header(element)) return Quoting::rest;
  if (element.name == "blockquote") return Quoting::none;
  for (const std::string_view name : {"gmail_quote", "gmail_quote_container", "protonmail_quote"})
    if (has_class(element.classes, name)) return Quoting::attribution;
  return Quoting::none;
}

bool is_marked_quote(std::string_view name, std::string_view classes) {
  return name == "blockquote" && (has_class(classes, "gmail_quote") || has_class(classes, "protonmail_quote"));
}

}  // namespace usher::connectors::email
