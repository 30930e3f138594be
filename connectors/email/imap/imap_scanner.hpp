// Scanner: reads one response from left to right: atoms, strings in quotes and literals, lists. Views into the response,
// which outlives it. Every step says whether it fitted; none goes beyond the end. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "routing/message/instant.hpp"

namespace usher::connectors::email::imap {

using namespace usher::message;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}

  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] char peek() const { return left_.empty() ? '\0' : left_.front(); }
  // Something nested too deep, or a list too long.
  [[nodiscard]] bool over_limit() const { return over_limit_; }

  // Takes that character, when it is next.
  bool take(char wanted);
  // Takes blanks; true when there was one.
  bool blank();
  // Up to a blank, a parenthesis, a quote or a brace; flags keep their backslash. "": none is next.
  std::string atom();
  // FLAGS, BODY[HEADER.FIELDS (DATE)]<0>: in upper case, the bracket with what is in it.
  std::string item_name();
  std::optional<std::uint64_t> big_number();
  // "quoted", {3}literal, NIL (which is none), or an atom where a server forgot the quotes.
  bool string_or_nil(std::optional<std::string>& out);
  // One value, whatever it is.
  bool skip();

 private:
  bool quoted(std::string* out);
  bool literal(std::string* out);

  std::string_view left_;
  bool over_limit_ = false;
};

// "17-Jul-1996 02:44:25 -0700"; none when it is no date.
[[nodiscard]] std::optional<Instant> parse_internal_date(std::string_view text);

}  // namespace usher::connectors::email::imap
