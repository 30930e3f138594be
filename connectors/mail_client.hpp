// MailClient: mails on their way to submission servers, each on a thread of its own for as long as it takes, since libcurl
// waits in place for the answer to a mail's end. As many threads as mails were ever under way together, at most
// limits::mails_in_flight_max. One thread owns it; the results come on its own threads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "connectors/access_tokens.hpp"
#include "connectors/smtp_session.hpp"

namespace usher::connectors {

class MailClient {
 public:
  struct Result {
    std::uint64_t ticket = 0;
    MailPost post;
    SmtpOutcome outcome;
  };
  // On a thread of the client's; may not call it.
  using Done = std::function<void(Result)>;

  MailClient(TokenSource tokens, SmtpTimes times, Done done);
  // Cuts off what is under way; what is past its dot may then be sent twice.
  ~MailClient();

  // Requires: in_flight() < limits::mails_in_flight_max. Exactly one result follows.
  void start(std::uint64_t ticket, MailPost post);
  [[nodiscard]] std::size_t in_flight() const;
  // No mail gets as far as its dot any more; those that are past it get their answer.
  void wind_down();

 private:
  struct Job {
    std::uint64_t ticket = 0;
    MailPost post;
  };
  void work();
  [[nodiscard]] SmtpOutcome attempt(MailPost& post, SmtpWatch& watch);
  [[nodiscard]] SmtpOutcome log_in_and_send(const MailPost& post, SmtpWatch& watch) const;

  // Constant after construction.
  const TokenSource tokens_;
  const SmtpTimes times_;
  const Done done_;
  std::stop_source no_more_tokens_;  // Any thread.
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<SmtpWatch*> watches_;  // Of the attempts under way.
  std::set<std::string> plain_senders_;  // Mailboxes whose servers refused any other sender, as far as is remembered.
  std::size_t in_flight_ = 0;
  bool winding_down_ = false, stopping_ = false;
  // The owner's.
  std::vector<std::thread> threads_;
};

}  // namespace usher::connectors
