// What an adapter of the leases' port brings to be tested by leases_contract_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "routing/state/leases.hpp"

namespace usher::testing {

class LeasesUnderTest {
 public:
  virtual ~LeasesUnderTest() = default;
  [[nodiscard]] virtual state::Leases& leases() = 0;
  // As another process sees them.
  [[nodiscard]] virtual state::Leases& elsewhere() = 0;
  // Returns once so much time has gone by on the store's clock.
  virtual void pass(message::Milliseconds time) = 0;
};

struct LeasesMaker {
  std::string name;
  std::function<std::unique_ptr<LeasesUnderTest>()> make;
};
[[nodiscard]] std::vector<LeasesMaker> leases_makers();

}  // namespace usher::testing
