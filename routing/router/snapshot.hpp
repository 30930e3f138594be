// Snapshots (rule X2): the tracked state at one offset, in the snapshots stream, so that a lost store need not be rebuilt
// from the first record ever. Chunks first, the manifest last; what has no manifest does not count. Form: docs/snapshots.md.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "routing/journal/journal.hpp"
#include "routing/router/mailbox.hpp"
#include "routing/state/state_store.hpp"

namespace usher::router {

using namespace usher::message;

struct Snapshot {
  state::Meta meta;
  int owner_version = 0;        // Engine version that goes on from here (rule O3) …
  Offset claimed_at = offset_none;  // … by the claim at this offset; at a barrier it lies behind the snapshot.
  bool drained = false;         // The owner stopped in order at this offset: nobody of its version committed more.
  std::vector<state::Entity> entities;
};

// The newest complete one whose entities add up to its digest, of the newest claim that has one: an owner of before may
// finish one late. None: there is none.
[[nodiscard]] Result<std::optional<Snapshot>> newest_snapshot(journal::Journal& journal, Partition partition);

struct SnapshotPlace {
  Offset claimed_at = offset_none;
  Offset offset = offset_none;
  std::size_t chunks = 0;
  int owner_version = 0;  // As in Snapshot.
};
// Those with a manifest, oldest first.
[[nodiscard]] Result<std::vector<SnapshotPlace>> list_snapshots(journal::Journal& journal, Partition partition);

// Writes one at a time, a few chunks in flight. One thread; completions come by its mailbox.
class SnapshotWriter {
 public:
  // The journal outlives it; on one that keeps completions waiting, so does the mailbox.
  SnapshotWriter(journal::Journal& journal, Partition partition, std::shared_ptr<Mailbox> mailbox)
      : journal_(journal), partition_(partition), mailbox_(std::move(mailbox)) {}

  // Replaces what was being written.
  void begin(Snapshot snapshot);
  // Sends what may be sent now; the manifest only when it may go, too.
  void pump(bool manifest_too = true);
  [[nodiscard]] bool busy() const { return !waiting_.empty() || *in_flight_ > 0; }
  // An append failed: begin() again later. What was written has no manifest and does not count.
  [[nodiscard]] bool failed() const { return *failed_; }
  // The chunks of the last begin(), without the manifest.
  [[nodiscard]] std::size_t chunks() const { return chunks_; }
  // Empties every record of an older one, so that compaction forgets it.
  void forget(const SnapshotPlace& place);

 private:
  void append(journal::Entry entry);

  journal::Journal& journal_;
  const Partition partition_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::deque<journal::Entry> waiting_;
  std::size_t chunks_ = 0;
  std::shared_ptr<int> in_flight_ = std::make_shared<int>(0);
  std::shared_ptr<bool> failed_ = std::make_shared<bool>(false);
};

}  // namespace usher::router
