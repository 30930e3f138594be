// Conversation: one customer's matter, and the work item that agents are offered. What the store keeps of it is exactly
// what to_text() writes; requirements and urgency are derived from policy and queue on load (rule S4).
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routing/engine/ledger.hpp"
#include "routing/engine/step.hpp"
#include "routing/message/result.hpp"

namespace usher::engine {

struct Decliner {
  AgentId agent;
  Instant until;
};

struct Conversation {
  ConversationId id;
  ConnectorId connector;
  std::string channel;
  QueueId queue;
  std::optional<Urgency> rule_urgency;    // Set by a rule or by automatic mail; else the queue's.
  std::vector<Requirement> rule_requirements;
  ConversationState state = ConversationState::waiting;
  AgentId agent;           // Offered to, held by, or wrapping up.
  OfferId offer;
  AgentId preferred;       // Held it last: asked first.
  AgentId reserved;        // Transferred to this agent alone, until `until`.
  Instant opened_at;
  Instant waiting_since;   // Since when the customer waits for an answer: kept over declines, time-outs, requeues.
  Instant last_activity;
  Instant until;           // Offer expiry, snooze end, wrap-up end, reservation end, end of the right to reopen; 0: none.
  Instant answer_due;      // 0: none.
  bool answered = false;   // An agent has replied since the customer last wrote.
  bool overdue = false;    // answer_due has passed and was reported.
  std::uint32_t sequence = 0;   // Bodies kept.
  std::uint32_t messages = 0;   // Of the customer.
  std::uint32_t offers = 0;     // Made so far: makes offer ids differ.
  MessageId last_from_customer;  // What a reply answers: not always the newest (answer_goes_to()).
  bool machines_only = false;    // No person has written in it.
  Hash128 sender;                // Whose mail it last was, by mail_sender_name(); 0: no mail's.
  std::vector<Instant> woken;    // When mail made it work again since an agent replied, within the last hour.
  Instant wake_at;               // It is to be work again then; 0: not.
  Flood flood = Flood::none;     // Since an agent last replied.
  std::vector<Decliner> declined;
  std::vector<Hash128> anchors;  // What later messages may name to join: message ids, channel thread keys.
  std::vector<Offset> texts;     // Of its newest bodies: the records that hold them. The last one's sequence is sequence - 1.

  // Derived.
  Urgency urgency = Urgency::normal;
  std::vector<Requirement> requirements;  // Sorted, unique by skill.
  std::set<MessageId> replies;            // Tracked replies of it.
  Instant timer;                          // When it stands in the timers; 0: not.
  Stored stored;

  [[nodiscard]] bool held() const {
    return state == ConversationState::offered || state == ConversationState::assigned || state == ConversationState::wrap_up;
  }
  // Mail that a cap put off makes it work again, by itself.
  [[nodiscard]] bool may_be_woken() const { return state == ConversationState::snoozed || state == ConversationState::closed; }
  [[nodiscard]] bool declined_by(const AgentId& who, Instant now) const;
  void remember_text(Offset offset);
  void remember_decline(const AgentId& who, Instant until, Instant now);
};

[[nodiscard]] std::string to_text(const Conversation& conversation);
[[nodiscard]] Result<Conversation> conversation_from_text(std::string_view key, std::string_view text);

[[nodiscard]] std::vector<std::string> instants_to_words(const std::vector<Instant>& times);
[[nodiscard]] bool instants_from_words(const std::vector<std::string>& words, std::vector<Instant>& out);
[[nodiscard]] std::vector<std::string> requirement_words(const std::vector<Requirement>& requirements);
[[nodiscard]] bool requirements_from_words(const std::vector<std::string>& words, std::vector<Requirement>& out);

}  // namespace usher::engine
