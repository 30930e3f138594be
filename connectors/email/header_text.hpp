// Header fields that cannot be broken out of. A HeaderText is made from any text and holds printable ASCII only, encoded
// where it must be (RFC 2047), and UTF-8 in an address that is not ASCII (RFC 6532). Neither CR, LF nor NUL nor a second
// field can come out of a name or a subject, whoever wrote it. Fields are written from HeaderText and nothing else.
// Pure: any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace usher::connectors::email {

class HeaderText {
 public:
  // Words for people: a subject. Controls become blanks; what is not ASCII becomes encoded words.
  [[nodiscard]] static HeaderText words(std::string_view text);
  // "Name" <address>. None when `address` is no address: is_mail_address().
  [[nodiscard]] static std::optional<HeaderText> mailbox(std::string_view name, std::string_view address);
  [[nodiscard]] static HeaderText list(const std::vector<HeaderText>& items, std::string_view between);
  // An id of RFC 5322 with its angle brackets; none when it holds anything an id may not.
  [[nodiscard]] static std::optional<HeaderText> id(std::string_view id);
  // Constants of ours. Requires: printable ASCII.
  [[nodiscard]] static HeaderText constant(std::string_view text);
  // A file name as the parameter of Content-Disposition (RFC 2231).
  [[nodiscard]] static HeaderText file_parameter(std::string_view name);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  explicit HeaderText(std::string text);
  std::string text_;
};

// "Name: value", folded at blanks near 78 bytes, with CRLF. Requires: `name` is a constant of ours.
[[nodiscard]] std::string header_field(std::string_view name, const HeaderText& value);

// One address that may stand in an envelope and in a header: local part and domain, no blanks, controls, brackets or
// quotes, at most 254 bytes. UTF-8 is allowed (RFC 6531).
[[nodiscard]] bool is_mail_address(std::string_view address);
[[nodiscard]] bool is_ascii(std::string_view text);

}  // namespace usher::connectors::email
