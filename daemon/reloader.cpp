// See reloader.hpp.
#include "daemon/reloader.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace usher::daemon {

struct Reloader::Work {
  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return asked || closed; });
      if (closed) return;
      asked = false;
      // sd_notify(3): with the time at which it began, so that systemd can tell it from an older one.
      const auto began = std::chrono::duration_cast<std::chrono::microseconds>(
          std::chrono::steady_clock::now().time_since_epoch());
      say(lock, "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(began.count()));
      lock.unlock();
      const bool done = reload();
      lock.lock();
      say(lock, done ? "READY=1\nSTATUS=routing" : "READY=1\nSTATUS=the last reload was refused");
    }
  }

  // Under the lock, so that nothing is said after close(): a datagram does not wait for anybody.
  void say(const std::unique_lock<std::mutex>&, const std::string& state) {
    if (!closed) notify(state);
  }

  // Constant after construction.
  std::function<bool()> reload;
  std::function<void(std::string_view)> notify;
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  bool asked = false;
  bool closed = false;
  std::thread thread{};
};

Reloader::Reloader(std::function<bool()> reload, std::function<void(std::string_view)> notify)
    : work_(std::make_unique<Work>()) {
  work_->reload = std::move(reload);
  work_->notify = std::move(notify);
  work_->thread = std::thread([work = work_.get()] { work->run(); });
}

Reloader::~Reloader() {
  close();
  work_->thread.join();
}

void Reloader::ask() {
  const std::lock_guard lock(work_->mutex);
  work_->asked = true;
  work_->changed.notify_all();
}

void Reloader::close() {
  const std::lock_guard lock(work_->mutex);
  work_->closed = true;
  work_->changed.notify_all();
}

}  // namespace usher::daemon
