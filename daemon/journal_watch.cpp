// See journal_watch.hpp.
#include "daemon/journal_watch.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace usher::daemon {
namespace {

using Steady = std::chrono::steady_clock;
// One question may be lost when a broker hands its partitions over, which is no outage.
constexpr int silent_questions = 2;
// Without traffic nothing would ever say that writing works again: after so long the next append may try.
constexpr auto refusal_shown = std::chrono::seconds(5);

}  // namespace

struct JournalWatch::Observer {
  void asked(const Result<journal::Bounds>& answer) {
    const std::lock_guard lock(mutex);
    silent = answer ? 0 : silent + 1;
    if (!answer) why_silent = answer.error().detail;
  }

  void appended(const Result<journal::Appended>& outcome) {
    if (outcome) {
      // On the way of each message: no lock while all is well.
      if (!refusing.load(std::memory_order_relaxed)) return;
      const std::lock_guard lock(mutex);
      refusing = false;
    } else if (outcome.error().fault == Fault::unavailable) {
      const std::lock_guard lock(mutex);
      refusing = true;
      refused_at = Steady::now();
      why_refused = outcome.error().detail;
    }
  }

  [[nodiscard]] std::string trouble() {
    const std::lock_guard lock(mutex);
    if (silent >= silent_questions) return "journal: no answer: " + why_silent;
    if (refusing && Steady::now() - refused_at < refusal_shown) return "journal: nothing is written: " + why_refused;
    return "";
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<bool> refusing{false};
  // Guarded by mutex.
  bool stop = false;
  int silent = 0;
  std::string why_silent, why_refused;
  Steady::time_point refused_at{};
  std::thread thread{};
};

JournalWatch::JournalWatch(journal::Journal& journal, Partition partition, Milliseconds ask_every)
    : journal_(journal), observer_(std::make_shared<Observer>()) {
  observer_->thread = std::thread([this, partition, ask_every, observer = observer_.get()] {
    std::unique_lock lock(observer->mutex);
    while (!observer->stop) {
      lock.unlock();
      observer->asked(journal_.bounds(journal::Stream::inbound, partition));
      lock.lock();
      observer->changed.wait_for(lock, ask_every, [observer] { return observer->stop; });
    }
  });
}

JournalWatch::~JournalWatch() {
  {
    const std::lock_guard lock(observer_->mutex);
    observer_->stop = true;
    observer_->changed.notify_all();
  }
  observer_->thread.join();
}

std::string JournalWatch::trouble() const { return observer_->trouble(); }

void JournalWatch::append(journal::Stream stream, Partition partition, journal::Entry entry, journal::AppendDone done) {
  journal_.append(stream, partition, std::move(entry),
                  [observer = observer_, told = std::move(done)](Result<journal::Appended> outcome) {
                    observer->appended(outcome);
                    told(std::move(outcome));
                  });
}

Result<std::vector<journal::Stored>> JournalWatch::read(journal::Stream stream, Partition partition, Offset from,
                                                        std::size_t records_max) {
  return journal_.read(stream, partition, from, records_max);
}

Result<journal::Bounds> JournalWatch::bounds(journal::Stream stream, Partition partition) {
  return journal_.bounds(stream, partition);
}

void JournalWatch::on_append(journal::Stream stream, Partition partition, std::function<void()> wake) {
  journal_.on_append(stream, partition, std::move(wake));
}

void JournalWatch::save_cursor(const std::string& consumer, journal::Stream stream, Partition partition, Offset next) {
  journal_.save_cursor(consumer, stream, partition, next);
}

Result<std::optional<Offset>> JournalWatch::cursor(const std::string& consumer, journal::Stream stream,
                                                   Partition partition) {
  return journal_.cursor(consumer, stream, partition);
}

Result<std::optional<Offset>> JournalWatch::durable_cursor(const std::string& consumer, journal::Stream stream,
                                                           Partition partition) {
  return journal_.durable_cursor(consumer, stream, partition);
}

}  // namespace usher::daemon
