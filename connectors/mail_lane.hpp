// MailLane: the mails of egress. How many and how fast each provider takes them, how long a server in trouble is left
// alone, and when a mail that was not taken is worth another attempt. The carrier's thread owns it; results come on
// threads of its own.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "connectors/mail_client.hpp"
#include "connectors/sent_copies.hpp"
#include "connectors/token_bucket.hpp"
#include "connectors/verdict.hpp"
#include "routing/message/limits.hpp"

namespace usher::connectors {

// What mails need besides their server. Each may be empty.
struct MailHooks {
  TokenSource tokens;    // For accounts that log in with an access token.
  KeepCopy after_sent;   // The copy in the folder of sent mail: once, after the server took it, on a thread of its own.
  SmtpTimes times;
};

class MailLane {
 public:
  // No verdict: it was cut off because this process ends, and is tried again after the start.
  using Done = std::function<void(std::uint64_t ticket, std::optional<Verdict> verdict)>;
  // Whether a connector may send one now.
  struct Turn {
    bool now = true;
    std::optional<Verdict> put_off;  // Not in this attempt.
    Milliseconds wait{0};            // Neither: worth asking again after so long; 0: when a mail is done.
  };

  // Mails ahead of one that wait.
  struct Queue {
    std::size_t of_connector = 0, in_all = 0;
  };

  MailLane(const Clock& clock, MailHooks hooks, Done done);

  // What turn() is asked of. A connector that was never met is no mailbox, as far as is known: render its reply and look.
  [[nodiscard]] bool knows(const ConnectorId& connector) const;
  void meet(const ConnectorId& connector, const email::SmtpAccount& account);
  // Always `now` for a connector that was never met.
  [[nodiscard]] Turn turn(const ConnectorId& connector, int attempt, const Queue& queue);
  // Requires: it was met, and turn() said now. Done follows.
  void start(const ConnectorId& connector, std::uint64_t ticket, int attempt, MailPost post);
  void wind_down() { client_.wind_down(); }
  // What is wrong with a mail server, in words, with the connector's name; empty: nothing.
  [[nodiscard]] std::string trouble() const;
  [[nodiscard]] CopyFigures copies() const { return copies_.figures(); }

 private:
  // One connector that was met.
  struct Mailbox {
    std::string server;  // HOST:PORT.
    int connections = 1, mails_per_minute = 1;
    std::shared_ptr<TokenBuckets> bucket;
    std::size_t in_flight = 0;
    Milliseconds rests_until{0};
    std::optional<Verdict> why;  // It rests.
  };
  struct Ticket {
    ConnectorId connector;
    int attempt = 1;
  };
  void set_pace(Mailbox& mailbox, const email::SmtpAccount& account);
  // Places of its own, and on its server.
  [[nodiscard]] bool has_room_for(const Mailbox& mailbox) const;
  void finished(MailClient::Result result);
  void note(Mailbox& mailbox, const Verdict& verdict);
  void give_up_the_unknown(const std::string& message_id, Verdict& verdict);

  const Clock& clock_;
  const Done done_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<ConnectorId, Mailbox> mailboxes_;
  std::map<std::uint64_t, Ticket> tickets_;
  std::map<std::string, int> unknown_;  // How often, by Message-ID, and the order of their first times.
  std::deque<std::string> unknown_order_;
  // Last, so that they end first: their threads use what is above.
  SentCopies copies_;
  MailClient client_;
};

}  // namespace usher::connectors
