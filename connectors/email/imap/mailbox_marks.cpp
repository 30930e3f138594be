// MailboxMarks: see the head of mailbox_marks.hpp.
#include "connectors/email/imap/mailbox_marks.hpp"

#include "connectors/email/imap/imap_limits.hpp"

namespace usher::connectors::email::imap {

void MailboxMarks::begin(const Selected& selected) {
  read_only_ = selected.read_only;
  keywords_ = selected.keywords;
  owed_.merge(refused_);
  refused_.clear();
}

void MailboxMarks::owe(Uid uid, bool cut) {
  if (!cut || !removes()) owed_.insert(uid);
}

void MailboxMarks::forget() {
  owed_.clear();
  refused_.clear();
  broken_ = 0;
}

Result<void> MailboxMarks::settle(ImapSession& session) {
  while (!owed_.empty()) {
    std::vector<Uid> some;
    for (auto uid = owed_.begin(); uid != owed_.end() && some.size() < limits::marked_at_once; ++uid) some.push_back(*uid);
    auto marked = read_only_ ? Result<void>(fail(Fault::conflict, "the folder is open for reading only")) : mark(session, some);
    if (!marked && !session.alive() && ++broken_ < limits::mark_attempts_max) return marked.error();
    for (const Uid uid : some) owed_.erase(uid);
    if (marked) {
      broken_ = 0;
      if (refused_.empty()) trouble_.clear();
      continue;
    }
    trouble_ = "mails " + shown(number_set(some)) + " are taken, and stay as they were: " + marked.error().detail;
    // A mark that ends connections is not tried again, or no mail would be taken any more.
    if (!session.alive()) return marked.error();
    if (refused_.size() < limits::marks_owed_max) refused_.insert(some.begin(), some.end());
  }
  return {};
}

Result<void> MailboxMarks::mark(ImapSession& session, const std::vector<Uid>& uids) {
  if (keywords_ && account_.after != AfterIngest::seen) {
    // With move and erase, too: so that people see what was taken when it cannot be removed.
    auto flagged = session.add_flag(uids, ingested_keyword);
    if (!flagged && !session.alive()) return flagged;
    if (flagged && !removes()) return flagged;
    if (!flagged) keywords_ = false;  // Whatever PERMANENTFLAGS said.
  }
  if (account_.after == AfterIngest::move) return session.move(uids, account_.move_to);
  if (account_.after == AfterIngest::erase) return session.erase(uids);
  return session.add_flag(uids, "\\Seen");
}

}  // namespace usher::connectors::email::imap
