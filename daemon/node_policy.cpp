// Activating a policy. Control path only: polling here is in no message's way.
#include "daemon/node_policy.hpp"

#include <algorithm>
#include <future>
#include <optional>
#include <thread>

#include "daemon/logging.hpp"
#include "routing/message/wire.hpp"

namespace usher::daemon {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr auto look_again_after = Milliseconds(5);
constexpr auto first_look_every = Milliseconds(50);
constexpr auto first_within = Milliseconds(5'000);

// How late somebody who waits sees that it should give up.
constexpr auto ask_to_give_up_every = Milliseconds(50);
constexpr auto stopping = "the process is stopping";

// True once it is there; false at the deadline, or when the caller gives up.
template <class Value>
bool arrives(const std::future<Value>& future, const PolicyPorts& ports, SteadyTime deadline) {
  while (!ports.give_up()) {
    const auto now = std::chrono::steady_clock::now();
    if (future.wait_until(std::min(deadline, now + ask_to_give_up_every)) == std::future_status::ready) return true;
    if (now >= deadline) return false;
  }
  return false;
}

SteadyTime after(Milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

// What the engine says now; none: the router has none to show, or did not answer.
std::optional<std::string> look(const PolicyPorts& ports, SteadyTime deadline) {
  // Shared: an answer that comes after we stopped waiting finds it alive.
  auto answer = std::make_shared<std::promise<std::optional<std::string>>>();
  auto seen = answer->get_future();
  ports.router.inspect([answer](const engine::Engine* engine) {
    answer->set_value(engine == nullptr ? std::nullopt : std::optional(engine->policy_hash()));
  });
  if (!arrives(seen, ports, deadline)) return std::nullopt;
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
  if (!arrives(outcome, ports, deadline))
    return fail(Fault::unavailable, ports.give_up() ? stopping : "the journal did not take the policy in time");
  return outcome.get();
}

}  // namespace

Result<std::string> current_policy(const PolicyPorts& ports, Milliseconds wait) {
  const auto deadline = after(wait);
  for (;;) {
    const auto hash = look(ports, deadline);
    if (hash) return *hash;
    if (ports.give_up()) return fail(Fault::unavailable, stopping);
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
    const auto now = look(ports, deadline);
    if (now && *now == wanted) return true;
    if (ports.give_up()) return fail(Fault::unavailable, stopping);
    // Somebody else's policy came between: ours was void (rule P1).
    if (now && *now != *parent) return fail(Fault::conflict, "another policy was activated meanwhile; reload again");
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(Fault::unavailable, "the policy is in the journal, but the router has not read it yet");
    std::this_thread::sleep_for(look_again_after);
  }
}

Result<void> wait_until_routing(const router::RouterThread& router, Milliseconds wait, Milliseconds standby_enough) {
  const auto deadline = after(wait);
  SteadyTime standby_since{};  // The epoch: not standing by.
  for (;;) {
    const auto status = router.status();
    const auto now = std::chrono::steady_clock::now();
    if (status.phase == router::Phase::routing) return {};
    if (status.phase == router::Phase::failed || status.phase == router::Phase::stopped)
      return fail(Fault::unavailable, "the router cannot go on: " + status.reason);
    if (status.phase != router::Phase::standby) standby_since = {};
    else if (standby_since == SteadyTime{}) standby_since = now;
    else if (now - standby_since >= standby_enough) return {};
    if (now >= deadline) return fail(Fault::unavailable, "the router did not start in time: " + status.reason);
    std::this_thread::sleep_for(look_again_after);
  }
}

FirstPolicy::FirstPolicy(PolicyPorts ports, Policy policy) : ports_(ports), policy_(std::move(policy)) {
  ports_.give_up = [this] {
    const std::lock_guard lock(mutex_);
    return stop_;
  };
  thread_ = std::thread([this] { run(); });
}

FirstPolicy::~FirstPolicy() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void FirstPolicy::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const bool done = look();
    lock.lock();
    if (done) return;
    changed_.wait_for(lock, first_look_every, [this] { return stop_; });
  }
}

bool FirstPolicy::look() {
  if (ports_.router.status().phase != router::Phase::routing) return false;
  const auto current = current_policy(ports_, first_within);
  if (!current) return false;
  if (!current->empty()) {
    if (*current != policy_hash(policy_))
      log_warn("config", "the active policy is another than this file's; a reload makes this file's the active one",
               {{"active", *current}, {"file", policy_hash(policy_)}});
    return true;
  }
  const auto activated = activate_policy(ports_, policy_, first_within);
  if (activated) log_info("config", "the first policy is active", {{"policy", policy_hash(policy_)}});
  else log_warn("config", "the first policy is not active yet: " + activated.error().detail);
  return activated.has_value();
}

}  // namespace usher::daemon
