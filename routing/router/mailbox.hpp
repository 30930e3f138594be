// Mailbox: how completions on the journal's and the store's threads reach the router's thread. The only lock here.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace usher::router {

class Mailbox {
 public:
  // Any thread.
  void post(std::function<void()> letter) {
    std::shared_ptr<const std::function<void()>> wake;
    {
      const std::lock_guard lock(mutex_);
      letters_.push_back(std::move(letter));
      wake = wake_;
    }
    if (wake) (*wake)();
  }
  // Any thread: nothing to say, but look again.
  void knock() {
    std::shared_ptr<const std::function<void()>> wake;
    {
      const std::lock_guard lock(mutex_);
      wake = wake_;
    }
    if (wake) (*wake)();
  }
  void on_wake(std::function<void()> wake) {
    auto shared = std::make_shared<const std::function<void()>>(std::move(wake));
    const std::lock_guard lock(mutex_);
    wake_ = std::move(shared);
  }
  // Router's thread: runs what came, in order. False when there was nothing.
  bool open() {
    std::vector<std::function<void()>> letters;
    {
      const std::lock_guard lock(mutex_);
      letters.swap(letters_);
    }
    for (auto& letter : letters) letter();
    return !letters.empty();
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::function<void()>> letters_;
  std::shared_ptr<const std::function<void()>> wake_;  // Shared: copied for every letter.
};

}  // namespace usher::router
