// JSON of messages, conversations and reasons; declared in frame_json.hpp. Pure: bodies in, JSON out. A body that
// cannot be read (written by a newer version, say) is shown as unavailable rather than hiding the conversation.
#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "daemon/frame_json.hpp"

namespace usher::daemon {

namespace json = boost::json;

namespace {

const json::value* member(const json::object& object, std::string_view name) { return object.if_contains(name); }

std::string_view text_of(const json::object& object, std::string_view name) {
  const auto* found = member(object, name);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

json::object parsed(const state::Body& body) {
  boost::system::error_code error;
  auto value = json::parse(body.json, error);
  if (error || !value.is_object()) return {};
  return std::move(value.get_object());
}

// A reply or note says its kind; a customer's message is a Message as the journal has it.
bool from_customer(const json::object& body) { return member(body, "kind") == nullptr; }

json::array attachments_of(const json::object& body) {
  json::array out;
  const auto* list = member(body, "attachments");
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& one : list->get_array()) {
    if (!one.is_object()) continue;
    json::object file;
    for (const char* name : {"name", "type", "size", "sha256"})
      if (const auto* value = member(one.get_object(), name)) file[name] = *value;
    out.push_back(std::move(file));
  }
  return out;
}

json::array identities_of(const json::object& read) {
  const auto* from = member(read, "from");
  const auto* list = from != nullptr && from->is_object() ? member(from->get_object(), "identities") : nullptr;
  return list != nullptr && list->is_array() ? list->get_array() : json::array{};
}

std::string_view name_of(const json::object& read) {
  const auto* from = member(read, "from");
  return from != nullptr && from->is_object() ? text_of(from->get_object(), "display_name") : std::string_view();
}

// Without whether he was verified: the same person's next mail may be.
json::array who(const json::value& identity) {
  if (!identity.is_object()) return {};
  return {text_of(identity.get_object(), "kind"), text_of(identity.get_object(), "value")};
}

// Who has written, oldest first. Whoever was there at an agent's reply is known, and so is the first.
class Senders {
 public:
  void wrote(const json::object& read) {
    const auto identities = identities_of(read);
    if (identities.empty() || !text_of(read, "automated").empty()) return;
    (known_.empty() ? known_ : unanswered_).push_back(who(identities.front()));
  }
  void replied() {
    for (auto& one : unanswered_) known_.push_back(std::move(one));
    unanswered_.clear();
  }
  bool is_new(const json::array& identities) const {
    return !known_.empty() && !identities.empty() && std::find(known_.begin(), known_.end(), who(identities.front())) == known_.end();
  }

