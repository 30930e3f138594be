// The head of a message of the fabric: which link it belongs to, the count of frames on it, and the service's state.
// Text: `usher-fabric/1 LINK NUMBER STATE`. Internal to zmq_fabric_*. Pure.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace usher::delivery {

// A link is one sender's way to one gateway. Before a frame, `number` is that frame's, counted from 0 with those that were
// dropped; in a beat, which has no frame, it is the next one's: so a lost last frame is noticed too.
struct FabricHead {
  std::string link;
  std::uint64_t number = 0;
  bool degraded = false;
};

inline constexpr std::string_view fabric_protocol = "usher-fabric/1 ";
inline constexpr std::size_t fabric_link_characters_max = 64;

[[nodiscard]] inline std::string write_head(const FabricHead& head) {
  std::string out(fabric_protocol);
  out += head.link;
  out += ' ';
  out += std::to_string(head.number);
  out += head.degraded ? " degraded" : " normal";
  return out;
}

[[nodiscard]] inline std::optional<FabricHead> read_head(std::string_view text) {
  if (!text.starts_with(fabric_protocol)) return std::nullopt;
  text.remove_prefix(fabric_protocol.size());
  const auto link_end = text.find(' ');
  if (link_end == 0 || link_end == std::string_view::npos || link_end > fabric_link_characters_max) return std::nullopt;
  FabricHead head;
  head.link = text.substr(0, link_end);
  text.remove_prefix(link_end + 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  head.degraded = text == " degraded";
  if (!head.degraded && text != " normal") return std::nullopt;
  return head;
}

}  // namespace usher::delivery
