// SentCopies: what happens with a mail once a server has taken it, on a thread of its own and in its own time: a copy into
// the folder of sent mail, for example. Best effort: a bounded queue, and what does not fit or fails is counted and left.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "connectors/connector.hpp"

namespace usher::connectors {

// May block for as long as a server takes, and no longer than a moment once `stop` is asked for.
using KeepCopy = std::function<Result<void>(const MailPost& post, const std::stop_token& stop)>;

struct CopyFigures {
  std::uint64_t kept = 0, failed = 0, dropped = 0;
  std::string trouble;  // Of the newest one that failed; empty: the newest one was kept.
};

// For the copy under way when this process ends.
inline constexpr Milliseconds copy_finish_within{5'000};

class SentCopies {
 public:
  // An empty `keep`: nothing is kept, and there is no thread.
  explicit SentCopies(KeepCopy keep, Milliseconds finish_within = copy_finish_within);
  // Gives the one under way its time and then asks it to stop; the others are left.
  ~SentCopies();

  // Any thread. Never waits.
  void keep(MailPost post);
  [[nodiscard]] CopyFigures figures() const;

 private:
  void work();

  const KeepCopy keep_;
  const Milliseconds finish_within_;
  std::stop_source stop_;  // Any thread.
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  std::deque<MailPost> waiting_;
  std::size_t waiting_bytes_ = 0;
  CopyFigures figures_;
  bool stopping_ = false, busy_ = false;
  std::thread thread_;
};

}  // namespace usher::connectors
