// PlayedMailbox: a small IMAP server over PlayedServer, with mails that the test puts in. It speaks as little as a server may;
// a test changes its capabilities, or answers single commands in its own way. Any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>

#include "connectors/email/imap/imap_scanner.hpp"
#include "connectors/email/imap/imap_session.hpp"
#include "tests/connectors/imap/played_server.hpp"

namespace usher::connectors::email::imap::testing {

struct PlayedMail {
  std::string bytes;
  std::string flags;
  Instant arrived_at;
};

class PlayedMailbox {
 public:
  // True: answered; false: the mailbox answers as it would. `words`: the command behind its name.
  using Answer = std::function<bool(Peer& peer, const std::string& tag, const std::string& words)>;

  PlayedMailbox();

  // Before the first connection.
  std::string greeting = "* OK ready";
  std::string capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR IDLE MOVE UIDPLUS";
  std::string permanent_flags = "\\Seen \\Deleted \\*";
  std::string mode = "READ-WRITE";
  std::atomic<Uid> uid_validity = 17;  // Any time.
  std::map<std::string, Answer> answers;  // By name: "UID FETCH", "IDLE", "SELECT".

  [[nodiscard]] ImapAccount account() const;
  Uid add(const std::string& bytes, Instant arrived_at = *parse_rfc3339("2026-11-21T18:57:59Z"));
  // The same mails under other numbers, each `step` behind the one before.
  void renumber(Uid step = 1);
  // Puts back a copy from when `next` was the next number.
  void put_back(Uid next);
  [[nodiscard]] std::map<Uid, PlayedMail> mails() const;
  // Lines heard on all connections, those of AUTHENTICATE and LOGIN too; without tags.
  [[nodiscard]] std::vector<std::string> heard() const;
  [[nodiscard]] bool heard(const std::string& line) const;
  // How many lines began so.
  [[nodiscard]] std::size_t times_heard(const std::string& begin) const;
  [[nodiscard]] int connections() const { return server_->connections(); }
  // What a scene of the test's own goes on with.
  void serve(Peer& peer);

 private:
  void play(Peer& peer);
  bool obey(Peer& peer, const std::string& tag, const std::string& command);
  void select(Peer& peer, const std::string& tag);
  void search(Peer& peer, const std::string& tag, const std::string& words);
  void fetch(Peer& peer, const std::string& tag, const std::string& words);
  void store(Peer& peer, const std::string& tag, const std::string& words);
  // What is said of it.
  std::string remove(const std::string& set);
  void idle(Peer& peer, const std::string& tag);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::map<Uid, PlayedMail> mails_;
  Uid next_ = 1;
  std::size_t searched_ = 0;  // Mails there were at the last search.
  std::vector<std::string> heard_;
  bool stopping_ = false;
  std::unique_ptr<PlayedServer> server_;

 public:
  ~PlayedMailbox();
};

}  // namespace usher::connectors::email::imap::testing
