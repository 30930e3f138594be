// What an IMAP server says (RFC 3501, RFC 9051), from bytes to values: ReplyReader takes bytes as they come and gives whole
// responses. It believes nothing: lines, literals, lists and depths have limits, and what breaks the grammar ends the
// connection. Responses that nobody asked for are values like all others; their order is kept. Pure: one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "connectors/email/imap/imap_limits.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/result.hpp"

namespace usher::connectors::email::imap {

using namespace usher::message;

using Uid = std::uint32_t;  // 0: none.

// OK, NO, BAD with our tag or none; BYE and PREAUTH.
struct StatusReply {
  enum class Word { ok, no, bad, bye, preauth };
  Word word = Word::ok;
  std::string tag;        // "": untagged.
  std::string code;       // "UIDNEXT", in upper case; "": none.
  std::string arguments;  // What follows the code within the brackets.
  std::string text;
};
// "+ anything": the server waits for us.
struct Continuation {
  std::string text;
};
struct CapabilityReply {
  std::vector<std::string> names;  // Upper case.
};
struct ExistsReply {
  std::uint32_t count = 0;
};
struct ExpungeReply {
  std::uint32_t sequence = 0;
};
// SEARCH and ESEARCH, sets spelled out.
struct SearchReply {
  std::vector<Uid> numbers;
};
// What was said of one mail; members are empty when they were not.
struct FetchReply {
  std::uint32_t sequence = 0;
  Uid uid = 0;
  std::optional<Instant> internal_date;
  std::optional<std::uint64_t> size;
  std::optional<std::vector<std::string>> flags;
  std::optional<std::string> body;  // BODY[] alone, not a part or a header; NIL is none.
};
// STATUS: what was said of a folder without opening it.
struct FolderStatusReply {
  std::optional<Uid> uid_next;
};
// NAMESPACE: what the names of folders begin with; "" where they begin with nothing.
struct NamespaceReply {
  std::vector<std::string> personal;
  std::vector<std::string> others;  // Other people's, and shared ones.
};
// LIST: one folder.
struct ListReply {
  std::string name;  // As the server spells it.
  bool usable = true;
  bool has_room = true;   // Others may be made below it.
  std::string delimiter;  // Between a folder and those below it; "": there are none.
};
// MYRIGHTS (RFC 4314): what we may do with one folder, a letter each.
struct RightsReply {
  std::string rights;
};
struct OtherReply {
  std::string name;  // Upper case.
};
using Reply = std::variant<StatusReply, Continuation, CapabilityReply, ExistsReply, ExpungeReply, SearchReply, FetchReply, FolderStatusReply,
                           NamespaceReply, ListReply, RightsReply, OtherReply>;

// One response, its CRLF included. malformed: not the grammar; too_large: over a limit.
[[nodiscard]] Result<Reply> parse_reply(std::string_view response);

class ReplyReader {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next whole response, or none yet. After an error the reader is of no more use.
  [[nodiscard]] Result<std::optional<Reply>> next();
  // Nothing is left over: no byte that has not become a response.
  [[nodiscard]] bool empty() const { return begin_ == buffer_.size(); }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;     // Of the response that is being read.
  std::size_t line_ = 0;      // Of its current line, after the last literal.
  std::size_t scanned_ = 0;   // No line end is before; may lie beyond the buffer, within a literal.
  std::size_t literals_ = 0;  // In this response.
};

// "UIDNEXT 17" and the like: the number that an argument is; none when it is not one of 32 bits.
[[nodiscard]] std::optional<std::uint32_t> parse_number(std::string_view text);
// Words between blanks and parentheses: flags, capabilities.
[[nodiscard]] std::vector<std::string> split_words(std::string_view text);
[[nodiscard]] std::string upper(std::string_view text);

}  // namespace usher::connectors::email::imap
