// MailboxPlace: where a mailbox goes on after a restart. The reader asks once and saves often; what a crash forgets is taken
// once more, and the ids of mails make that a repeat. Decision record 0021 says why it is kept in the journal's marks.
#pragma once

#include <optional>
#include <string>

#include "connectors/email/imap/imap_reply.hpp"
#include "routing/journal/journal.hpp"

namespace usher::connectors::email::imap {

struct Position {
  Uid uid_validity = 0;  // Which numbering `last` belongs to. Only its lower 31 bits are kept.
  Uid last = 0;          // Every mail up to it is dealt with.
  Instant newest;        // When the newest of them arrived: what counts once the numbering is another one.
  // The epoch in either: not known, as in places of earlier builds.
  Instant begun = {};    // What arrived before was there before the first connection, and is never taken.
  Instant settled = {};  // What arrived before is dealt with, whatever its number was.
  friend bool operator==(const Position&, const Position&) = default;
};

// Whether a kept position is of this numbering.
[[nodiscard]] inline bool same_numbering(Uid kept, Uid now) { return ((kept ^ now) & 0x7fffffff) == 0; }

class MailboxPlace {
 public:
  virtual ~MailboxPlace() = default;
  // None: this mailbox was never read. On the reader's thread, like save().
  [[nodiscard]] virtual Result<std::optional<Position>> load() = 0;
  // Without waiting; durable soon.
  virtual void save(const Position& position) = 0;
  // Whether a crash at this moment would leave a place to go on from.
  [[nodiscard]] virtual Result<bool> outlives_a_crash() = 0;
};

// Marks of the consumer `imap/CONNECTOR`. In `outbound`: UIDVALIDITY * 2^32 + last; in Unix seconds, in `events`: the newest,
// in `control`: begun, in `dead_letters`: settled.
class JournalPlace final : public MailboxPlace {
 public:
  // The journal outlives it.
  JournalPlace(journal::Journal& journal, Partition partition, const std::string& connector)
      : journal_(journal), partition_(partition), consumer_("imap/" + connector) {}

  [[nodiscard]] Result<std::optional<Position>> load() override;
  void save(const Position& position) override;
  [[nodiscard]] Result<bool> outlives_a_crash() override;

 private:
  journal::Journal& journal_;
  const Partition partition_;
  const std::string consumer_;
};

}  // namespace usher::connectors::email::imap
