// What a process has used so far: figures that depend less on how busy the machine is than those of a clock.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "tests/bench/samples.hpp"

namespace usher::bench {

// Of all threads of this process.
inline double cpu_us_now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

inline double p99(std::vector<double> values) {
  if (values.empty()) give_up("nothing was measured");
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * 99 / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace usher::bench
