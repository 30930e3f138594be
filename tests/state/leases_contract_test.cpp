// The contract of routing/state/leases.hpp, case by case, over every adapter.
#include "tests/state/leases_contract.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/journal/show_result.hpp"

using namespace usher::state;
using namespace usher::testing;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> names(const usher::message::Result<std::vector<Lease>>& held) {
  std::vector<std::string> found;
  for (const auto& each : held.value()) found.push_back(each.name);
  return found;
}

#define FOR_EVERY_KIND                                      \
  const auto maker = GENERATE(from_range(leases_makers())); \
  INFO(maker.name);                                         \
  auto subject = maker.make();                              \
  auto& leases = subject->leases();                         \
  auto& elsewhere = subject->elsewhere()

}  // namespace

TEST_CASE("a lease has one holder at a time, who may renew it with another value [rule-O2]", "[leases][rule-O2]") {
  FOR_EVERY_KIND;
  const Lease mine{"partition/0", "me", "tcp://a:1"};
  CHECK(leases.hold(mine, 60s).value());
  CHECK_FALSE(elsewhere.hold({"partition/0", "you", "tcp://b:2"}, 60s).value());
  CHECK(elsewhere.held("partition/").value() == std::vector<Lease>{mine});
  const Lease renewed{"partition/0", "me", std::string("\0any: bytes\n", 12)};
  CHECK(leases.hold(renewed, 60s).value());
  CHECK(elsewhere.held("partition/").value() == std::vector<Lease>{renewed});
}

TEST_CASE("a holder whose name begins like another's is another [rule-O2]", "[leases][rule-O2]") {
  FOR_EVERY_KIND;
  CHECK(leases.hold({"partition/0", "node-1", "2"}, 60s).value());
  CHECK_FALSE(elsewhere.hold({"partition/0", "node-12", ""}, 60s).value());
  CHECK_FALSE(elsewhere.hold({"partition/0", "node-", ""}, 60s).value());
  CHECK_FALSE(elsewhere.hold({"partition/0", "", ""}, 60s).value());
}

TEST_CASE("a lease given back is free at once, and only its holder can give it back", "[leases]") {
  FOR_EVERY_KIND;
  CHECK(leases.hold({"egress/shop", "me", ""}, 60s).value());
  CHECK(elsewhere.release("egress/shop", "you"));
  CHECK_FALSE(elsewhere.hold({"egress/shop", "you", ""}, 60s).value());
  CHECK(leases.release("egress/shop", "me"));
  CHECK(names(elsewhere.held("")).empty());
  CHECK(elsewhere.hold({"egress/shop", "you", ""}, 60s).value());
  // Of one that is gone already.
  CHECK(leases.release("egress/none", "me"));
}

TEST_CASE("a lease that is not renewed is gone after its time, and a renewed one is not [rule-O2]", "[leases][rule-O2]") {
  FOR_EVERY_KIND;
  CHECK(leases.hold({"gateway/a", "me", ""}, 40ms).value());
  CHECK(leases.hold({"gateway/b", "me", ""}, 40ms).value());
  CHECK(leases.hold({"gateway/b", "me", ""}, 60s).value());
  subject->pass(45ms);
  CHECK(names(leases.held("gateway/")) == std::vector<std::string>{"gateway/b"});
  CHECK(elsewhere.hold({"gateway/a", "you", ""}, 60s).value());
  CHECK_FALSE(elsewhere.hold({"gateway/b", "you", ""}, 60s).value());
  CHECK(names(leases.held("gateway/")) == std::vector<std::string>{"gateway/a", "gateway/b"});
}

TEST_CASE("those held are told by the beginning of their name, sorted", "[leases]") {
  FOR_EVERY_KIND;
  for (const char* name : {"gateway/b", "gateway/a", "gate", "partition/0", "gateway/*"})
    CHECK(leases.hold({name, "me", name}, 60s).value());
  CHECK(names(elsewhere.held("gateway/")) == std::vector<std::string>{"gateway/*", "gateway/a", "gateway/b"});
  CHECK(names(elsewhere.held("gate")).size() == 4);
  CHECK(names(elsewhere.held("")).size() == 5);
  CHECK(names(elsewhere.held("other")).empty());
}

TEST_CASE("of many who try at the same moment one gets the lease [rule-O2]", "[leases][rule-O2]") {
  FOR_EVERY_KIND;
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      auto& port = i % 2 == 0 ? leases : elsewhere;
      const auto won = port.hold({"partition/7", "node-" + std::to_string(i), ""}, 60s);
      if (won && *won) ++winners;
    });
  for (auto& thread : threads) thread.join();
  CHECK(winners == 1);
}
