// MemoryLeases: the port of leases inside one process, on an injected clock; for tests and the embedded form.
#pragma once

#include <map>
#include <mutex>

#include "routing/state/leases.hpp"

namespace usher::state {

class MemoryLeases final : public Leases {
 public:
  // `clock` outlives it.
  explicit MemoryLeases(const Clock& clock) : clock_(clock) {}
  [[nodiscard]] Result<bool> hold(const Lease& lease, Milliseconds time) override;
  [[nodiscard]] Result<void> release(const std::string& name, const std::string& holder) override;
  [[nodiscard]] Result<std::vector<Lease>> held(const std::string& prefix) override;

 private:
  struct Held {
    Lease lease;
    Milliseconds until{0};  // On the steady clock.
  };
  // Requires: mutex_ is held.
  void forget_those_over();

  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Held> held_;
};

}  // namespace usher::state
