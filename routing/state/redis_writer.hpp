// RedisWriter: the thread all writes go through, one after another, over one connection. Jobs wait in a bounded queue; a
// job that is still waiting when the store is closed is told so, and writes nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "routing/state/redis_writes.hpp"

namespace usher::state {

class RedisWriter {
 public:
  // `dialer` outlives it.
  explicit RedisWriter(RedisDialer& dialer);
  // Finishes the job in hand, tells the others `unavailable`.
  ~RedisWriter();

  // Runs once on the writer's thread, with the error of what could not be tried. False: the queue is full.
  using Job = std::function<void(const RedisTarget&, const Error* refused)>;
  [[nodiscard]] bool post(Job job);

  // Does `work` behind what waits already, and returns what it returned. On the writer's own thread: at once.
  template <class T>
  [[nodiscard]] Result<T> in_turn(const std::function<Result<T>(const RedisTarget&)>& work);

 private:
  void run();

  RedisLine line_;
  std::atomic<bool> stopping_{false};
  const RedisTarget target_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Job> jobs_;

  std::thread thread_;  // Last: it uses all of the above.
};

[[nodiscard]] inline Error writer_is_full() { return fail(Fault::overloaded, "too much waits to be written to Redis"); }

template <class T>
Result<T> RedisWriter::in_turn(const std::function<Result<T>(const RedisTarget&)>& work) {
  if (std::this_thread::get_id() == thread_.get_id()) return work(target_);
  std::mutex mutex;
  std::condition_variable answered;
  bool done = false;
  Result<T> outcome = writer_is_full();
  const bool posted = post([&](const RedisTarget& target, const Error* refused) {
    Result<T> found = refused != nullptr ? Result<T>(*refused) : work(target);
    // Told under the lock: the waiter's own variables end with its wait.
    const std::lock_guard lock(mutex);
    outcome = std::move(found);
    done = true;
    answered.notify_one();
  });
  if (!posted) return outcome;
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return done; });
  return outcome;
}

}  // namespace usher::state
