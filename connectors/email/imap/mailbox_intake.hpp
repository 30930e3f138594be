// MailboxIntake: a batch of mails from an open mailbox through the sink, in order, few at a time. Knows what became of each:
// durable, gone, or passed over; remembers mails that break connections, so that none of them stops the mailbox for ever.
// On the reader's thread; only the sink's answers come from elsewhere.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "connectors/email/imap/imap_session.hpp"
#include "connectors/email/imap/mailbox_reader.hpp"

namespace usher::connectors::email::imap {

enum class Fate { untaken, gone, durable, passed_over };

struct BatchMail {
  Uid uid = 0;
  Fate fate = Fate::untaken;
  std::optional<Instant> internal_date;
  bool cut = false;  // Only its beginning was handed over.
};

class MailboxIntake {
 public:
  // What it tells the status.
  struct Events {
    std::function<void()> took;
    std::function<void(Uid, const std::string& why)> passed_over;
    std::function<void(const std::string& why)> waits;  // "" : it goes on.
  };

  MailboxIntake(const MailboxReader::Ports& ports, const Pace& pace, const StopSwitch& stop, Events events);
  ~MailboxIntake();

  // One wave: hands over what is untaken, in order, until the sink refuses one, and waits for all answers. True: none is left
  // untaken. An error: the connection is over, or is of no use now and is to be ended; what was answered is in `batch` all the
  // same.
  Result<bool> take(ImapSession& session, std::vector<BatchMail>& batch, std::optional<Instant> not_before);
  // Between two waves, after a refusal.
  void pause();
  // The numbering is another one.
  void forget();

 private:
  struct Answers;
  Result<bool> hand_over(ImapSession& session, std::vector<BatchMail>& batch);
  Result<void> look(ImapSession& session, std::vector<BatchMail>& batch, std::optional<Instant> not_before);
  Result<void> learn(ImapSession& session, const std::vector<Uid>& uids);
  Result<void> look_for_missing(ImapSession& session, std::vector<BatchMail>& batch);
  Result<bool> fetch(ImapSession& session, const std::vector<BatchMail>& batch, BatchMail& mail);
  Result<bool> settle_unread(ImapSession& session, const std::vector<BatchMail>& batch, BatchMail& mail, const Error& why);
  bool hands_out_others(ImapSession& session, const std::vector<BatchMail>& batch, Uid but);
  Result<void> wait_for_room(std::vector<BatchMail>& batch, std::size_t mails, std::uint64_t bytes);
  void read_answers(std::vector<BatchMail>& batch);
  bool broke(Uid uid, const Error& error);

  const MailboxReader::Ports& ports_;
  const Pace& pace_;
  const StopSwitch& stop_;
  const Events events_;
  const std::shared_ptr<Answers> answers_;
  std::uint64_t wave_ = 0;  // Answers of earlier ones count for nothing.
  std::map<Uid, Described> described_;    // Of the batch.
  std::map<Uid, std::uint64_t> in_flight_;  // With their bytes.
  std::uint64_t in_flight_bytes_ = 0;
  std::map<Uid, int> breaks_;             // Mails that could not be fetched, and how often.
  std::set<Uid> too_large_;               // Of these the beginning is taken.
  bool refused_ = false;                  // By the sink, in this wave.
  std::chrono::milliseconds pause_;
};

}  // namespace usher::connectors::email::imap
