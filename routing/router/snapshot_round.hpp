// SnapshotRound: the inside of SnapshotMaker without its thread: passive, so that the simulation can run it step by step.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "routing/router/replica.hpp"
#include "routing/router/snapshot.hpp"
#include "routing/router/snapshot_maker.hpp"

namespace usher::router {

class SnapshotRound {
 public:
  SnapshotRound(SnapshotOptions options, journal::Journal& journal, state::StateStore& store, const Clock& clock,
                std::shared_ptr<Mailbox> mailbox)
      : options_(std::move(options)),
        journal_(journal),
        store_(store),
        clock_(clock),
        mailbox_(std::move(mailbox)),
        replica_(journal, store, options_.partition),
        writer_(journal, options_.partition, mailbox_) {}

  // Does what can be done now. True: call again at once.
  [[nodiscard]] bool pump();
  void make_one_now() { due_at_ = clock_.steady(); }
  [[nodiscard]] const SnapshotStatus& status() const { return status_; }

 private:
  [[nodiscard]] bool follow();
  void write();
  [[nodiscard]] bool say(std::string trouble);

  const SnapshotOptions options_;
  journal::Journal& journal_;
  state::StateStore& store_;
  const Clock& clock_;
  const std::shared_ptr<Mailbox> mailbox_;
  Replica replica_;
  SnapshotWriter writer_;
  std::optional<std::deque<SnapshotPlace>> known_{};  // With a manifest, oldest first.
  SnapshotPlace writing_{};
  std::optional<Milliseconds> due_at_{};
  SnapshotStatus status_;
};

}  // namespace usher::router
