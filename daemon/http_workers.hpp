// HttpWorkers: threads for request work that blocks on the disk (files of a form, downloads, backups), so that the
// network thread never does. Bounded: what does not fit is refused with 503.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace usher::daemon {

class HttpWorkers {
 public:
  explicit HttpWorkers(std::size_t threads = 3, std::size_t queue_max = 64);
  ~HttpWorkers();  // Finishes what is queued, then joins.
  HttpWorkers(const HttpWorkers&) = delete;
  HttpWorkers& operator=(const HttpWorkers&) = delete;

  // Any thread. False: the queue is full, `work` was not taken.
  [[nodiscard]] bool take(std::function<void()> work);

 private:
  void serve();

  // Constant after construction.
  std::size_t queue_max_;
  // Guarded by mutex_.
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace usher::daemon
