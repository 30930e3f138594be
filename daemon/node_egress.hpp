// EgressPost: the way back to customers, as one process of several has it: only while it holds the lease
// `egress/PARTITION` (rule E5). Embedded: always. Any thread.
#pragma once

#include <memory>
#include <mutex>

#include "connectors/egress.hpp"
#include "daemon/node_lease.hpp"

namespace usher::daemon {

// For readiness and metrics. The counts are of this process, over all times that it was the one that sends.
struct EgressFigures {
  bool here = false;
  connectors::EgressStatus status{};
};

class EgressPost {
 public:
  // All of Ports outlive it, and so do the leases; null: nobody else could send.
  EgressPost(Partition partition, connectors::Egress::Ports ports, std::vector<connectors::Instance> instances,
             bool allow_private_addresses, state::Leases* leases, const std::string& holder, connectors::MailHooks hooks);
  ~EgressPost();
  // Reports what is under way, then another process may send; this one no more. Figures stay.
  void stop();

  void use(std::vector<connectors::Instance> instances);
  // This process is the one that sends.
  [[nodiscard]] bool here() const;
  [[nodiscard]] EgressFigures figures() const;

 private:
  void begin();
  void end();

  const Partition partition_;
  const connectors::Egress::Ports ports_;
  const bool allow_private_addresses_;
  const connectors::MailHooks hooks_;
  const bool one_of_several_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<connectors::Instance> instances_;
  std::unique_ptr<connectors::Egress> egress_;
  connectors::EgressStatus before_{};  // Counts of the times that are over.
  // Last, so that it ends first: its events use what is above.
  std::unique_ptr<HeldLease> lease_;
};

}  // namespace usher::daemon
