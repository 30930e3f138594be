// Answers about folders; see imap_folders.hpp.
#include "connectors/email/imap/imap_folders.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "connectors/email/imap/imap_limits.hpp"

namespace usher::connectors::email::imap {

namespace {

// "INBOX" (MESSAGES 3 UIDNEXT 4).
std::optional<Reply> read_status(Scanner& scanner) {
  FolderStatusReply status;
  std::optional<std::string> folder;
  if (!scanner.string_or_nil(folder) || !scanner.blank() || !scanner.take('(')) return std::nullopt;
  while (!scanner.take(')')) {
    if (scanner.blank()) continue;
    const std::string item = scanner.item_name();
    if (item.empty() || !scanner.blank()) return std::nullopt;
    if (item == "UIDNEXT") status.uid_next = parse_number(scanner.atom());
    else if (!scanner.skip()) return std::nullopt;
  }
  return Reply(status);
}

// NIL or (("INBOX." ".")("#mh/" "/" "X-PARAM" ("FLAG"))).
bool read_prefixes(Scanner& scanner, std::vector<std::string>& out) {
  if (!scanner.take('(')) return upper(scanner.atom()) == "NIL";
  while (!scanner.take(')')) {
    if (scanner.blank()) continue;
    std::optional<std::string> prefix;
    if (!scanner.take('(') || !scanner.string_or_nil(prefix) || out.size() >= limits::list_items_max) return false;
    while (!scanner.take(')'))
      if (!scanner.blank() && !scanner.skip()) return false;
    out.push_back(prefix.value_or(""));
  }
  return true;
}

std::optional<Reply> read_namespace(Scanner& scanner) {
  NamespaceReply prefixes;
  if (!read_prefixes(scanner, prefixes.personal) || !scanner.blank() || !read_prefixes(scanner, prefixes.others) || !scanner.blank() ||
      !read_prefixes(scanner, prefixes.others))
    return std::nullopt;
  return Reply(std::move(prefixes));
}

// (\HasNoChildren) "." "INBOX.Sent".
std::optional<Reply> read_list(Scanner& scanner) {
  ListReply folder;
  std::optional<std::string> delimiter, name;
  if (!scanner.take('(')) return std::nullopt;
  while (!scanner.take(')')) {
    if (scanner.blank()) continue;
    const std::string attribute = upper(scanner.atom());
    if (attribute.empty()) return std::nullopt;
    if (attribute == "\\NOSELECT" || attribute == "\\NONEXISTENT") folder.usable = false;
    if (attribute == "\\NOINFERIORS") folder.has_room = false;
  }
  if (!scanner.blank() || !scanner.string_or_nil(delimiter) || !scanner.blank() || !scanner.string_or_nil(name)) return std::nullopt;
  folder.name = name.value_or("");
  folder.delimiter = delimiter.value_or("");
  return Reply(std::move(folder));
}

// INBOX.Done lrswi.
std::optional<Reply> read_rights(Scanner& scanner) {
  std::optional<std::string> folder, rights;
  if (!scanner.string_or_nil(folder) || !scanner.blank() || !scanner.string_or_nil(rights)) return std::nullopt;
  return Reply(RightsReply{rights.value_or("")});
}

// INBOX is the one name whose case means nothing.
bool is_below(const std::string& name, const std::string& prefix) {
  if (prefix.empty()) return false;
  if (upper(prefix).starts_with("INBOX")) return upper(name).starts_with(upper(prefix));
  return name.starts_with(prefix);
}

}  // namespace

std::optional<Reply> read_folders(const std::string& name, Scanner& scanner) {
  using Read = std::optional<Reply> (*)(Scanner&);
  constexpr std::pair<std::string_view, Read> answers[] = {
      {"STATUS", read_status}, {"NAMESPACE", read_namespace}, {"LIST", read_list}, {"MYRIGHTS", read_rights}};
  const auto known = std::find_if(std::begin(answers), std::end(answers), [&](const auto& one) { return one.first == name; });
  if (known == std::end(answers)) return std::nullopt;
  std::optional<Reply> read;
  if (scanner.blank()) read = known->second(scanner);
  return read ? std::move(read) : Reply(OtherReply{name});
}

std::string below_prefix(const NamespaceReply& prefixes, const std::string& name) {
  if (prefixes.personal.empty() || prefixes.personal.front().empty()) return name;
  const auto holds = [&](const std::string& prefix) { return is_below(name, prefix); };
  if (std::any_of(prefixes.personal.begin(), prefixes.personal.end(), holds)) return name;
  if (std::any_of(prefixes.others.begin(), prefixes.others.end(), holds)) return name;
  return prefixes.personal.front() + name;
}

}  // namespace usher::connectors::email::imap
