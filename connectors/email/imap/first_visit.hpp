// What a mailbox holds at the first connection, of which nothing is to be taken: the arrival time of its newest mail, by the
// server's clock, so that these mails are known again when the server numbers anew. On the reader's thread.
#pragma once

#include "connectors/email/imap/imap_session.hpp"

namespace usher::connectors::email::imap {

// Of the mails below selected.uid_next that arrived within the last days; the epoch when there is none: an older one is never
// in question. An error: the connection is over, or is of no use now.
[[nodiscard]] Result<Instant> newest_there(ImapSession& session, const Selected& selected, Instant now);

}  // namespace usher::connectors::email::imap
