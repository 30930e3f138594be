// Bell: wakes one sleeping thread. Shared by whoever may ring, so a late ring finds a bell even when the sleeper is gone.
#pragma once

#include <condition_variable>
#include <mutex>

#include "routing/message/instant.hpp"

namespace usher::router {

class Bell {
 public:
  // Any thread.
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    wake_.notify_one();
  }
  // The sleeper: until the next ring, or one since the last sleep, or `at_most`.
  void sleep(message::Milliseconds at_most) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, at_most, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool rung_ = false;  // Guarded by mutex_.
};

}  // namespace usher::router
