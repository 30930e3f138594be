// The properties of ReplyReader.
#include "tests/connectors/imap/reply_properties.hpp"

#include "connectors/email/imap/imap_reply.hpp"

namespace usher::connectors::email::imap::testing {

namespace {

// What was read, as a text that can be compared.
std::string summary(const Reply& reply) {
  std::string out = std::to_string(reply.index()) + ' ';
  if (const auto* status = std::get_if<StatusReply>(&reply)) out += status->tag + '|' + status->code + '|' + status->arguments + '|' + status->text;
  if (const auto* search = std::get_if<SearchReply>(&reply)) {
    expect(search->numbers.size() <= limits::list_items_max, "a search finds no more than the limit");
    out += std::to_string(search->numbers.size());
  }
  if (const auto* fetched = std::get_if<FetchReply>(&reply)) {
    out += std::to_string(fetched->uid) + '|' + fetched->body.value_or("none") + '|' + std::to_string(fetched->size.value_or(0));
    if (fetched->internal_date) out += '|' + format_rfc3339(*fetched->internal_date);
  }
  if (const auto* prefixes = std::get_if<NamespaceReply>(&reply)) {
    for (const auto& prefix : prefixes->personal) out += prefix + '|';
    for (const auto& prefix : prefixes->others) out += prefix + '|';
  }
  if (const auto* folder = std::get_if<FolderStatusReply>(&reply)) out += std::to_string(folder->uid_next.value_or(0));
  if (const auto* listed = std::get_if<ListReply>(&reply)) out += listed->name + listed->delimiter + (listed->usable ? "" : "|none") + (listed->has_room ? "" : "|full");
  if (const auto* own = std::get_if<RightsReply>(&reply)) out += own->rights;
  return out + '\n';
}

std::string read_in_pieces(std::string_view bytes, std::size_t piece) {
  ReplyReader reader;
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.substr(at, piece));
    for (std::size_t count = 0;; ++count) {
      expect(count <= bytes.size(), "each response takes bytes");
      auto reply = reader.next();
      if (!reply) return out + "error " + std::string(fault_name(reply.error().fault));
      if (!*reply) break;
      out += summary(**reply);
    }
  }
  return out + (reader.empty() ? "" : "rest");
}

}  // namespace

void check_replies(std::string_view bytes) {
  const std::string whole = read_in_pieces(bytes, bytes.size() + 1);
  expect(whole == read_in_pieces(bytes, 1), "it does not matter how bytes come");
  expect(whole == read_in_pieces(bytes, 13), "it does not matter how bytes come");
}

}  // namespace usher::connectors::email::imap::testing
