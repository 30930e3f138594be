// Journal: the port. Ordered, durable streams by partition; the truth everything else is derived from.
//
// Contract, proved for every adapter by tests/journal/contract:
//  - append() is asynchronous: `done` runs exactly once, on a thread of the journal's, with the offset once the record is
//    as durable as the adapter promises, or with an error: `unavailable` (nothing was acknowledged; it may or may not be
//    found later), `overloaded` (the queue of limits.hpp is full), `too_large`. The last two are known at once: `done`
//    then runs on the caller's thread before append() returns, so a caller holds no lock that `done` takes.
//  - Appends of one caller thread to one (stream, partition) keep their order. Offsets grow and are never reused, gaps allowed.
//  - append time is given by the journal, never decreases within a partition and goes on while the wall clock is set back.
//  - read() never waits for new records; it returns what is there. `on_append` tells when to look again. An adapter on a
//    network may wait for a record that it knows to be there, for limits::journal_read_within at most; empty always means
//    that the end was reached.
//  - A record is returned byte for byte, poison or not.
//  - read_early() may also give records that are handed in and not durable yet, for a reader whose own writes go to the disk
//    behind them. They keep their offsets and times. When one of them turns out not to be there, early_losses() has grown
//    before anything is told of it: whatever was made of early records until then is void.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"
#include "routing/message/result.hpp"
#include "routing/message/siphash.hpp"

namespace usher::journal {

using namespace usher::message;

// In `snapshots` a record replaces the older ones of its id once the adapter compacts, and an empty value erases them;
// the other streams keep every record until it is too old.
enum class Stream { inbound, outbound, events, dead_letters, control, snapshots };
inline constexpr int stream_count = 6;
[[nodiscard]] std::string_view stream_name(Stream stream);

struct Entry {
  std::string id;     // CloudEvents id; of an effect: its effect id.
  std::string type;   // CloudEvents type: usher.message.received.v1, ...
  std::string value;  // JSON.
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Stored {
  Offset offset = offset_none;
  Instant appended_at;
  Entry entry;
  friend bool operator==(const Stored&, const Stored&) = default;
};

struct Bounds {
  Offset first = 0;  // The oldest offset that can still be read, or `end` when empty.
  Offset end = 0;    // Larger than every offset given so far.
};

// Which log the inbound stream is (rule J2). A log that was made anew, or that lost its end, goes on as the next incarnation
// of its partition, in offsets of its own that are larger than all before: continued_journal.hpp.
struct Incarnation {
  Offset number = 0;           // 0: the first log, which joins none.
  Offset after = offset_none;  // The last offset that was applied of the one before …
  Hash128 mark;                // … and the fingerprint of the record there.
  Offset begins = 0;           // The first record of this log that counts, as the log itself numbers it.
  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

struct Appended {
  Offset offset = offset_none;
  Instant appended_at;
};

using AppendDone = std::function<void(Result<Appended>)>;

class Journal {
 public:
  virtual ~Journal() = default;

  virtual void append(Stream stream, Partition partition, Entry entry, AppendDone done) = 0;

  // Up to `records_max` records with offset >= from, in order. Empty: none yet. `not_found`: `from` is below
  // Bounds::first (rule J2: the caller fails closed, never skips).
  [[nodiscard]] virtual Result<std::vector<Stored>> read(Stream stream, Partition partition, Offset from,
                                                         std::size_t records_max) = 0;
  [[nodiscard]] virtual Result<Bounds> bounds(Stream stream, Partition partition) = 0;

  // Of `inbound`. Constant for the life of the journal.
  [[nodiscard]] virtual Incarnation incarnation(Partition) const { return {}; }

  // `wake` runs, on any thread, after records became readable in `stream`. It must only post or notify.
  virtual void on_append(Stream stream, Partition partition, std::function<void()> wake) = 0;

  // Of `inbound`, for a router whose store refuses commits that rest on lost ones (Commit::early_losses). By default what is durable.
  [[nodiscard]] virtual Result<std::vector<Stored>> read_early(Partition partition, Offset from, std::size_t records_max) {
    return read(Stream::inbound, partition, from, records_max);
  }
  [[nodiscard]] virtual std::uint64_t early_losses() const { return 0; }
  // As on_append() of `inbound`, for read_early().
  virtual void on_early(Partition partition, std::function<void()> wake) { on_append(Stream::inbound, partition, std::move(wake)); }

  // A durable mark of a named consumer (egress): where it goes on after a restart. None: never saved.
  virtual void save_cursor(const std::string& consumer, Stream stream, Partition partition, Offset next) = 0;
  [[nodiscard]] virtual Result<std::optional<Offset>> cursor(const std::string& consumer, Stream stream,
                                                             Partition partition) = 0;
  // What a crash at this moment would leave of it: the newest, or an older one or none while saving is under way.
  [[nodiscard]] virtual Result<std::optional<Offset>> durable_cursor(const std::string& consumer, Stream stream,
                                                                     Partition partition) = 0;
};

}  // namespace usher::journal
