// SentCopies: one thread, one mail at a time.
#include "connectors/sent_copies.hpp"

#include "routing/message/limits.hpp"

namespace usher::connectors {

SentCopies::SentCopies(KeepCopy keep, Milliseconds finish_within) : keep_(std::move(keep)), finish_within_(finish_within) {
  if (keep_) thread_ = std::thread([this] { work(); });
}

SentCopies::~SentCopies() {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, finish_within_, [&] { return !busy_; });
  }
  stop_.request_stop();  // A server may take minutes, and the process is to end.
  if (thread_.joinable()) thread_.join();
}

void SentCopies::keep(MailPost post) {
  if (!keep_) return;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= limits::sent_copies_waiting_max || waiting_bytes_ + post.bytes.size() > limits::sent_copies_bytes_max) {
    ++figures_.dropped;
    return;
  }
  waiting_bytes_ += post.bytes.size();
  waiting_.push_back(std::move(post));
  changed_.notify_all();
}

CopyFigures SentCopies::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void SentCopies::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const MailPost post = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= post.bytes.size();
    busy_ = true;
    lock.unlock();
    const auto kept = keep_(post, stop_.get_token());
    lock.lock();
    busy_ = false;
    changed_.notify_all();
    if (kept) ++figures_.kept;
    else ++figures_.failed;
    figures_.trouble = kept ? std::string() : kept.error().detail;
  }
}

}  // namespace usher::connectors
