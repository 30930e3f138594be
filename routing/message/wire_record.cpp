// Records to JSON and back, one kind after the other. The kind itself travels beside the value, as the journal entry's
// type; agents' commands have the members they have on the agents' own protocol.
#include <type_traits>

#include "routing/message/wire.hpp"
#include "routing/message/wire_attachments.hpp"
#include "routing/message/wire_json.hpp"
#include "routing/message/wire_policy.hpp"

namespace usher::message {

namespace {

using wire::Need;
using wire::Reader;
using wire::Writer;

// In the order of the alternatives of Record, and of the enums and Command.
constexpr std::array<std::string_view, 10> record_types{"usher.message.received.v1",
                                                        "usher.message.delivery.v1",
                                                        "usher.session.opened.v1",
                                                        "usher.session.closed.v1",
                                                        "usher.gateway.lost.v1",
                                                        "usher.agent.command.v1",
                                                        "usher.policy.activated.v1",
                                                        "usher.tick.v1",
                                                        "usher.claim.v1",
                                                        "unreadable"};
static_assert(record_types.size() == std::variant_size_v<Record>);
constexpr std::array<std::string_view, 9> command_types{"presence", "accept", "decline", "reply",     "note",
                                                        "transfer", "snooze", "close",   "wrapped_up"};
static_assert(command_types.size() == std::variant_size_v<Command>);
constexpr std::array<std::string_view, 3> presence_names{"offline", "away", "available"};
constexpr std::array<std::string_view, 5> delivery_names{"sent", "delivered", "read", "deferred", "failed"};

// --- Commands ---

void write(Writer& out, const SetPresence& command) {
  out.text("state", presence_names.at(static_cast<std::size_t>(command.state)));
  out.text("reason", command.reason);
}
void write(Writer& out, const Accept& command) { out.id("offer", command.offer); }
void write(Writer& out, const Decline& command) {
  out.id("offer", command.offer);
  out.text("reason", command.reason);
}
void write(Writer& out, const Reply& command) {
  out.id("conversation", command.conversation);
  out.text("text", command.text);
  // Most replies have none, and then the record is what it was before there were any.
  if (!command.attachments.empty()) wire::write_attachments(out, command.attachments);
}
void write(Writer& out, const Note& command) {
  out.id("conversation", command.conversation);
  out.text("text", command.text);
}
void write(Writer& out, const Transfer& command) {
  expect(command.queue.has_value() != command.agent.has_value(), "a transfer goes to one queue or to one agent");
  out.id("conversation", command.conversation);
  out.key("to");
  out.begin_object();
  command.queue ? out.name("queue", *command.queue) : out.name("agent", *command.agent);
  out.end_object();
  out.text("note", command.note);
}
void write(Writer& out, const Snooze& command) {
  out.id("conversation", command.conversation);
  out.time("until", command.until);
}
void write(Writer& out, const Close& command) {
  out.id("conversation", command.conversation);
  out.text("disposition", command.disposition);
}
void write(Writer& out, const WrappedUp& command) { out.id("conversation", command.conversation); }

void read(Reader& in, SetPresence& out) {
  const auto state = in.choice("state", presence_names, Need::required);
  if (state) out.state = static_cast<Presence>(*state);
  in.text("reason", out.reason, wire::short_text_if_any);
}
void read(Reader& in, Accept& out) { in.id("offer", out.offer); }
void read(Reader& in, Decline& out) {
  in.id("offer", out.offer);
  in.text("reason", out.reason, wire::short_text_if_any);
}
void read(Reader& in, Reply& out) {
  in.id("conversation", out.conversation);
  in.text("text", out.text, wire::long_text);
  wire::read_reply_attachments(in, out.attachments);
}
void read(Reader& in, Note& out) {
  in.id("conversation", out.conversation);
  in.text("text", out.text, wire::long_text);
}
void read(Reader& in, Transfer& out) {
  in.id("conversation", out.conversation);
  in.nested("to", Need::required, [&](Reader& to) {
    to.optional_name("queue", out.queue);
    to.optional_name("agent", out.agent);
  });
  if (out.queue.has_value() == out.agent.has_value()) in.refuse("to", "must name either a queue or an agent");
  in.text("note", out.note, wire::long_text_if_any);
}
void read(Reader& in, Snooze& out) {
  in.id("conversation", out.conversation);
  in.time("until", out.until);
}
void read(Reader& in, Close& out) {
  in.id("conversation", out.conversation);
  in.text("disposition", out.disposition, wire::short_text_if_any);
}
void read(Reader& in, WrappedUp& out) { in.id("conversation", out.conversation); }

// --- Records ---

void write(Writer& out, const DeliveryReported& record) {
  out.id("reply", record.reply);
  out.number("attempt", record.attempt);
  out.text("state", delivery_names.at(static_cast<std::size_t>(record.state)));
  out.text("detail", record.detail);
  out.duration("retry_after_ms", record.retry_after);
  if (record.message) out.id("message", *record.message);
}
void write(Writer& out, const SessionOpened& record) {
  out.name("agent", record.agent);
  out.name("session", record.session);
  out.name("gateway", record.gateway);
}
void write(Writer& out, const SessionClosed& record) {
  out.name("agent", record.agent);
  out.name("session", record.session);
}
void write(Writer& out, const GatewayLost& record) { out.name("gateway", record.gateway); }
void write(Writer& out, const CommandIssued& record) {
  out.name("agent", record.agent);
  out.name("session", record.session);
  out.name("id", record.id);
  out.key("command");
  out.begin_object();
  out.text("type", command_types.at(record.command.index()));
  std::visit([&](const auto& command) { write(out, command); }, record.command);
  out.end_object();
}
void write(Writer& out, const PolicyActivated& record) {
  out.text("parent", record.parent);
  out.key("policy");
  wire::write(out, record.policy);
}
void write(Writer&, const Tick&) {}
void write(Writer& out, const Claimed& record) {
  out.number("previous_epoch", record.previous_epoch);
  out.name("router", record.router);
  out.number("engine_version", record.engine_version);
}

void read(Reader& in, DeliveryReported& out) {
  in.id("reply", out.reply);
  in.small_integer("attempt", out.attempt, 0);
  const auto state = in.choice("state", delivery_names, Need::required);
  if (state) out.state = static_cast<DeliveryState>(*state);
  in.text("detail", out.detail, wire::short_text_if_any);
  in.duration("retry_after_ms", out.retry_after);
  in.optional_id("message", out.message);
}
void read(Reader& in, SessionOpened& out) {
  in.name("agent", out.agent);
  in.name("session", out.session);
  in.name("gateway", out.gateway);
}
void read(Reader& in, SessionClosed& out) {
  in.name("agent", out.agent);
  in.name("session", out.session);
}
void read(Reader& in, GatewayLost& out) { in.name("gateway", out.gateway); }

// Makes the alternative with that index, so that a list of kinds cannot disagree with the variant.
template <class Variant, std::size_t... Index>
Variant alternative(std::size_t index, std::index_sequence<Index...>) {
  Variant out;
  ((Index == index ? static_cast<void>(out.template emplace<Index>()) : void()), ...);
  return out;
}
template <class Variant>
Variant alternative(std::size_t index) {
  return alternative<Variant>(index, std::make_index_sequence<std::variant_size_v<Variant>>());
}

void read(Reader& in, CommandIssued& out) {
  in.name("agent", out.agent);
  in.name("session", out.session);
  in.name("id", out.id);
  in.nested("command", Need::required, [&](Reader& command) {
    const auto type = command.choice("type", command_types, Need::required);
    if (!type) return;
    out.command = alternative<Command>(*type);
    std::visit([&](auto& kind) { read(command, kind); }, out.command);
  });
}
void read(Reader& in, PolicyActivated& out) {
  in.text("parent", out.parent);
  in.nested("policy", Need::required, [&](Reader& policy) { wire::read(policy, out.policy); });
}
void read(Reader&, Tick&) {}
void read(Reader& in, Claimed& out) {
  in.integer("previous_epoch", out.previous_epoch, offset_none, std::numeric_limits<std::int64_t>::max());
  in.name("router", out.router);
  in.small_integer("engine_version", out.engine_version, 0);
}

// A reply's text, or a policy, is most of its record; the others are small.
std::size_t bytes_expected(const Record& record) {
  if (std::holds_alternative<PolicyActivated>(record)) return 16 * 1024;
  const auto* issued = std::get_if<CommandIssued>(&record);
  const auto* reply = issued != nullptr ? std::get_if<Reply>(&issued->command) : nullptr;
  return 512 + (reply != nullptr ? reply->text.size() : 0);
}

}  // namespace

std::string_view record_type(const Record& record) { return record_types.at(record.index()); }

std::string encode(const Record& record) {
  expect(!std::holds_alternative<Unreadable>(record), "what cannot be read is never written");
  if (const auto* received = std::get_if<MessageReceived>(&record)) return encode(received->message);
  Writer out(bytes_expected(record));
  out.begin_object();
  out.number("v", 1);
  std::visit(
      [&](const auto& kind) {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (!std::is_same_v<Kind, MessageReceived> && !std::is_same_v<Kind, Unreadable>) write(out, kind);
      },
      record);
  out.end_object();
  return out.take();
}

Result<Record> decode_record(std::string_view type, std::string_view json) {
  std::size_t index = 0;
  while (index < record_types.size() && record_types[index] != type) ++index;
  Record record;
  if (index < record_types.size()) record = alternative<Record>(index);
  if (index == record_types.size() || std::holds_alternative<Unreadable>(record)) {
    return fail(Fault::malformed, "type: not a kind of record this version knows");
  }
  if (std::holds_alternative<MessageReceived>(record)) {
    auto message = decode_message(json);
    if (!message) return message.error();
    return Record(MessageReceived{std::move(*message)});
  }

  wire::Document document;
  const auto root = document.parse(json);
  if (!root) return root.error();
  const wire::Place place;
  wire::Problem problem;
  Reader in(**root, place, problem);
  in.version();
  std::visit(
      [&](auto& kind) {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (!std::is_same_v<Kind, MessageReceived> && !std::is_same_v<Kind, Unreadable>) read(in, kind);
      },
      record);
  if (problem.found()) return problem.error();
  return record;
}

}  // namespace usher::message
