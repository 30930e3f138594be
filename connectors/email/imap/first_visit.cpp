// newest_there(): see the head of first_visit.hpp.
#include "connectors/email/imap/first_visit.hpp"

#include <algorithm>

#include "connectors/email/imap/imap_limits.hpp"

namespace usher::connectors::email::imap {

namespace {

// Arrival times in the order of the numbers. What a server does not tell is left out.
Result<std::vector<Instant>> arrivals(ImapSession& session, const std::vector<Uid>& uids) {
  std::vector<Instant> out;
  for (std::size_t i = 0; i < uids.size(); i += limits::batch_mails) {
    const auto end = std::min(uids.size(), i + limits::batch_mails);
    const auto mails = session.describe({uids.begin() + static_cast<std::ptrdiff_t>(i), uids.begin() + static_cast<std::ptrdiff_t>(end)});
    if (!mails && (!session.alive() || mails.error().fault != Fault::conflict)) return mails.error();
    if (!mails) continue;
    for (const Described& mail : *mails)
      if (mail.internal_date) out.push_back(*mail.internal_date);
  }
  return out;
}

}  // namespace

Result<Instant> newest_there(ImapSession& session, const Selected& selected, Instant now) {
  if (selected.exists == 0 || selected.uid_next <= 1) return Instant{};
  const Uid last = selected.uid_next - 1;
  const Uid first = selected.exists <= limits::search_window ? 1 : last - std::min(last - 1, limits::search_window - 1);
  // Days are those of the server's time zone.
  auto recent = session.search(first, last, now - 2 * limits::clocks_apart_max);
  if (!recent) return recent.error();
  if (recent->size() > limits::first_looked_at) recent->erase(recent->begin(), recent->end() - limits::first_looked_at);
  const auto dates = arrivals(session, *recent);
  if (!dates) return dates.error();
  if (dates->empty()) return Instant{};
  // The last mail tells how far the server's clock is ahead of ours. Others beyond that were copied with a date that
  // somebody made up, and would hide mail that is still to come.
  const Instant latest = dates->back() <= now + limits::clocks_apart_max ? std::max(now, dates->back()) : now;
  Instant newest{};
  for (const Instant date : *dates)
    if (date <= latest) newest = std::max(newest, date);
  return newest;
}

}  // namespace usher::connectors::email::imap
