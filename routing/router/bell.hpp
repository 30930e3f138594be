// Bell: wakes one sleeping thread. Shared by whoever may ring, so a late ring finds a bell even when the sleeper is gone.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "routing/message/instant.hpp"

namespace usher::router {

class Bell {
 public:
  // Any thread. Costs next to nothing while the sleeper has yet to wake from the ring before.
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(rung_, true)) return;
    }
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
