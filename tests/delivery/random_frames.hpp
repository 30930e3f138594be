// Random frames from a seed, and the comparison of two: member by member, by structured bindings, so that a member added
// to a frame does not compile here until it is compared, and does not compare until it is written and read.
#pragma once

#include "routing/engine/step.hpp"
#include "tests/message/random_values.hpp"

namespace usher::testing {

using namespace usher::message;

class RandomFrames {
 public:
  explicit RandomFrames(std::uint64_t seed) : values_(seed) {}
  [[nodiscard]] engine::AgentFrame frame();
  // Of this alternative of engine::Frame.
  [[nodiscard]] engine::AgentFrame frame(std::size_t kind);

 private:
  template <class T>
  T id() {
    return T{values_.below(1'000'000), values_.below(~std::uint64_t{0}) + 1};
  }
  std::int64_t number() { return static_cast<std::int64_t>(values_.below(~std::uint64_t{0})); }
  Milliseconds duration() { return Milliseconds(number()); }
  engine::Candidate candidate();
  engine::Why why();
  engine::ConversationView view();
  engine::OfferView offer();
  engine::WelcomeFrame welcome();

  RandomValues values_;
};

[[nodiscard]] bool same(const engine::AgentFrame& one, const engine::AgentFrame& other);

}  // namespace usher::testing
