// Leases as a node holds them: taken, renewed, lost and given back; and which gateways are alive by them.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "daemon/node_gateways.hpp"
#include "daemon/node_lease.hpp"
#include "daemon/node_roles.hpp"
#include "routing/message/instant.hpp"
#include "routing/state/memory_leases.hpp"
#include "tests/message/show_result.hpp"

using namespace usher::daemon;
using usher::state::Lease;

namespace {

// A store that can be cut off.
class CutLeases final : public usher::state::Leases {
 public:
  std::atomic<bool> cut{false};
  std::atomic<int> calls{0};
  Result<bool> hold(const Lease& lease, Milliseconds time) override {
    ++calls;
    if (cut) return fail(Fault::unavailable, "cut");
    return inner_.hold(lease, time);
  }
  Result<void> release(const std::string& name, const std::string& holder) override {
    if (cut) return fail(Fault::unavailable, "cut");
    return inner_.release(name, holder);
  }
  Result<std::vector<Lease>> held(const std::string& prefix) override {
    ++calls;
    if (cut) return fail(Fault::unavailable, "cut");
    return inner_.held(prefix);
  }

 private:
  SystemClock clock_;
  usher::state::MemoryLeases inner_{clock_};
};

// Looks until it is true; false after ten seconds.
template <class Look>
bool comes_true(Look look) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!look()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

constexpr Milliseconds short_time{200};

}  // namespace

TEST_CASE("a lease is renewed for as long as it is wanted, and free at once when it is given back", "[node][rule-O2]") {
  CutLeases leases;
  std::atomic<int> gained{0}, lost{0};
  HeldLease first(leases, {"partition/0", "one", "here"}, short_time, {[&] { ++gained; }, [&] { ++lost; }});
  REQUIRE(first.wait_held(Milliseconds(5'000)));
  HeldLease second(leases, {"partition/0", "two", "there"}, short_time);
  // Three times its time: without renewals the other would have it by then.
  const auto began = std::chrono::steady_clock::now();
  REQUIRE(comes_true([&] { return std::chrono::steady_clock::now() - began > 3 * short_time; }));
  CHECK(first.held());
  CHECK_FALSE(second.held());
  CHECK(first.held_for() >= 2 * short_time);
  CHECK(leases.held("partition/").value() == std::vector<Lease>{{"partition/0", "one", "here"}});
  first.give_back();
  CHECK_FALSE(first.held());
  CHECK(second.wait_held(Milliseconds(5'000)));
  CHECK(gained == 1);
  CHECK(lost == 1);
}

TEST_CASE("a lease whose store is away is held to its end and no longer, and taken again when it is back", "[node]") {
  CutLeases leases;
  std::atomic<int> gained{0}, lost{0};
  HeldLease lease(leases, {"egress/0", "one", ""}, short_time, {[&] { ++gained; }, [&] { ++lost; }});
  REQUIRE(lease.wait_held(Milliseconds(5'000)));
  leases.cut = true;
  const int asked = leases.calls;
  REQUIRE(comes_true([&] { return leases.calls > asked; }));
  REQUIRE(comes_true([&] { return !lease.held(); }));
  REQUIRE(comes_true([&] { return lost == 1; }));
  leases.cut = false;
  CHECK(comes_true([&] { return gained == 2; }));
  CHECK(comes_true([&] { return lease.held(); }));
}

TEST_CASE("gateways are known by their leases, and nothing is said while the store is away", "[node][rule-A1]") {
  CutLeases leases;
  REQUIRE(leases.hold({"gateway/0/a", "one", "tcp://a:1"}, Milliseconds(60'000)).value());
  // Another tenant's: not ours to see.
  REQUIRE(leases.hold({"gateway/1/x", "three", "tcp://x:3"}, Milliseconds(60'000)).value());
  const LiveGateways gateways(leases, 0, Milliseconds(10), Milliseconds(300));
  CHECK_FALSE(gateways.now());  // Others may be about to renew theirs.
  // What it says once it says anything; a moment later the list may be too old.
  std::optional<std::set<GatewayId>> first;
  REQUIRE(comes_true([&] { return (first = gateways.now()).has_value(); }));
  CHECK(*first == std::set{GatewayId("a")});
  REQUIRE(leases.hold({"gateway/0/b", "two", "tcp://b:2"}, Milliseconds(60'000)).value());
  CHECK(comes_true([&] { return gateways.now() == std::set{GatewayId("a"), GatewayId("b")}; }));
  REQUIRE(leases.release("gateway/0/a", "one"));
  CHECK(comes_true([&] { return gateways.now() == std::set{GatewayId("b")}; }));
  leases.cut = true;
  CHECK(comes_true([&] { return !gateways.now(); }));
  leases.cut = false;
  CHECK(comes_true([&] { return gateways.now().has_value(); }));
  const std::vector<std::pair<GatewayId, std::string>> addresses{{GatewayId("b"), "tcp://b:2"}};
  CHECK(gateway_addresses(leases, 0).value() == addresses);
}

TEST_CASE("a gateway that is looked for is in the list at once, also while a missing one does not count", "[node][rule-A1]") {
  CutLeases leases;
  LiveGateways gateways(leases, 0, Milliseconds(3'600'000), Milliseconds(3'600'000));
  REQUIRE(leases.hold({"gateway/0/a", "one", "tcp://a:1"}, Milliseconds(60'000)).value());
  gateways.look_soon();
  CHECK(comes_true([&] { return gateways.lists(GatewayId("a")); }));
  CHECK_FALSE(gateways.now());
  CHECK_FALSE(gateways.lists(GatewayId("b")));
  // What was in a list that is too old may be gone.
  CHECK(comes_true([&] { return !gateways.lists(GatewayId("a")); }));
  leases.cut = true;
  gateways.look_soon();
  CHECK_FALSE(gateways.lists(GatewayId("a")));
}

TEST_CASE("roles are read in any order, and a wrong word is named", "[node]") {
  CHECK(parse_roles("desk,edge").value().text() == "edge,desk");
  CHECK(parse_roles("edge,router,desk").value().all());
  CHECK(parse_roles("edge,rooter").error().detail == "there is no role 'rooter'; there are edge, router and desk");
  CHECK_FALSE(parse_roles(""));
}
