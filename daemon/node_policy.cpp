// Activating a policy. Control path only: polling here is in no message's way.
#include "daemon/node_policy.hpp"

#include <future>
#include <optional>
#include <thread>

#include "routing/message/wire.hpp"

namespace usher::daemon {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr auto look_again_after = Milliseconds(5);

SteadyTime after(Milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

// What the engine says now; none: the router has none to show, or did not answer.
std::optional<std::string> look(router::RouterThread& router, SteadyTime deadline) {
  // Shared: an answer that comes after we stopped waiting finds it alive.
  auto answer = std::make_shared<std::promise<std::optional<std::string>>>();
  auto seen = answer->get_future();
  router.inspect([answer](const engine::Engine* engine) {
    answer->set_value(engine == nullptr ? std::nullopt : std::optional(engine->policy_hash()));
  });
  if (seen.wait_until(deadline) != std::future_status::ready) return std::nullopt;
  return seen.get();
}

Result<void> append(const PolicyPorts& ports, const Policy& policy, const std::string& parent, SteadyTime deadline) {
  const Record record = PolicyActivated{policy, parent};
  journal::Entry entry{"policy-" + policy_hash(policy), std::string(record_type(record)), encode(record)};
  auto told = std::make_shared<std::promise<Result<void>>>();
  auto outcome = told->get_future();
  ports.journal.append(journal::Stream::inbound, ports.partition, std::move(entry),
                       [told](const Result<journal::Appended>& appended) {
                         told->set_value(appended ? Result<void>() : Result<void>(appended.error()));
                       });
  if (outcome.wait_until(deadline) != std::future_status::ready)
    return fail(Fault::unavailable, "the journal did not take the policy in time");
  return outcome.get();
}

}  // namespace

Result<std::string> current_policy(const PolicyPorts& ports, Milliseconds wait) {
  const auto deadline = after(wait);
  for (;;) {
    const auto hash = look(ports.router, deadline);
    if (hash) return *hash;
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Fault::unavailable, "the router does not answer: " + ports.router.status().reason);
    std::this_thread::sleep_for(look_again_after);
  }
}

Result<bool> activate_policy(const PolicyPorts& ports, const Policy& policy, Milliseconds wait) {
  const auto deadline = after(wait);
  const auto wanted = policy_hash(policy);
  const auto parent = current_policy(ports, wait);
  if (!parent) return parent.error();
  if (*parent == wanted) return false;
  const auto appended = append(ports, policy, *parent, deadline);
  if (!appended) return appended.error();
  for (;;) {
    const auto now = look(ports.router, deadline);
    if (now && *now == wanted) return true;
    // Somebody else's policy came between: ours was void (rule P1).
    if (now && *now != *parent) return fail(Fault::conflict, "another policy was activated meanwhile; reload again");
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Fault::unavailable, "the policy is in the journal, but the router has not read it yet");
    std::this_thread::sleep_for(look_again_after);
  }
}

Result<void> wait_until_routing(const router::RouterThread& router, Milliseconds wait) {
  const auto deadline = after(wait);
  for (;;) {
    const auto status = router.status();
    if (status.phase == router::Phase::routing) return {};
    if (status.phase == router::Phase::failed || status.phase == router::Phase::stopped)
      return fail(Fault::unavailable, "the router cannot go on: " + status.reason);
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Fault::unavailable, "the router did not start in time: " + status.reason);
    std::this_thread::sleep_for(look_again_after);
  }
}

}  // namespace usher::daemon
