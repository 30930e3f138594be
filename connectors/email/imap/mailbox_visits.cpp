// Short visits to a mailbox, on the caller's thread: a look for operators, and a copy of what was sent.
#include "connectors/email/imap/imap_limits.hpp"
#include "connectors/email/imap/imap_session.hpp"
#include "connectors/email/imap/mailbox_reader.hpp"

namespace usher::connectors::email::imap {

namespace {

std::string how_marked(const ImapAccount& account, const ImapSession& session, const Selected& selected) {
  if (selected.read_only) return "not marked, since the folder is open for reading only";
  switch (account.after) {
    case AfterIngest::keyword:
      return selected.keywords ? std::string("marked with ") + ingested_keyword : "marked as seen, since the server keeps no keywords";
    case AfterIngest::seen: return "marked as seen";
    case AfterIngest::move: return "moved to " + account.move_to + (session.has("MOVE") ? "" : " by a copy, since the server has no MOVE");
    default:
      return session.has("UIDPLUS") ? "erased" : "marked as deleted, since the server cannot erase named mails (UIDPLUS)";
  }
}

// The folder that `key` of the configuration names.
Result<std::string> look_at(ImapSession& session, const std::string& key, const std::string& folder) {
  const auto open = session.is_open(folder);
  if (open && *open && key == "move_to") return fail(Fault::conflict, key + ": " + folder + " is the folder that is read");
  const auto there = session.can_take(folder);
  if (!there) return fail(there.error().fault, key + ": " + there.error().detail);
  return "; " + key + ": " + folder + (*there ? " is there" : " is not there yet and will be made");
}

}  // namespace

Result<std::string> check_imap(const ImapAccount& account, const TokenSource& token, const std::string& sent_folder, const std::stop_token& stop) {
  StopSwitch at_once;
  const std::stop_callback pull(stop, [&at_once] { at_once.pull(); });
  auto session = ImapSession::open(account.server, account.credentials, token, at_once);
  if (!session) return session.error();
  // As the reader opens it: opened only to look, a folder would seem to keep no marks.
  const auto selected = (*session)->select(account.folder);
  if (!selected) return selected.error();
  std::string words = "connected to " + account.server.host + ":" + std::to_string(account.server.port) + " (" + (*session)->protection() +
                      "), logged in as " + account.credentials.user + "; " + account.folder + " has " +
                      std::to_string(selected->exists) + " mails, ";
  words += (*session)->has("IDLE") ? "new ones are announced (IDLE)"
                                   : "looked through every " + std::to_string(account.poll_every.count() / 1000) + " s, since the server has no IDLE";
  words += "; mails that are taken are " + how_marked(account, **session, *selected);
  for (const auto& [key, folder] : {std::pair<std::string, std::string>("move_to", account.move_to), {"sent_folder", sent_folder}}) {
    if (folder.empty()) continue;
    const auto looked = look_at(**session, key, folder);
    if (!looked) return looked.error();
    words += *looked;
  }
  (*session)->logout();
  return words;
}

Result<void> append_copy(const ImapAccount& account, const TokenSource& token, std::string_view bytes, const std::stop_token& stop) {
  StopSwitch at_once;
  const std::stop_callback pull(stop, [&at_once] { at_once.pull(); });
  auto session = ImapSession::open(account.server, account.credentials, token, at_once);
  if (!session) return session.error();
  auto kept = (*session)->append(account.folder, bytes);
  (*session)->logout();
  return kept;
}

}  // namespace usher::connectors::email::imap
