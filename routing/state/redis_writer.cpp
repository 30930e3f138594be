// RedisWriter: a queue and a thread.
#include "routing/state/redis_writer.hpp"

#include "routing/state/redis_limits.hpp"

namespace usher::state {

RedisWriter::RedisWriter(RedisDialer& dialer)
    : line_(dialer),
      target_{line_, dialer.options().key_prefix, dialer.options().answer_within, stopping_, dialer.options().transaction_bytes_min},
      thread_([this] { run(); }) {}

RedisWriter::~RedisWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool RedisWriter::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= redis_limits::jobs_max) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void RedisWriter::run() {
  const Error closing = fail(Fault::unavailable, "the store is being closed");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job(target_, stopping_ ? &closing : nullptr);
    lock.lock();
  }
}

}  // namespace usher::state
