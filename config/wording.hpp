// The recurring ends of sentences in problems.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace usher::config {

// `; did you mean X?`, or `; known: A, B` when nothing is near, or nothing when nothing is known.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

// `A, B, C`.
[[nodiscard]] std::string listed(std::span<const std::string_view> words);

}  // namespace usher::config
