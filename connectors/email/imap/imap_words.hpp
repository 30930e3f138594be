// What is said to a server, spelled so that nothing a person wrote can become a command: strings in quotes or as literals,
// folder names in modified UTF-7, dates, sets of numbers; and what a server said, spelled for an operator. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/email/imap/imap_reply.hpp"

namespace usher::connectors::email::imap {

inline constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A command without its tag, in the pieces that are sent: after each but the last the server must say that it waits for more.
class Command {
 public:
  explicit Command(std::string_view words) : pieces_{std::string(words)} {}
  Command& add(std::string_view words);   // As it is: only what this program wrote.
  Command& add_string(std::string_view text);
  Command& add_literal(std::string_view bytes);
  [[nodiscard]] const std::vector<std::string>& pieces() const { return pieces_; }
  // No string or literal held a NUL, which IMAP cannot carry.
  [[nodiscard]] bool sendable() const { return sendable_; }

 private:
  std::vector<std::string> pieces_;
  bool sendable_ = true;
};

// RFC 3501 5.1.3. What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string folder_name(std::string_view utf8);
// "2:5,9". Requires: ascending.
[[nodiscard]] std::string number_set(const std::vector<Uid>& numbers);
// "1-Feb-1994", in UTC: what SEARCH SINCE takes.
[[nodiscard]] std::string search_date(Instant at);
// The words of a server: one line of printable characters, cut.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace usher::connectors::email::imap
