// Messages of customers: drop repeats, find or open the conversation, queue it by skills and urgency.
#include <algorithm>

#include "routing/engine/engine_state.hpp"
#include "routing/message/plant.hpp"

namespace usher::engine {
namespace {

constexpr std::size_t anchors_max = 64;
constexpr std::size_t mail_references_max = 20;

bool matches(const RoutingRule& rule, const Message& message) {
  if (rule.connector && *rule.connector != message.connector) return false;
  if (rule.channel && *rule.channel != message.channel) return false;
  if (rule.language && rule.language != message.language) return false;
  return !rule.label || std::find(message.labels.begin(), message.labels.end(), *rule.label) != message.labels.end();
}

// A requirement named twice counts with its higher level.
void add_requirements(std::vector<Requirement>& to, const std::vector<Requirement>& more) {
  for (const auto& one : more) {
    const auto same = std::find_if(to.begin(), to.end(), [&](const Requirement& r) { return r.skill == one.skill; });
    if (same == to.end()) to.push_back(one);
    else same->level_min = std::max(same->level_min, one.level_min);
  }
  std::sort(to.begin(), to.end());
}

Hash128 key_anchor(const Message& message) {
  const auto id = derived_id<Id128<void>>("thread", message.connector.text() + '\0' + *message.thread.key, 0, 0);
  return {id.high, id.low};
}

// Rule I5: a mail is found by its id only by the one who sent it. Its recipients are the sender's word: whoever names a
// stranger's mail and a stranger in Cc would catch that stranger's answer.
Hash128 mail_anchor(const std::string& mail_id, const std::string& address) {
  const auto id = derived_id<Id128<void>>("mail", mail_id + '\0' + address, 0, 0);
  return {id.high, id.low};
}

bool is_mail(const Message& message) { return message.channel == "email"; }

std::optional<std::string> mail_sender(const Message& message) {
  if (message.from.identities.empty() || message.from.identities.front().kind != "email") return std::nullopt;
  return message.from.identities.front().value;
}

// Rule I5: who says that he sent the earlier mail must be who he says, where the edge can tell. SPF alone does not say: many
// senders share a provider's machines. A sender that nobody looked at is taken at his word.
bool is_taken_at_its_word(const Message& message) {
  const auto& found = message.from.verification;
  return !found || (found->result == Verification::Result::pass && found->method != Verification::Method::spf);
}

// Machines that answer, report or complain by themselves ask for nobody's work. A failed delivery is reported beside its
// mail. Lists are different: people write through them.
bool asks_for_nothing(const Message& message) { return message.automated && message.automated != Automated::bulk; }

// What a server says of deliveries. One that names a conversation of ours is about a reply of ours.
bool reports_strange_mail(const Message& message) {
  return (message.automated == Automated::bounce || message.automated == Automated::delivery_report) && !message.thread.token;
}

}  // namespace

void Engine::State::on(const MessageReceived& record) {
  const auto& message = record.message;
  if (policy_hash.empty()) return dead_letter("no policy is active");
  if (message.tenant != policy.tenant) return dead_letter("a message of another tenant");
  // Rule I1: the first wins, within the window; a repeat was acknowledged like the first and changes nothing.
  for (const auto& [day, bucket] : seen)
    if (bucket.seen.contains(message.id) && !planted(Plant::repeats_counted)) return;

  auto* found = thread_of(message);
  const bool opened = found == nullptr;
  if (opened) {
    // By the record that opens it: what is opened together is stored together, and of two that began to wait within one
    // millisecond the first is served first.
    const ConversationId id{static_cast<std::uint64_t>(offset), derived_id<ConversationId>("conversation", message.id.text(), offset, 0).low};
    found = &conversations[id];
    found->id = id;
    found->connector = message.connector;
    found->channel = message.channel;
    found->opened_at = now;
    found->state = ConversationState::closed;  // Until customer_wrote() opens it.
    found->answered = true;
    route(*found, message);
    anchor(*found, {message.id.high, message.id.low});
    if (message.thread.key) anchor(*found, key_anchor(message));
  }
  remember_seen(message.id, found->id, is_mail(message));
  if (is_mail(message)) anchor_mail(*found, message);
  // Of mail that was not sent from here: kept to be read and told as an event, and nobody's work.
  const bool filed = opened && reports_strange_mail(message);
  const bool asks = (opened && !filed) || !asks_for_nothing(message);
  if (asks) answer_goes_to(*found, message, opened);
  customer_wrote(*found, message, asks);
  if (filed) {
    found->waiting_since = found->last_activity = now;
    finish(*found);
    happened("usher.message.unmatched.v1", *found, "a report on a delivery that no conversation knows of");
  }
  if (!opened && message.automated == Automated::feedback_report)
    happened("usher.message.complained.v1", *found, "its customer, or their provider, calls mail of ours unwanted");
  if (opened && found->flood == Flood::sender)
    happened("usher.work.flooded.v1", *found, "its sender opened many conversations within an hour, and nobody answered any");
}

void Engine::State::anchor_mail(Conversation& c, const Message& message) {
  if (const auto sender = mail_sender(message)) anchor(c, mail_anchor(message.provider_message_id, *sender));
}

// Whose mail a reply answers. A machine's takes that place from no person's: the agent's words would go to a list, or to
// nobody, and the customer would have no answer. Who writes through a list stays who they are.
void Engine::State::answer_goes_to(Conversation& c, const Message& message, bool opened) {
  const auto address = is_mail(message) ? mail_sender(message) : std::nullopt;
  const auto sender = address ? mail_sender_name(*address) : Hash128{};
  const bool first = c.last_from_customer.empty();
  if (!first && is_mail(message) && message.automated && !c.machines_only && (!address || sender != c.sender)) return;
  c.machines_only = message.automated && (first || c.machines_only);
  c.last_from_customer = message.id;
  if (address) sender_wrote(c, sender, opened);
}

Conversation* Engine::State::thread_of(const Message& message) {
  // Rule I5: a token was verified by the edge; a channel's own key is the connector's word.
  const auto look = [&](const Hash128& name) -> Conversation* {
    const auto at = anchors.find(name);
    return at == anchors.end() ? nullptr : &conversation(at->second);
  };
  if (const auto& token = message.thread.token) {
    if (auto* c = look({token->high, token->low})) return c;
    if (const auto named = conversations.find(ConversationId{token->high, token->low}); named != conversations.end()) return &named->second;
  }
  if (message.thread.key) return look(key_anchor(message));
  const auto sender = is_mail(message) ? mail_sender(message) : std::nullopt;
  if (!sender || !is_taken_at_its_word(message)) return nullptr;
  std::size_t left = mail_references_max;
  for (const auto& id : message.thread.in_reply_to)
    if (left-- == 0) return nullptr;
    else if (auto* c = look(mail_anchor(id, *sender))) return c;
  for (auto id = message.thread.references.rbegin(); id != message.thread.references.rend(); ++id)
    if (left-- == 0) return nullptr;
    else if (auto* c = look(mail_anchor(*id, *sender))) return c;
  return nullptr;
}

void Engine::State::anchor(Conversation& c, Hash128 name) {
  if (c.anchors.size() >= anchors_max || !anchors.emplace(name, c.id).second) return;
  c.anchors.push_back(name);
  touch(c);
}

void Engine::State::route(Conversation& c, const Message& message) {
  c.queue = policy.default_queue;
  for (const auto& rule : policy.rules) {
    if (!matches(rule, message)) continue;
    if (rule.queue) c.queue = *rule.queue;
    if (rule.urgency) c.rule_urgency = *rule.urgency;
    add_requirements(c.rule_requirements, rule.requirements);
  }
  // A machine does not wait for an answer as a person does.
  if (message.automated) c.rule_urgency = Urgency::low;
  derive(c);
}

void Engine::State::derive(Conversation& c) const {
  const auto at = queues.find(c.queue);
  expect(at != queues.end(), "a conversation stands in a queue of the policy");
  // What a rule says of it weighs more than how many its sender opened.
  c.urgency = c.rule_urgency.value_or(c.flood == Flood::sender ? Urgency::low : at->second->urgency);
  c.requirements.clear();
  add_requirements(c.requirements, at->second->requirements);
  add_requirements(c.requirements, c.rule_requirements);
}

void Engine::State::customer_wrote(Conversation& c, const Message& message, bool asks) {
  touch(c);
  // A waiting conversation may be re-keyed below, so it leaves its place first.
  if (asks && c.state == ConversationState::waiting) leave_waiting(c);
  step.bodies.push_back({c.id, c.sequence++, message.id, BodyKind::from_customer, {}});
  c.remember_text(offset);
  ++c.messages;
  // To be read with the rest: whoever holds it sees it, nobody is called, and it is not what a reply answers.
  if (!asks) {
    if (c.state == ConversationState::assigned)
      send(agents.at(c.agent), MessageFrame{c.id, message.id, BodyKind::from_customer, c.sequence - 1});
    return;
  }
  c.last_activity = now;
  asked_anew(c);  // The customer waits from now on, whenever it is that somebody is called.
  const bool sleeps = c.state == ConversationState::wrap_up || c.state == ConversationState::snoozed || c.state == ConversationState::closed;
  if (sleeps && is_mail(message) && c.messages > 1 && !may_wake(c)) return;
  switch (c.state) {
    case ConversationState::assigned:
      send(agents.at(c.agent), MessageFrame{c.id, message.id, BodyKind::from_customer, c.sequence - 1});
      return;
    case ConversationState::offered: return;  // The offer stands; `assigned` will show all messages.
    case ConversationState::wrap_up: {
      auto& agent = agents.at(c.agent);
      c.preferred = c.agent;
      release(c);
      send(agent, ReleasedFrame{c.id, "reopened", std::nullopt});
      enqueue(c);
      return offer_work(agent);
    }
    case ConversationState::waiting:
    case ConversationState::snoozed:
    case ConversationState::closed: return enqueue(c);
  }
}

void Engine::State::asked_anew(Conversation& c) {
  if (!c.answered) return;  // The original age stays.
  c.answered = false;
  c.overdue = false;
  c.waiting_since = now;
  const auto within = queues.at(c.queue)->answer_within;
  c.answer_due = within.count() > 0 ? now + within : Instant{};
}

}  // namespace usher::engine
