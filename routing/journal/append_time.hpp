// AppendTime: the time an embedded journal writes on its records (rule J4). It never decreases, and while the wall
// clock is behind (it was set back, or the machine restarted with a wrong clock) it goes on at the pace of the steady
// clock. Owned by the one thread, or guarded by the one mutex, that gives offsets.
#pragma once

#include <algorithm>

#include "routing/message/instant.hpp"

namespace usher::journal {

using namespace usher::message;

class AppendTime {
 public:
  explicit AppendTime(const Clock& clock) : clock_(clock), ahead_(read_ahead()) {}

  // No record will be given a time before `last`: the newest one found when the journal was opened.
  void not_before(Instant last) { ahead_ = std::max(ahead_, last.time_since_epoch() - clock_.steady()); }

  [[nodiscard]] Instant next() {
    // The distance between the clocks only grows, so the sum cannot decrease: one comparison covers every step of the
    // wall clock, forward or back.
    ahead_ = std::max(ahead_, read_ahead());
    last_ = std::max(last_, Instant{clock_.steady() + ahead_});
    return last_;
  }

 private:
  [[nodiscard]] Milliseconds read_ahead() const { return clock_.wall().time_since_epoch() - clock_.steady(); }

  const Clock& clock_;
  Milliseconds ahead_;  // Wall less steady, the largest ever seen.
  Instant last_{Milliseconds{0}};
};

}  // namespace usher::journal
