// MailboxDates: what is known of a mailbox by arrival times, for the day its numbers mean nothing any more: which mails are
// dealt with, and which were there before the first connection. In doubt a mail counts as new: a repeat is known by its id.
// The times are the server's; ours only bounds them. Pure; on the reader's thread.
#pragma once

#include "connectors/email/imap/mailbox_place.hpp"
#include "connectors/email/imap/stop_switch.hpp"

namespace usher::connectors::email::imap {

class MailboxDates {
 public:
  // The first connection, now; `newest_there`: of the mails that were there already, the epoch when nothing recent was.
  void begin(Instant newest_there, Instant now);
  // The first connection, and an import of all that arrived since then.
  void begin_import(Instant since);
  // A place that was kept.
  void go_on(const Position& kept);
  // A mail that arrived then is durable.
  void took(Instant arrived_at, Instant now);
  // The mailbox was looked through to its end. `calm`: a while after the last mail, so the second it came in is over.
  // True: more is known than before.
  bool looked_through(Instant now, bool calm);
  // The mails of another numbering that may be new are those that arrived from then on.
  [[nodiscard]] Instant new_from(Instant now) const;
  [[nodiscard]] Position at(Uid numbering, Uid last) const { return {numbering, last, newest_, begun_, settled_}; }

 private:
  Instant newest_{};   // These three as in Position.
  Instant begun_{};
  Instant settled_{};
  Instant latest_{};   // As newest_, where the server's clock may be somewhat ahead of ours.
  bool of_a_mail_ = false;   // newest_ is by the server's clock, and of this process.
  bool first_second_ = false;  // New mail may have come in the second of begun_, too.
};

}  // namespace usher::connectors::email::imap
