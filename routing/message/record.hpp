// Record: one line of the inbound journal, everything the engine may know. The wire form of each is in wire.hpp.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "routing/message/message.hpp"
#include "routing/message/policy.hpp"

namespace usher::message {

enum class Presence { offline, away, available };

// Commands of agents. Text stays in the record and in message bodies; the engine does not keep it.
struct SetPresence { Presence state = Presence::offline; std::string reason; friend bool operator==(const SetPresence&, const SetPresence&) = default; };
struct Accept { OfferId offer; friend bool operator==(const Accept&, const Accept&) = default; };
struct Decline { OfferId offer; std::string reason; friend bool operator==(const Decline&, const Decline&) = default; };
// `attachments`: blobs that are on disk before the record is appended (rule J1); the record only names them.
struct Reply { ConversationId conversation; std::string text; std::vector<Attachment> attachments = {}; friend bool operator==(const Reply&, const Reply&) = default; };
struct Note { ConversationId conversation; std::string text; friend bool operator==(const Note&, const Note&) = default; };
// Exactly one of queue and agent is set.
struct Transfer { ConversationId conversation; std::optional<QueueId> queue; std::optional<AgentId> agent; std::string note; friend bool operator==(const Transfer&, const Transfer&) = default; };
struct Snooze { ConversationId conversation; Instant until; friend bool operator==(const Snooze&, const Snooze&) = default; };
struct Close { ConversationId conversation; std::string disposition; friend bool operator==(const Close&, const Close&) = default; };
struct WrappedUp { ConversationId conversation; friend bool operator==(const WrappedUp&, const WrappedUp&) = default; };
using Command = std::variant<SetPresence, Accept, Decline, Reply, Note, Transfer, Snooze, Close, WrappedUp>;

enum class DeliveryState { sent, delivered, read, deferred, failed };

struct MessageReceived { Message message; friend bool operator==(const MessageReceived&, const MessageReceived&) = default; };
// What became of one attempt to send a reply. `deferred` asks the engine for another attempt, not before `retry_after`.
// Attempt 0: what the other side said later of a reply that it had taken, such as a bounce. `deferred` is then news only,
// and `reply` may be the conversation's id where the other side does not say which reply it was.
struct DeliveryReported {
  MessageId reply;
  int attempt = 1;
  DeliveryState state = DeliveryState::sent;
  std::string detail;
  Milliseconds retry_after{0};
  std::optional<MessageId> message = {};  // With attempt 0: the mail that says so, by which a repeat is known.
  friend bool operator==(const DeliveryReported&, const DeliveryReported&) = default;
};
struct SessionOpened { AgentId agent; SessionId session; GatewayId gateway; friend bool operator==(const SessionOpened&, const SessionOpened&) = default; };
struct SessionClosed { AgentId agent; SessionId session; friend bool operator==(const SessionClosed&, const SessionClosed&) = default; };
// Every session of that gateway is closed: the gateway died, or starts anew.
struct GatewayLost { GatewayId gateway; friend bool operator==(const GatewayLost&, const GatewayLost&) = default; };
struct CommandIssued { AgentId agent; SessionId session; CommandId id; Command command; friend bool operator==(const CommandIssued&, const CommandIssued&) = default; };
// Void unless `parent` is the hash of the current policy; "" when there is none. Rule P1.
struct PolicyActivated { Policy policy; std::string parent; friend bool operator==(const PolicyActivated&, const PolicyActivated&) = default; };
struct Tick { friend bool operator==(const Tick&, const Tick&) = default; };
// Rule O1. Void unless previous_epoch is the current epoch.
struct Claimed { Offset previous_epoch = offset_none; RouterId router; int engine_version = 0; friend bool operator==(const Claimed&, const Claimed&) = default; };
// Never written: what a reader makes of bytes that are no record (rule X1).
struct Unreadable { std::string reason; friend bool operator==(const Unreadable&, const Unreadable&) = default; };

using Record = std::variant<MessageReceived, DeliveryReported, SessionOpened, SessionClosed, GatewayLost, CommandIssued,
                            PolicyActivated, Tick, Claimed, Unreadable>;

// A record as it stands in the journal.
struct Arrival {
  Partition partition = 0;
  Offset offset = offset_none;
  Instant appended_at;
  Record record;
};

}  // namespace usher::message
