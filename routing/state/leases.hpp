// Leases: the port for what is held for a while by one process of several: a partition (rule O2), a gateway's address
// (rule A1), a connector's egress (rule E5), a mailbox (rule I3). A lease only decides who should try; what makes trying
// safe is elsewhere (epochs in the log, positions in the store, keys of repeats).
//
// Contract, proved for every adapter by tests/state: one holder at a time; a lease that is not renewed is gone after its
// time by the store's clock; calls wait for limits::state_answer_within at most. Any thread.
#pragma once

#include <string>
#include <vector>

#include "routing/message/instant.hpp"
#include "routing/message/result.hpp"

namespace usher::state {

using namespace usher::message;

struct Lease {
  std::string name;    // partition/0, gateway/0/3fa9…, egress/shop
  std::string holder;  // Of one process's life: never used again.
  std::string value;   // What others want to know: an address, a version.
  friend bool operator==(const Lease&, const Lease&) = default;
};

class Leases {
 public:
  virtual ~Leases() = default;
  // Takes it or renews it with a new value, for `time` from now. False: another holds it.
  [[nodiscard]] virtual Result<bool> hold(const Lease& lease, Milliseconds time) = 0;
  // Gives it back, if `holder` has it.
  [[nodiscard]] virtual Result<void> release(const std::string& name, const std::string& holder) = 0;
  // Those held now whose name begins with `prefix`, by name.
  [[nodiscard]] virtual Result<std::vector<Lease>> held(const std::string& prefix) = 0;
};

}  // namespace usher::state
