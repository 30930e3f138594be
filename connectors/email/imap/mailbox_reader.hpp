// MailboxReader: the loop of one mailbox, on a thread of its own, for as long as the object lives: connects, takes what is
// new in order, hands it to the sink, marks what is durable, waits for more; and begins again after every trouble.
//
// Journey: mailbox -> [reader] -> ingress -> journal; the mail is marked only after that (rule J1).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "connectors/email/imap/imap_login.hpp"
#include "connectors/email/imap/mailbox_place.hpp"
#include "connectors/email/mail_account.hpp"
#include "routing/message/instant.hpp"

namespace usher::connectors::email::imap {

// Takes a mail; `done` runs exactly once, on any thread, also within accept(). `unavailable` and `overloaded`: the same mail
// comes again after a pause. Any other error: it can never be taken, and is passed over. `cut`: only its beginning is here.
using TakenDone = std::function<void(Result<void>)>;
using MailSink = std::function<void(std::string bytes, Instant arrived_at, bool cut, TakenDone done)>;

struct MailboxStatus {
  bool connected = false;
  std::string trouble;         // Why it is not, or why nothing moves, in an operator's words; empty: all is well.
  std::string mark_trouble;    // Mails that are taken and could not be marked, moved or erased; empty: none.
  std::uint64_t taken = 0;     // Mails that are durable, repeats among them.
  std::uint64_t passed_over = 0;  // Mails left in the mailbox for good, since they cannot be read or taken.
  std::string last_passed_over;   // Which, and why.
  std::optional<Instant> last_poll;  // When the mailbox was last looked through to its end.
};

// How long it waits; the limits unless a test says otherwise.
struct Pace {
  std::chrono::milliseconds idle, idle_after_mail, retry_first, retry_longest, login_retry_first, login_retry_longest, sink_retry_first, sink_retry_longest, walks_apart, lasts_from, calm_from, place_within;
  Silence silence = {};
  static Pace usual();
};

class MailboxReader {
 public:
  // All outlive it; `token` is called on its thread.
  struct Ports {
    MailSink sink;
    MailboxPlace& place;
    const Clock& clock;
    TokenSource token = {};
    std::function<void(const std::string&)> report = {};  // A sentence for the log, when something changed.
  };

  MailboxReader(ImapAccount account, Ports ports, Pace pace = Pace::usual());
  // Ends the connection and the thread at once. Mails that the sink has not answered for are taken again next time; their
  // `done` may run later.
  ~MailboxReader();

  // Any thread.
  [[nodiscard]] MailboxStatus status() const;

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

// Connects, logs in and looks, without changing anything: what it found, for `usherctl connectors test`. Errors in words.
// `sent_folder`: where copies of what is sent will go; "": nowhere.
[[nodiscard]] Result<std::string> check_imap(const ImapAccount& account, const TokenSource& token, const std::string& sent_folder = {},
                                             const std::stop_token& stop = {});

// Keeps a copy of what was sent in account.folder, as a mail that was read; makes the folder when it is not there.
[[nodiscard]] Result<void> append_copy(const ImapAccount& account, const TokenSource& token, std::string_view bytes, const std::stop_token& stop = {});

}  // namespace usher::connectors::email::imap
