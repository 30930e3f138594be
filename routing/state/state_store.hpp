// StateStore: the port. The tracked result of the journal up to one offset; every commit is one atomic operation.
//
// Contract, proved for every adapter by tests/state/contract:
//  - commit() applies everything or nothing, compared against (epoch, offset) (rule S1). `conflict`: the stored position is
//    not `before` (another router wrote, or the store was wiped); nothing was changed. `unavailable`: unknown; load_meta()
//    tells whether the position is already `after` (then it was applied).
//  - commit() is asynchronous; `done` runs exactly once on a thread of the store's. A caller may have
//    commits_in_flight_max() in flight, each `before` being `after` of the one before it: they are tried, and answered, in
//    the order of the calls, so that one is applied only if those before it were. Only `unavailable` may come out of turn, from a store that is
//    full or closing.
//  - commit() may answer `malformed`: what is stored is visibly damaged (entities are missing). Nothing was changed, and
//    only rewrite() helps.
//  - What was committed survives as the adapter promises, and is visible to a StateReader before `done` runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "routing/engine/step.hpp"
#include "routing/journal/journal.hpp"
#include "routing/message/limits.hpp"

namespace usher::state {

using namespace usher::message;
using engine::Change;
using engine::Digest;
using engine::Entity;
using journal::Stream;

// Where in the log a store stands. Both offset_none: a store just initialised, before the first record.
struct Position {
  Offset epoch = offset_none;
  Offset offset = offset_none;
  friend bool operator==(const Position&, const Position&) = default;
};

struct Meta {
  Position position;
  Hash128 fingerprint;  // Of the record at position.offset (rule J2).
  Digest digest;        // Of all entities (rule S2).
  friend bool operator==(const Meta&, const Meta&) = default;
};

// The text of a message, reply or note (rule S5): JSON, written once.
struct Body {
  ConversationId conversation;
  std::uint32_t sequence = 0;  // Order within the conversation.
  MessageId id;
  std::string json;
  // The inbound record whose value is `json`, byte for byte; offset_none: it stands nowhere else. A store that is also the
  // journal may keep only this. Readers return the json always, the offset never.
  Offset offset = offset_none;
  // Readers are not given what stands there under this id, so it is replaced. Only for an owner that has looked. Without it, and
  // in adapters that do not check texts, what is there stays.
  bool replaces = false;
  friend bool operator==(const Body&, const Body&) = default;
};

// An effect bound for a journal stream (rule E3). Position: (offset, index) of the record that caused it.
struct OutboxEntry {
  Offset offset = offset_none;
  std::uint32_t index = 0;
  Stream stream = Stream::outbound;
  journal::Entry entry;
  friend bool operator==(const OutboxEntry&, const OutboxEntry&) = default;
};

struct Commit {
  Partition partition = 0;
  // Journal::early_losses() when the state was loaded that this goes on from. `conflict` when it has grown since.
  std::uint64_t early_losses = 0;
  Position before;
  Meta after;
  std::vector<Change> changes;      // In order; later ones win.
  std::vector<Body> bodies;
  std::vector<ConversationId> bodies_gone;  // All bodies of these conversations are erased.
  std::vector<OutboxEntry> outbox;
  std::optional<Offset> outbox_done;  // Entries caused by records up to this offset are published: drop them.
};

// The whole state anew, from a router's memory or a snapshot (rule S2): entities, and with them bodies and outbox, replace
// whatever is there. Adapters may stage it in pieces that nobody sees, and then flip in one operation.
struct Rewrite {
  Partition partition = 0;
  std::uint64_t early_losses = 0;  // As Commit::early_losses.
  // What must stand there at the flip; none: no state at all. A damaged state is named by the position that it claims.
  std::optional<Position> before;
  // What stands there must be no state that can be read, so that it names no position either (load_meta() says `malformed`);
  // `before` is not looked at. Only for an owner that has read its claim back and the log to its end, or that begins anew.
  bool over_damage = false;
  Meta after;
  std::vector<Entity> entities;
  std::vector<Body> bodies;        // Added to those that are there: texts are written once and never wrong.
  std::vector<OutboxEntry> outbox; // The whole outbox.
};

struct CommitReceipt {
  // True: the store is also the journal and has put the outbox entries into their streams within this very commit, so
  // there is nothing left to publish and nothing to trim.
  bool outbox_published = false;
};
using CommitDone = std::function<void(Result<CommitReceipt>)>;

// Part of a walk through the conversations that have texts.
struct TextsPage {
  std::vector<ConversationId> conversations;
  std::string next;  // Where the walk goes on; empty: this was the end.
};

struct Loaded {
  Meta meta;
  std::vector<Entity> entities;      // Sorted by (table, key).
  std::vector<OutboxEntry> outbox;   // Not yet trimmed, in (offset, index) order.
};

// Read-only, for gateways, edges and egress: any thread. A text that is not what was written there is no text: it is left out
// as one that is missing (checks_texts() says whether the adapter can tell).
class StateReader {
 public:
  virtual ~StateReader() = default;
  // The newest `limit` bodies of a conversation with sequence < before, oldest first.
  [[nodiscard]] virtual Result<std::vector<Body>> bodies(Partition partition, ConversationId conversation,
                                                         std::uint32_t before, std::size_t limit) = 0;
  [[nodiscard]] virtual Result<std::optional<Body>> body(Partition partition, MessageId id) = 0;
  [[nodiscard]] virtual Result<std::optional<std::string>> entity(Partition partition, const std::string& table,
                                                                  const std::string& key) = 0;
};

class StateStore : public StateReader {
 public:
  // Creates an empty state at Position{}. `conflict` when there is one already.
  [[nodiscard]] virtual Result<void> initialise(Partition partition) = 0;
  // None: never initialised (or wiped). `malformed`: something stands there that does not say where it stands.
  [[nodiscard]] virtual Result<std::optional<Meta>> load_meta(Partition partition) = 0;
  // `malformed`: what is stored is visibly damaged, as by effects that are missing from the outbox.
  [[nodiscard]] virtual Result<Loaded> load(Partition partition) = 0;
  // The outbox of load() alone. Adapters that need not read everything for it override this.
  [[nodiscard]] virtual Result<std::vector<OutboxEntry>> outbox(Partition partition) {
    auto loaded = load(partition);
    if (!loaded) return loaded.error();
    return std::move(loaded->outbox);
  }
  virtual void commit(Commit commit, CommitDone done) = 0;
  // How many commits of one caller may be in flight.
  [[nodiscard]] virtual std::size_t commits_in_flight_max() const { return limits::commits_in_flight_max; }
  // As commit(): asynchronous, all or nothing, `conflict` when `before` is not what stands there. Not counted against the
  // caps of a batch.
  virtual void rewrite(Rewrite rewrite, CommitDone done) = 0;
  // A walk through the conversations that have texts, for an owner whose store was lost: those that nobody knows any more
  // are to be erased. `from`: empty, or the `next` of the page before. Each that is there during the whole walk is named, some
  // maybe twice. `limit` is about how much is looked at for a page, which may be empty without being the last.
  [[nodiscard]] virtual Result<TextsPage> texts_held(Partition partition, const std::string& from, std::size_t limit) = 0;
  // True: a text that was changed behind the store's back is not given out, so its owner has to look for such.
  [[nodiscard]] virtual bool checks_texts() const { return false; }
  // Rule X1: counts how often a router began at this offset, outside engine state. Returns the count, this one included.
  [[nodiscard]] virtual Result<int> count_attempt(Partition partition, Offset at) = 0;
};

}  // namespace usher::state
