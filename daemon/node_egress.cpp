// See node_egress.hpp. Two processes may send for a moment, when one was stopped and its lease ran out: then an attempt is
// repeated with its own id, which is what a crash leaves too.
#include "daemon/node_egress.hpp"

#include "daemon/logging.hpp"
#include "routing/message/limits.hpp"

namespace usher::daemon {
namespace {

connectors::EgressStatus sum(const connectors::EgressStatus& before, connectors::EgressStatus now) {
  now.sent += before.sent;
  now.deferred += before.deferred;
  now.failed += before.failed;
  now.unreadable += before.unreadable;
  if (now.last_error.empty()) now.last_error = before.last_error;
  return now;
}

}  // namespace

EgressPost::EgressPost(Partition partition, connectors::Egress::Ports ports, std::vector<connectors::Instance> instances,
                       bool allow_private_addresses, state::Leases* leases, const std::string& holder, connectors::MailHooks hooks)
    : partition_(partition),
      ports_(ports),
      allow_private_addresses_(allow_private_addresses),
      hooks_(std::move(hooks)),
      one_of_several_(leases != nullptr),
      instances_(std::move(instances)) {
  if (!one_of_several_) {
    begin();
    return;
  }
  lease_ = std::make_unique<HeldLease>(*leases, state::Lease{"egress/" + std::to_string(partition), holder, ""},
                                       Milliseconds(limits::egress_lease),
                                       LeaseEvents{[this] { begin(); }, [this] { end(); }});
}

EgressPost::~EgressPost() { stop(); }

void EgressPost::stop() {
  // With `lost`, so that the attempts under way are reported before another process begins.
  if (lease_) lease_->give_back();
  end();
}

void EgressPost::begin() {
  const std::lock_guard lock(mutex_);
  egress_ = std::make_unique<connectors::Egress>(partition_, ports_, instances_, allow_private_addresses_, hooks_);
  if (one_of_several_) log_info("egress", "sends from here");
}

void EgressPost::end() {
  std::unique_ptr<connectors::Egress> ending;
  {
    const std::lock_guard lock(mutex_);
    ending = std::move(egress_);
    if (ending) before_ = sum(before_, ending->status());
  }
}

void EgressPost::use(std::vector<connectors::Instance> instances) {
  const std::lock_guard lock(mutex_);
  instances_ = std::move(instances);
  if (egress_) egress_->use(instances_);
}

bool EgressPost::here() const {
  const std::lock_guard lock(mutex_);
  return egress_ != nullptr;
}

EgressFigures EgressPost::figures() const {
  const std::lock_guard lock(mutex_);
  if (egress_) return {true, sum(before_, egress_->status())};
  auto over = before_;
  over.pending = 0;
  over.trouble.clear();
  return {false, std::move(over)};
}

}  // namespace usher::daemon