 private:
  json::array known_, unanswered_;
};

// The customer is who wrote the message that a reply answers, where that is among the newest, else the newest.
void add_customer(const engine::ConversationView& view, const std::vector<state::Body>& bodies, json::object& out) {
  json::object customer{{"display_name", ""}, {"identities", json::array{}}};
  std::string subject;
  Senders senders;
  bool answered = false;
  for (const auto& body : bodies) {
    const auto read = parsed(body);
    if (text_of(read, "kind") == "reply") senders.replied();
    if (read.empty() || !from_customer(read)) continue;
    senders.wrote(read);
    if (const auto said = text_of(read, "subject"); !said.empty() && subject.empty()) subject = said;
    if (answered || member(read, "from") == nullptr) continue;
    answered = body.id == view.last_from_customer;
    customer["display_name"] = name_of(read);
    customer["identities"] = identities_of(read);
  }
  out["new_sender"] = senders.is_new(customer["identities"].get_array());
  out["customer"] = std::move(customer);
  out["subject"] = subject;
}

json::object candidate_json(const engine::Candidate& candidate) {
  return {{"agent", candidate.agent.text()},
          {"load_permille", candidate.load_permille},
          {"proficiency", candidate.proficiency},
          {"idle_ms", candidate.idle_ms}};
}

}  // namespace

std::string_view urgency_name(Urgency urgency) {
  switch (urgency) {
    case Urgency::low:
      return "low";
    case Urgency::normal:
      return "normal";
    case Urgency::high:
      return "high";
    case Urgency::critical:
      return "critical";
  }
  return "normal";
}

std::string_view body_kind_name(engine::BodyKind kind) {
  switch (kind) {
    case engine::BodyKind::from_customer:
      return "from_customer";
    case engine::BodyKind::reply:
      return "reply";
    case engine::BodyKind::note:
      return "note";
  }
  return "note";
}

json::object message_json(const state::Body& body) {
  json::object out{{"id", body.id.text()}, {"sequence", body.sequence}};
  const auto read = parsed(body);
  if (read.empty()) {
    out["kind"] = "note";
    out["text"] = "";
    out["unavailable"] = true;
    return out;
  }
  if (from_customer(read)) {
    out["kind"] = "from_customer";
    out["at"] = text_of(read, "received_at");
    out["author"] = nullptr;
    out["author_name"] = name_of(read);
    out["from"] = identities_of(read);
    out["automated"] = nullptr;
    if (const auto kind = text_of(read, "automated"); !kind.empty()) out["automated"] = kind;
    if (const auto* from = member(read, "from"); from != nullptr && from->is_object())
      if (const auto* found = member(from->get_object(), "verification")) out["verification"] = *found;
  } else {
    out["kind"] = text_of(read, "kind");
    out["at"] = text_of(read, "written_at");
    out["author"] = text_of(read, "author");
    out["author_name"] = text_of(read, "author_name");
  }
  out["text"] = text_of(read, "text");
  out["subject"] = text_of(read, "subject");
  out["attachments"] = attachments_of(read);
  return out;
}

json::object view_json(const engine::ConversationView& view) {
  json::array requirements;
  for (const auto& requirement : view.requirements)
    requirements.push_back({{"skill", requirement.skill.text()}, {"level", requirement.level_min}});
  json::object out{{"id", view.id.text()},
                   {"connector", view.connector.text()},
                   {"channel", view.channel},
                   {"queue", view.queue.text()},
                   {"urgency", urgency_name(view.urgency)},
                   {"requirements", std::move(requirements)},
                   {"state", engine::state_name(view.state)},
                   {"opened_at", format_rfc3339(view.opened_at)},
                   {"waiting_since", format_rfc3339(view.waiting_since)},
                   {"answer_due", nullptr},
                   {"state_until", nullptr},
                   {"agent", nullptr},
                   {"messages", view.messages},
                   {"flood", nullptr}};
  if (view.flood != engine::Flood::none) out["flood"] = engine::flood_name(view.flood);
  if (view.answer_due) out["answer_due"] = format_rfc3339(*view.answer_due);
  if (view.state_until) out["state_until"] = format_rfc3339(*view.state_until);
  if (view.agent) out["agent"] = view.agent->text();
  if (view.offer) out["offer"] = view.offer->text();
  return out;
}

json::object conversation_json(const engine::ConversationView& view, const std::vector<state::Body>& bodies) {
  auto out = view_json(view);
  out["messages_total"] = view.messages;
  add_customer(view, bodies, out);
  json::array messages;
  for (const auto& body : bodies) messages.push_back(message_json(body));
  out["messages"] = std::move(messages);
  return out;
}

json::object why_json(const engine::Why& why) {
  json::array runners_up;
  for (const auto& candidate : why.runners_up) runners_up.push_back(candidate_json(candidate));
  json::object excluded;
  for (const auto& [reason, count] : why.excluded) excluded[reason] = count;
  return {
      {"policy", why.policy},           {"waited_ms", why.waited_ms},           {"order_key", why.order_key},
      {"preferred", why.preferred},     {"winner", candidate_json(why.winner)}, {"runners_up", std::move(runners_up)},
      {"excluded", std::move(excluded)}};
}

}  // namespace usher::daemon
