// LiveGateways: which desk gateways are alive, by their leases, asked for again and again so that a router's thread need not
// wait (rule A1). Says nothing rather than something old: whoever is missing here loses its sessions.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routing/message/ids.hpp"
#include "routing/state/leases.hpp"

namespace usher::daemon {

using namespace usher::message;

// Of one partition: another tenant's gateways are nobody's business.
[[nodiscard]] inline std::string gateway_prefix(Partition partition) { return "gateway/" + std::to_string(partition) + "/"; }
// A list is at most so old. A gateway takes sessions only when its lease is older than that: it is in every list then. Or when
// the owner is a router of its own process and has it in its list.
inline constexpr auto gateway_list_age_max = Milliseconds(1'500);

class LiveGateways {
 public:
  // The store outlives it. Looks every `look_every`; `settle`: after a failed look, or at the start, all leases get so
  // long to be renewed before a missing one counts.
  LiveGateways(state::Leases& leases, Partition partition, Milliseconds look_every, Milliseconds settle);
  ~LiveGateways();

  // Any thread, without waiting.
  [[nodiscard]] std::optional<std::set<GatewayId>> now() const;
  // Whether the newest list has it, also while a missing one does not count.
  [[nodiscard]] bool lists(const GatewayId& gateway) const;
  // Does not wait for the next turn.
  void look_soon();

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

// Asks the store: gateways and where they listen. May wait.
[[nodiscard]] Result<std::vector<std::pair<GatewayId, std::string>>> gateway_addresses(state::Leases& leases,
                                                                                       Partition partition);

}  // namespace usher::daemon
