// Strong identifiers: one type per kind of thing, so that an agent is never passed where a queue is meant.
// Names are what people chose (agents, queues, connectors); Id128 is what Usher derives (messages, conversations, offers).
// Values only: any thread may copy them.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace usher::message {

// A name somebody chose. Compared bytewise; never empty once it left a parser.
template <class Tag>
class Name {
 public:
  Name() = default;
  explicit Name(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  std::string text_;
};

// 128 bits that Usher derived by hashing. Text form: 32 lower-case hexadecimal digits.
template <class Tag>
struct Id128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] bool empty() const { return high == 0 && low == 0; }
  friend auto operator<=>(const Id128&, const Id128&) = default;

  [[nodiscard]] std::string text() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out(32, '0');
    for (unsigned i = 0; i < 16; ++i) {
      out[i] = digits[(high >> (60 - 4 * i)) & 15];
      out[16 + i] = digits[(low >> (60 - 4 * i)) & 15];
    }
    return out;
  }

  // Empty when `text` is not exactly 32 lower-case hexadecimal digits.
  [[nodiscard]] static std::optional<Id128> parse(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    Id128 id;
    for (unsigned i = 0; i < 32; ++i) {
      const char c = text[i];
      std::uint64_t digit = 0;
      if (c >= '0' && c <= '9') digit = static_cast<std::uint64_t>(c - '0');
      else if (c >= 'a' && c <= 'f') digit = static_cast<std::uint64_t>(c - 'a' + 10);
      else return std::nullopt;
      auto& half = i < 16 ? id.high : id.low;
      half = (half << 4) | digit;
    }
    return id;
  }
};

using TenantId = Name<struct TenantTag>;
using ConnectorId = Name<struct ConnectorTag>;
using AgentId = Name<struct AgentTag>;
using QueueId = Name<struct QueueTag>;
using SkillId = Name<struct SkillTag>;
using SessionId = Name<struct SessionTag>;
using GatewayId = Name<struct GatewayTag>;
using RouterId = Name<struct RouterTag>;
// Made by the agent's client, stable over its reconnects.
using CommandId = Name<struct CommandTag>;

using MessageId = Id128<struct MessageTag>;
using ConversationId = Id128<struct ConversationTag>;
using OfferId = Id128<struct OfferTag>;

// A position in one partition of one journal stream. Grows, may have gaps, is never reused.
using Offset = std::int64_t;
inline constexpr Offset offset_none = -1;
using Partition = std::int32_t;

}  // namespace usher::message

template <class Tag>
struct std::hash<usher::message::Name<Tag>> {
  std::size_t operator()(const usher::message::Name<Tag>& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
template <class Tag>
struct std::hash<usher::message::Id128<Tag>> {
  std::size_t operator()(const usher::message::Id128<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.high ^ (id.low * 0x9e3779b97f4a7c15ULL));
  }
};
