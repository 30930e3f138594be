// A Dovecot of one test, started by deploy/mail/dovecot in a folder of its own and stopped with it.
#pragma once

#include "connectors/email/imap/imap_session.hpp"
#include "tests/journal/temporary_folder.hpp"

namespace usher::connectors::email::imap::testing {

class DovecotServer {
 public:
  // own_conf: settings that come after the script's own.
  explicit DovecotServer(const std::string& own_conf = {});
  ~DovecotServer();
  DovecotServer(const DovecotServer&) = delete;
  DovecotServer& operator=(const DovecotServer&) = delete;

  void start();
  void stop();

  [[nodiscard]] ImapAccount account(Protection protection = Protection::tls) const;
  // Another program's view of the same mailbox.
  [[nodiscard]] std::unique_ptr<ImapSession> client() const;
  // Delivers mails with these subjects to the inbox, one after another.
  void deliver(const std::vector<std::string>& subjects) const;
  // Puts mails into the folder as files, before the server looks.
  void put_files(std::size_t count, Instant arrived_at) const;
  // Subjects of a folder's mails that match the search ("ALL", "KEYWORD x"); sorted.
  [[nodiscard]] std::vector<std::string> subjects(const std::string& search, const std::string& folder = "INBOX") const;
  // The folder is a new one with the same mails: another UIDVALIDITY.
  void renumber() const;
  // Runs `doveadm WORDS` and returns what it printed; the test ends when it fails.
  std::string doveadm(const std::string& words) const;

 private:
  [[nodiscard]] std::string doveadm_command(const std::string& words) const;
  [[nodiscard]] std::filesystem::path maildir() const { return folder_.path() / "mail/support/Maildir"; }

  usher::testing::TemporaryFolder folder_;
  int port_ = 0, tls_port_ = 0;
  std::string password_;
  StopSwitch never_;
};

}  // namespace usher::connectors::email::imap::testing
