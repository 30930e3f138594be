// See snapshot_maker.hpp: the thread around a SnapshotRound.
#include "routing/router/snapshot_maker.hpp"

#include <mutex>
#include <thread>
#include <utility>

#include "routing/router/bell.hpp"
#include "routing/router/snapshot_round.hpp"

namespace usher::router {

struct SnapshotMaker::Runner {
  Runner(SnapshotOptions given, journal::Journal& journal, state::StateStore& store, const Clock& clock)
      : look_every(given.look_every), round(std::move(given), journal, store, clock, mailbox) {
    mailbox->on_wake([bell = bell] { bell->ring(); });
    thread = std::thread([this] { run(); });
  }

  void run() {
    for (;;) {
      {
        const std::lock_guard lock(mutex);
        if (stopping) return;
        if (std::exchange(asked, false)) round.make_one_now();
      }
      const bool more = round.pump();
      {
        const std::lock_guard lock(mutex);
        status = round.status();
      }
      if (!more) bell->sleep(look_every);
    }
  }

  const Milliseconds look_every;
  const std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  const std::shared_ptr<Bell> bell = std::make_shared<Bell>();
  SnapshotRound round;  // Of the thread alone.
  std::mutex mutex;
  // Guarded by mutex.
  bool stopping = false;
  bool asked = false;
  SnapshotStatus status;
  std::thread thread;
};

SnapshotMaker::SnapshotMaker(SnapshotOptions options, journal::Journal& journal, state::StateStore& store, const Clock& clock)
    : runner_(std::make_unique<Runner>(std::move(options), journal, store, clock)) {}

SnapshotMaker::~SnapshotMaker() { stop(); }

void SnapshotMaker::stop() {
  {
    const std::lock_guard lock(runner_->mutex);
    runner_->stopping = true;
  }
  runner_->bell->ring();
  if (runner_->thread.joinable()) runner_->thread.join();
}

void SnapshotMaker::make_one_now() {
  {
    const std::lock_guard lock(runner_->mutex);
    runner_->asked = true;
  }
  runner_->bell->ring();
}

SnapshotStatus SnapshotMaker::status() const {
  const std::lock_guard lock(runner_->mutex);
  return runner_->status;
}

}  // namespace usher::router
