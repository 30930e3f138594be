// See router_thread.hpp. The thread sleeps until a letter comes, something is due, or somebody wants to look.
#include "routing/router/router_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace usher::router {

struct RouterThread::Runner {
  Runner(RouterOptions options, Router::Ports ports) : router(std::move(options), ports) {
    router.on_wake([this] {
      const std::lock_guard lock(mutex);
      woken = true;
      wake.notify_one();
    });
    thread = std::thread([this] { run(); });
  }

  void run() {
    for (;;) {
      const auto wait = router.pump();
      show();
      std::unique_lock lock(mutex);
      status = router.status();
      if (stopping) router.stop();
      if (stopping && router.drained()) {
        drained = true;
        status.phase = Phase::stopped;
        status.reason = "stopped";
        wake.notify_all();
        return;
      }
      if (wait.count() > 0) wake.wait_for(lock, wait, [this] { return woken || !looks.empty() || (stopping && !told); });
      told = stopping;
      woken = false;
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

  Router router;  // Of the thread alone.
  std::mutex mutex;
  std::condition_variable wake;
  // Guarded by mutex.
  bool woken = false;
  bool stopping = false;
  bool told = false;
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
  runner_->wake.notify_one();
}

RouterStatus RouterThread::status() const {
  const std::lock_guard lock(runner_->mutex);
  return runner_->status;
}

void RouterThread::stop() {
  {
    const std::lock_guard lock(runner_->mutex);
    runner_->stopping = true;
    runner_->wake.notify_one();
  }
  if (runner_->thread.joinable()) runner_->thread.join();
  runner_->show();  // Who asked last still gets an answer.
}

}  // namespace usher::router
