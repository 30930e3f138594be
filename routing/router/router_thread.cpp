// See router_thread.hpp. The thread sleeps until a letter comes, something is due, or somebody wants to look.
#include "routing/router/router_thread.hpp"

#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "routing/router/bell.hpp"

namespace usher::router {

struct RouterThread::Runner {
  Runner(RouterOptions options, Router::Ports ports) : router(std::move(options), ports) {
    router.on_wake([bell = bell] { bell->ring(); });
    thread = std::thread([this] { run(); });
  }

  void run() {
    for (;;) {
      {
        // Before the round, which may be the last: how long it wants to sleep is said by a router that knows.
        const std::lock_guard lock(mutex);
        if (stopping) router.stop();
      }
      const auto wait = router.pump();
      show();
      {
        const std::lock_guard lock(mutex);
        status = router.status();
        if (stopping && router.drained()) {
          drained = true;
          status.phase = Phase::stopped;
          status.reason = "stopped";
          return;
        }
      }
      if (wait.count() > 0) bell->sleep(wait);
    }
  }

  void show() {
    std::vector<std::function<void(const engine::Engine*)>> now;
    {
      const std::lock_guard lock(mutex);
      now.swap(looks);
    }
    const auto* engine = router.has_engine() ? &router.engine() : nullptr;
    for (auto& look : now) look(engine);
  }

  const std::shared_ptr<Bell> bell = std::make_shared<Bell>();
  Router router;  // Of the thread alone.
  std::mutex mutex;
  // Guarded by mutex.
  bool stopping = false;
  bool drained = false;
  RouterStatus status;
  std::vector<std::function<void(const engine::Engine*)>> looks;
  std::thread thread;
};

RouterThread::RouterThread(RouterOptions options, Router::Ports ports)
    : runner_(std::make_unique<Runner>(std::move(options), ports)) {}

RouterThread::~RouterThread() { stop(); }

void RouterThread::inspect(std::function<void(const engine::Engine*)> look) {
  std::unique_lock lock(runner_->mutex);
  if (runner_->drained) {
    lock.unlock();
    return look(nullptr);
  }
  runner_->looks.push_back(std::move(look));
  lock.unlock();
  runner_->bell->ring();
}

RouterStatus RouterThread::status() const {
  const std::lock_guard lock(runner_->mutex);
  return runner_->status;
}

void RouterThread::stop() {
  {
    const std::lock_guard lock(runner_->mutex);
    runner_->stopping = true;
  }
  runner_->bell->ring();
  if (runner_->thread.joinable()) runner_->thread.join();
  runner_->show();  // Who asked last still gets an answer.
}

}  // namespace usher::router
