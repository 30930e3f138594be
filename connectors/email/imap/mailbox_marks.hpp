// MailboxMarks: what is still owed to the mailbox: mails that are durable and not yet marked, moved or erased. A mark that
// fails is said, and tried again whenever the folder is opened; it never stops the intake. On the reader's thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "connectors/email/imap/imap_session.hpp"
#include "connectors/email/mail_account.hpp"

namespace usher::connectors::email::imap {

class MailboxMarks {
 public:
  explicit MailboxMarks(const ImapAccount& account) : account_(account) {}

  // The folder is open, or open once more: what was refused before is tried again.
  void begin(const Selected& selected);
  // A mail that was cut is never moved or erased: the mailbox has the only whole one.
  void owe(Uid uid, bool cut);
  // Marks what is owed. An error: the connection is over, and the rest stays owed.
  Result<void> settle(ImapSession& session);
  // The numbering is another one, so nothing here names a mail any more.
  void forget();
  // Which mails are taken and not marked, and why; empty: none.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  [[nodiscard]] bool removes() const { return account_.after == AfterIngest::move || account_.after == AfterIngest::erase; }
  Result<void> mark(ImapSession& session, const std::vector<Uid>& uids);

  const ImapAccount& account_;
  std::set<Uid> owed_, refused_;
  bool read_only_ = false;
  bool keywords_ = false;
  int broken_ = 0;  // Connections in a row that ended within settle().
  std::string trouble_;
};

}  // namespace usher::connectors::email::imap
