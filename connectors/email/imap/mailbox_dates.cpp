// MailboxDates: see the head of mailbox_dates.hpp. Three bounds, each for a mail that is certainly not new.
#include "connectors/email/imap/mailbox_dates.hpp"

#include <algorithm>

#include "connectors/email/imap/imap_limits.hpp"

namespace usher::connectors::email::imap {

namespace {

constexpr auto one_second = std::chrono::seconds(1);  // Arrival times are whole seconds.

}  // namespace

void MailboxDates::begin(Instant newest_there, Instant now) {
  newest_ = now;
  begun_ = newest_there;
  first_second_ = newest_there != Instant{};
}

void MailboxDates::begin_import(Instant since) { newest_ = begun_ = since; }

void MailboxDates::go_on(const Position& kept) {
  if (kept.newest > newest_) {
    newest_ = kept.newest;
    of_a_mail_ = false;
  }
  begun_ = std::max(begun_, kept.begun);
  settled_ = std::max(settled_, kept.settled);
}

void MailboxDates::took(Instant arrived_at, Instant now) {
  if (arrived_at <= now + limits::clocks_apart_max) latest_ = std::max(latest_, arrived_at);
  // A date in the future, which anybody can give a copied mail, would later hide mail that is older.
  const Instant counts = std::min(arrived_at, now);
  if (counts < newest_) return;
  newest_ = counts;
  of_a_mail_ = arrived_at <= now;
}

bool MailboxDates::looked_through(Instant now, bool calm) {
  if (latest_ > newest_ && latest_ <= now) {
    newest_ = latest_;
    of_a_mail_ = true;
  }
  bool more = false;
  if (first_second_ && calm) {
    begun_ += one_second;
    first_second_ = false;
    more = true;
  }
  // By whichever clock it is: a day ago is past for the server, too.
  const bool is_over = (of_a_mail_ && calm) || newest_ + limits::clocks_apart_max <= now;
  if (settled_ > newest_ || !is_over) return more;
  settled_ = newest_ + one_second;
  return true;
}

// A day before the newest one, since clocks of two servers differ and mails are copied while one takes over from another: what is
// taken twice by that is a repeat. But the engine knows a mail for so long only; beyond that, only what was never dealt with.
Instant MailboxDates::new_from(Instant now) const {
  const Instant known_from = now - limits::repeats_known;
  const Instant from = std::max(newest_ - limits::clocks_apart_max, std::min(settled_, known_from));
  return std::max(from, begun_);
}

}  // namespace usher::connectors::email::imap
