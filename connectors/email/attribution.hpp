// Whether lines say who wrote what stands below them: "On 3 Feb 2025 at 10:00, Ana wrote:". Texts are folded, with plain
// strokes, and several lines are joined by blanks. Pure functions: any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace usher::connectors::email {

constexpr std::size_t attribution_bytes_max = 500;

[[nodiscard]] bool is_digit(char c);
[[nodiscard]] bool is_word_byte(char c);
[[nodiscard]] bool has_date(std::string_view text);
[[nodiscard]] bool has_address(std::string_view text);
[[nodiscard]] bool ends_with_colon(std::string_view text);
// "Quoting Ana (2025-02-03 10:00:00)"
[[nodiscard]] bool is_quoting(std::string_view text);
// One line that holds a sender's address in brackets and the time to the minute, and ends as attributions do, is one in any
// language.
[[nodiscard]] bool is_stamped_sender(std::string_view text);
// `must_open`: it also begins as attributions do.
[[nodiscard]] bool is_attribution(std::string_view text, bool must_open);
// Needs no quote behind it: what it says is not what a customer tells of somebody. `lines`: of how many it is joined; `last`: the last
// of them, not folded. Requires: is_attribution.
[[nodiscard]] bool is_sure_attribution(std::string_view text, std::size_t lines, std::string_view last);

}  // namespace usher::connectors::email
