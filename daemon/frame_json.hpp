// Frames as agents read them: JSON of `usher.agent.v1` (docs/agent-protocol.md), and the JSON of messages,
// conversations and reasons that operators see as well. Texts come from bodies; what cannot be read is left out and
// marked. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/engine/engine.hpp"
#include "routing/engine/step.hpp"
#include "routing/state/state_store.hpp"

namespace usher::daemon {

using namespace usher::message;

[[nodiscard]] std::string_view presence_name(Presence presence);
[[nodiscard]] std::string_view urgency_name(Urgency urgency);
[[nodiscard]] std::string_view delivery_name(DeliveryState state);
[[nodiscard]] std::string_view body_kind_name(engine::BodyKind kind);

// {"id","sequence","kind","at","author","author_name","text","subject","attachments"}; of the customer's side "from" and "automated", too.
[[nodiscard]] boost::json::object message_json(const state::Body& body);
// Without texts: what the engine knows. `messages` is their number.
[[nodiscard]] boost::json::object view_json(const engine::ConversationView& view);
// With customer (who wrote what a reply answers), new_sender, subject and the messages themselves, taken from `bodies` (oldest first).
[[nodiscard]] boost::json::object conversation_json(const engine::ConversationView& view,
                                                    const std::vector<state::Body>& bodies);
[[nodiscard]] boost::json::object why_json(const engine::Why& why);

// Where frames find texts. Any thread; called on the gateway's.
class Bodies {
 public:
  Bodies(state::StateReader& reader, Partition partition) : reader_(reader), partition_(partition) {}
  // The newest of a conversation before `before`, oldest first; none when the store cannot be read.
  [[nodiscard]] std::optional<std::vector<state::Body>> newest(ConversationId conversation, std::uint32_t before) const;
  [[nodiscard]] std::optional<state::Body> one(MessageId id) const;

 private:
  state::StateReader& reader_;
  Partition partition_;
};

// One engine frame as JSON, without "seq". SessionEndedFrame has none: it closes the session.
[[nodiscard]] boost::json::object frame_json(const engine::AgentFrame& frame, const Bodies& bodies);

[[nodiscard]] boost::json::object ok_json(const CommandId& id);
[[nodiscard]] boost::json::object error_json(const std::string& id, std::string_view code, std::string_view message);
// A sentence for a code of the closed list; "" for one that is not in it.
[[nodiscard]] std::string_view code_sentence(std::string_view code);

}  // namespace usher::daemon
