// UploadQuota: how many bytes one agent may upload in a day. Uploads are kept for good, so this is what bounds how fast a
// token that leaked, or a program that repeats itself, fills the disk. In memory, of this process: a restart forgets.
// The loop's thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>

#include "routing/message/ids.hpp"
#include "routing/message/instant.hpp"

namespace usher::daemon {

class UploadQuota {
 public:
  // Zero: taken, and counted. Else nothing is counted, and the day is over after so long. The day begins with a first
  // upload and is everybody's, so that no more is remembered than who uploaded in it. `now` is monotonic.
  [[nodiscard]] message::Milliseconds take(const message::AgentId& agent, std::uint64_t bytes, std::uint64_t bytes_max,
                                           message::Milliseconds now) {
    if (used_.empty() || now - began_ >= day) {
      used_.clear();
      began_ = now;
    }
    auto& used = used_[agent];
    if (bytes > bytes_max - std::min(used, bytes_max)) return began_ + day - now;
    used += bytes;
    return message::Milliseconds{0};
  }

 private:
  static constexpr message::Milliseconds day = std::chrono::hours(24);
  message::Milliseconds began_{0};
  std::map<message::AgentId, std::uint64_t> used_;
};

}  // namespace usher::daemon
