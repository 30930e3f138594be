// ReplyReader finds where a response ends (a literal may hold anything, line ends too); parse_reply() reads one.
#include "connectors/email/imap/imap_reply.hpp"

#include <algorithm>
#include <array>

#include "connectors/email/imap/imap_folders.hpp"
#include "connectors/email/imap/imap_scanner.hpp"

namespace usher::connectors::email::imap {

namespace {

using Word = StatusReply::Word;

constexpr std::array<std::pair<std::string_view, Word>, 5> words{
    {{"OK", Word::ok}, {"NO", Word::no}, {"BAD", Word::bad}, {"BYE", Word::bye}, {"PREAUTH", Word::preauth}}};

std::optional<Word> word_of(std::string_view name) {
  for (const auto& [text, word] : words)
    if (upper(name) == text) return word;
  return std::nullopt;
}

// Words of people: "{5}" at their end announces nothing.
bool is_text(std::string_view line) {
  if (!line.starts_with("* ")) return true;
  line.remove_prefix(2);
  return word_of(line.substr(0, line.find(' '))).has_value();
}

// The count of a literal that a line announces at its end: {17}, {17+}, ~{17}. Too many digits: more than any limit.
std::optional<std::size_t> announced(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  line.remove_suffix(1);
  if (line.ends_with('+')) line.remove_suffix(1);
  const std::size_t brace = line.rfind('{');
  if (brace == std::string_view::npos) return std::nullopt;
  const auto digits = line.substr(brace + 1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (digits.size() > 9) return limits::literal_bytes_max + 1;
  return std::stoul(std::string(digits));
}

StatusReply status_of(Word word, std::string tag, std::string_view text) {
  StatusReply status{word, std::move(tag), {}, {}, {}};
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end != std::string_view::npos) {
      const auto code = text.substr(1, end - 1);
      const std::size_t blank = code.find(' ');
      status.code = upper(code.substr(0, blank));
      if (blank != std::string_view::npos) status.arguments = code.substr(blank + 1);
      text.remove_prefix(end + 1);
      if (text.starts_with(' ')) text.remove_prefix(1);
    }
  }
  status.text = text;
  return status;
}

Result<Reply> broken(const Scanner& scanner, const std::string& what) {
  if (scanner.over_limit()) return fail(Fault::too_large, what + " is over a limit");
  return fail(Fault::malformed, what + " is not what IMAP allows");
}

Result<Reply> read_search(Scanner& scanner) {
  SearchReply found;
  while (scanner.blank()) {
    if (scanner.at_end()) break;
    if (scanner.peek() == '(') {  // RFC 7162: (MODSEQ n) after the numbers.
      if (!scanner.skip()) return broken(scanner, "SEARCH");
      continue;
    }
    const auto number = parse_number(scanner.atom());
    if (!number || found.numbers.size() >= limits::list_items_max) return broken(scanner, "SEARCH");
    found.numbers.push_back(*number);
  }
  if (!scanner.at_end()) return broken(scanner, "SEARCH");
  return Reply(std::move(found));
}

// "1:3,7" to 1 2 3 7; false when it is no set or one of too many.
bool spell_out(std::string_view set, std::vector<Uid>& out) {
  while (!set.empty()) {
    const auto item = set.substr(0, set.find(','));
    set.remove_prefix(std::min(item.size() + 1, set.size()));
    const std::size_t colon = item.find(':');
    auto first = parse_number(item.substr(0, colon));
    auto last = colon == std::string_view::npos ? first : parse_number(item.substr(colon + 1));
    if (!first || !last) return false;
    if (*last < *first) std::swap(first, last);
    if (out.size() + (*last - *first) >= limits::list_items_max) return false;
    for (std::uint64_t number = *first; number <= *last; ++number) out.push_back(static_cast<Uid>(number));
  }
  return true;
}

// RFC 4731: (TAG "a1") UID ALL 1:3,7.
Result<Reply> read_esearch(Scanner& scanner) {
  SearchReply found;
  while (scanner.blank() && !scanner.at_end()) {
    if (scanner.peek() == '(') {
      if (!scanner.skip()) return broken(scanner, "ESEARCH");
      continue;
    }
    const std::string name = upper(scanner.atom());
    if (name.empty()) return broken(scanner, "ESEARCH");
    if (name == "UID") continue;
    if (!scanner.blank()) return broken(scanner, "ESEARCH");
    if (name == "ALL") {
      if (!spell_out(scanner.atom(), found.numbers)) return broken(scanner, "ESEARCH");
    } else if (!scanner.skip()) {
      return broken(scanner, "ESEARCH");
    }
  }
  if (!scanner.at_end()) return broken(scanner, "ESEARCH");
  return Reply(std::move(found));
}

bool read_flags(Scanner& scanner, FetchReply& fetched) {
  std::vector<std::string> flags;
  if (!scanner.take('(')) return false;
  while (!scanner.take(')')) {
    if (scanner.blank()) continue;
    std::string flag = scanner.atom();
    if (flag.empty() || flags.size() >= limits::list_items_max) return false;
    flags.push_back(std::move(flag));
  }
  fetched.flags = std::move(flags);
  return true;
}

bool read_item(Scanner& scanner, FetchReply& fetched) {
  const std::string name = scanner.item_name();
  if (name.empty() || !scanner.blank()) return false;
  if (name == "UID") {
    const auto uid = parse_number(scanner.atom());
    if (uid) fetched.uid = *uid;
    return uid.has_value();
  }
  if (name == "FLAGS") return read_flags(scanner, fetched);
  if (name == "RFC822.SIZE") {
    const auto size = scanner.big_number();
    fetched.size = size;
    return size.has_value();
  }
  if (name == "INTERNALDATE") {
    std::optional<std::string> text;
    if (!scanner.string_or_nil(text)) return false;
    if (text) fetched.internal_date = parse_internal_date(*text);
    return true;
  }
  if (name == "BODY[]" || name.starts_with("BODY[]<") || name == "RFC822") return scanner.string_or_nil(fetched.body);
  return scanner.skip();
}

Result<Reply> read_fetch(Scanner& scanner, std::uint32_t sequence) {
  FetchReply fetched;
  fetched.sequence = sequence;
  if (!scanner.blank() || !scanner.take('(')) return broken(scanner, "FETCH");
  std::size_t items = 0;
  while (!scanner.take(')')) {
    if (scanner.blank()) continue;
    if (++items > limits::list_items_max || !read_item(scanner, fetched)) return broken(scanner, "FETCH");
  }
  scanner.blank();
  if (!scanner.at_end()) return broken(scanner, "FETCH");
  return Reply(std::move(fetched));
}

Result<Reply> read_numbered(Scanner& scanner, std::uint32_t number) {
  const std::string name = upper(scanner.atom());
  if (name == "EXISTS") return Reply(ExistsReply{number});
  if (name == "EXPUNGE") return Reply(ExpungeReply{number});
  if (name == "FETCH") return read_fetch(scanner, number);
  if (name.empty()) return fail(Fault::malformed, "a response without a name");
  return Reply(OtherReply{name});
}

}  // namespace

