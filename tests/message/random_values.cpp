// Random values of the vocabulary from a seed.
#include "random_values.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace usher::message {

std::string RandomValues::text(std::uint64_t pieces) {
  static constexpr std::array<std::string_view, 12> awkward{
      "\"", "\\", "\n", "\x01", "\x7f", "\u00df", "\u0800", "\ud7ff", "\uffff", "\U00010000", "\U0010FFFF", "/"};
  std::string out;
  for (std::uint64_t left = below(pieces + 1); left > 0; --left) {
    const auto kind = below(20);
    if (kind < awkward.size())
      out += awkward[kind];
    else if (kind == 12)
      out.push_back('\0');
    else
      out.push_back(static_cast<char>('a' + below(26)));
  }
  return out;
}

std::vector<Identity> RandomValues::identities() {
  return list<Identity>(3, [&] { return Identity{name(), name(), chance()}; });
}

std::vector<Requirement> RandomValues::requirements() {
  return list<Requirement>(3, [&] { return Requirement{SkillId(name()), static_cast<int>(1 + below(5))}; });
}

std::string RandomValues::unknown_members() {
  static constexpr std::array<std::string_view, 5> values{R"(null)", R"(-0.0)", R"([1,{"a":[]},"]}\"\\"])", R"({})",
                                                          R"(123456789012345678901234567890)"};
  std::string out;
  for (std::uint64_t i = 0, count = below(4); i < count; ++i) {
    out +=
        (out.empty() ? "{" : ",") + std::string("\"new_") + std::to_string(i) + "\":" + std::string(values[below(5)]);
  }
  return out.empty() ? out : out + "}";
}

Message RandomValues::message() {
  Message out;
  out.id = id<MessageId>();
  out.tenant = TenantId(name());
  out.connector = ConnectorId(name());
  out.channel = name();
  out.provider_message_id = text(20);
  out.thread.in_reply_to = list<std::string>(3, [&] { return text(9); });
  out.thread.references = list<std::string>(3, [&] { return text(9); });
  out.thread.token = maybe<MessageId>([&] { return id<MessageId>(); });
  out.thread.key = maybe<std::string>([&] { return text(9); });
  out.from = Sender{identities(), text(9)};
  out.from.verification = maybe<Verification>([&] {
    return Verification{static_cast<Verification::Result>(below(3)), maybe<Verification::Method>([&] { return static_cast<Verification::Method>(below(3)); }), text(9)};
  });
  out.to = identities();
  out.cc = identities();
  out.reply_to = identities();
  out.delivered_to = identities();
  out.sent_at = maybe<Instant>([&] { return instant(); });
  out.received_at = instant();
  out.subject = text(40);
  out.text = text(400);
  out.text_new = text(400);
  out.html_ref = maybe<std::string>([&] { return text(9); });
  out.attachments = list<Attachment>(3, [&] {
    return Attachment{text(9), text(9), below(10 * 1024 * 1024 + 1), std::string(64, "0123456789abcdef"[below(16)]),
                      chance()};
  });
  out.parts = list<std::string>(3, [&] { return text(9); });
  out.automated = maybe<Automated>([&] { return static_cast<Automated>(below(5)); });
  out.language = maybe<std::string>([&] { return std::string(chance() ? "pt-br" : "zh-hant-419"); });
  out.labels = list<std::string>(4, [&] { return text(9); });
  std::sort(out.labels.begin(), out.labels.end());
  out.labels.erase(std::unique(out.labels.begin(), out.labels.end()), out.labels.end());
  out.raw_ref = maybe<std::string>([&] { return text(9); });
  out.extra = unknown_members();
  return out;
}

Policy RandomValues::policy() {
  std::set<std::string> used;
  const auto unique_name = [&] {
    std::string one = name() + std::to_string(used.size());
    used.insert(one);
    return one;
  };
  Policy out;
  out.tenant = TenantId(name());
  out.queues = list<QueuePolicy>(4, [&] {
    return QueuePolicy{QueueId(unique_name()), requirements(), static_cast<Urgency>(below(4)), duration()};
  });
  out.default_queue = QueueId(text(5));
  out.rules = list<RoutingRule>(4, [&] {
    return RoutingRule{text(9),
                       maybe<ConnectorId>([&] { return ConnectorId(name()); }),
                       maybe<std::string>([&] { return text(9); }),
                       maybe<std::string>([&] { return text(9); }),
                       maybe<std::string>([&] { return text(9); }),
                       maybe<QueueId>([&] { return QueueId(name()); }),
                       maybe<Urgency>([&] { return static_cast<Urgency>(below(4)); }),
                       requirements()};
  });
  out.agents = list<AgentPolicy>(4, [&] {
    AgentPolicy agent{AgentId(unique_name()), text(9), {}, {}, number(), number()};
    agent.skills = list<Proficiency>(3, [&] { return Proficiency{SkillId(name()), static_cast<int>(1 + below(5))}; });
    for (std::uint64_t i = below(3); i > 0; --i) agent.capacity[name()] = number();
    return agent;
  });
  out.times = PolicyTimes{duration(), duration(), duration(), duration(), duration(), duration()};
  out.urgency_step = duration();
  out.missed_offers_max = number();
  out.send_attempts_max = number();
  return out;
}

Command RandomValues::command() {
  const auto conversation = id<ConversationId>();
  switch (below(std::variant_size_v<Command>)) {
    case 0:
      return SetPresence{static_cast<Presence>(below(3)), text(9)};
    case 1:
      return Accept{id<OfferId>()};
    case 2:
      return Decline{id<OfferId>(), text(9)};
    case 3:
      return Reply{conversation, text(300), list<Attachment>(3, [&] {
                     return Attachment{text(9), text(9), below(6 * 1024 * 1024), std::string(64, "0123456789abcdef"[below(16)]), false};
                   })};
    case 4:
      return Note{conversation, text(300)};
    case 5:
      return chance() ? Transfer{conversation, QueueId(name()), std::nullopt, text(9)}
                      : Transfer{conversation, std::nullopt, AgentId(name()), text(9)};
    case 6:
      return Snooze{conversation, instant()};
    case 7:
      return Close{conversation, text(9)};
    default:
      return WrappedUp{conversation};
  }
}

Record RandomValues::record() {
  switch (below(std::variant_size_v<Record> - 1)) {
    case 0:
      return MessageReceived{message()};
    case 1:
      return DeliveryReported{id<MessageId>(), number(), static_cast<DeliveryState>(below(5)), text(9), duration()};
    case 2:
      return SessionOpened{AgentId(name()), SessionId(name()), GatewayId(name())};
    case 3:
      return SessionClosed{AgentId(name()), SessionId(name())};
    case 4:
      return GatewayLost{GatewayId(name())};
    case 5:
      return CommandIssued{AgentId(name()), SessionId(name()), CommandId(name()), command()};
    case 6:
      return PolicyActivated{policy(), text(9)};
    case 7:
      return Tick{};
    default:
      return Claimed{static_cast<Offset>(numbers_() >> 1), RouterId(name()), number()};
  }
}

}  // namespace usher::message