Result<Reply> parse_reply(std::string_view response) {
  if (response.ends_with('\n')) response.remove_suffix(1);
  if (response.ends_with('\r')) response.remove_suffix(1);
  if (response.starts_with('+')) {
    response.remove_prefix(response.starts_with("+ ") ? 2 : 1);
    return Reply(Continuation{std::string(response)});
  }
  const std::size_t blank = response.find(' ');
  if (blank == std::string_view::npos || blank == 0) return fail(Fault::malformed, "a line that is no response");
  const auto tag = response.substr(0, blank);
  const auto rest = response.substr(blank + 1);
  const auto name = rest.substr(0, rest.find(' '));
  if (const auto word = word_of(name)) {
    const auto text = rest.substr(std::min(name.size() + 1, rest.size()));
    return Reply(status_of(*word, tag == "*" ? std::string() : std::string(tag), text));
  }
  if (tag != "*") return fail(Fault::malformed, "a line that is no response");
  Scanner scanner(rest);
  const std::string first = upper(scanner.atom());
  if (first == "CAPABILITY") {
    CapabilityReply reply;
    for (const auto& word : split_words(rest.substr(std::min(first.size() + 1, rest.size())))) reply.names.push_back(upper(word));
    return Reply(std::move(reply));
  }
  if (first == "SEARCH") return read_search(scanner);
  if (first == "ESEARCH") return read_esearch(scanner);
  if (const auto number = parse_number(first)) {
    if (!scanner.blank()) return fail(Fault::malformed, "a number without a name");
    return read_numbered(scanner, *number);
  }
  if (first.empty()) return fail(Fault::malformed, "a response without a name");
  if (auto folders = read_folders(first, scanner)) return std::move(*folders);
  return Reply(OtherReply{first});
}

Result<std::optional<Reply>> ReplyReader::next() {
  while (scanned_ < buffer_.size()) {
    const std::size_t end = buffer_.find('\n', scanned_);
    const std::size_t line_end = end == std::string::npos ? buffer_.size() : end;
    if (line_end - line_ > limits::line_bytes_max) return fail(Fault::too_large, "a line of the server is over the limit");
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      break;
    }
    std::string_view line(buffer_.data() + line_, end - line_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto first_line = std::string_view(buffer_).substr(begin_, end - begin_);
    const auto count = is_text(first_line) ? std::nullopt : announced(line);
    if (count) {
      // All literals of a response together are held to the limit of one.
      if (*count > limits::literal_bytes_max || end - begin_ + *count > limits::literal_bytes_max + limits::line_bytes_max ||
          ++literals_ > limits::literals_max)
        return fail(Fault::too_large, "a literal of the server is over the limit");
      line_ = scanned_ = end + 1 + *count;
      continue;
    }
    auto reply = parse_reply(std::string_view(buffer_).substr(begin_, end + 1 - begin_));
    if (!reply) return reply.error();
    begin_ = line_ = scanned_ = end + 1;
    literals_ = 0;
    if (begin_ == buffer_.size() || begin_ > 64 * 1024) {
      buffer_.erase(0, begin_);
      if (buffer_.capacity() > 1024 * 1024) buffer_.shrink_to_fit();
      begin_ = line_ = scanned_ = 0;
    }
    return std::optional(std::move(*reply));
  }
  return std::optional<Reply>();
}

}  // namespace usher::connectors::email::imap
