// See conversation.hpp.
#include "routing/engine/conversation.hpp"

#include <algorithm>

#include "routing/engine/entity_text.hpp"
#include "routing/message/limits.hpp"

namespace usher::engine {
namespace {

// "NAME:NUMBER", split at the last colon: names may hold any byte.
bool split_number(const std::string& word, std::string& name, std::int64_t& number) {
  const auto colon = word.rfind(':');
  if (colon == std::string::npos) return false;
  name = word.substr(0, colon);
  const auto* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data() + colon + 1, end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

}  // namespace

bool Conversation::declined_by(const AgentId& who, Instant now) const {
  return std::any_of(declined.begin(), declined.end(),
                     [&](const Decliner& decliner) { return decliner.agent == who && decliner.until > now; });
}

void Conversation::remember_decline(const AgentId& who, Instant decline_until, Instant now) {
  std::erase_if(declined, [&](const Decliner& decliner) { return decliner.agent == who || decliner.until <= now; });
  if (declined.size() >= limits::declines_remembered) declined.erase(declined.begin());
  declined.push_back({who, decline_until});
}

void Conversation::remember_text(Offset offset) {
  if (texts.size() >= limits::texts_remembered) texts.erase(texts.begin());
  texts.push_back(offset);
}

std::vector<std::string> instants_to_words(const std::vector<Instant>& times) {
  std::vector<std::string> words;
  for (const auto at : times) words.push_back(std::to_string(unix_ms(at)));
  return words;
}

bool instants_from_words(const std::vector<std::string>& words, std::vector<Instant>& out) {
  for (const auto& word : words) {
    std::int64_t at = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), at);
    if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) return false;
    out.push_back(from_unix_ms(at));
  }
  return true;
}

std::vector<std::string> requirement_words(const std::vector<Requirement>& requirements) {
  std::vector<std::string> words;
  for (const auto& one : requirements) words.push_back(one.skill.text() + ":" + std::to_string(one.level_min));
  return words;
}

bool requirements_from_words(const std::vector<std::string>& words, std::vector<Requirement>& out) {
  for (const auto& word : words) {
    std::string name;
    std::int64_t level = 0;
    if (!split_number(word, name, level)) return false;
    out.push_back({SkillId{name}, static_cast<int>(level)});
  }
  return true;
}

std::string to_text(const Conversation& c) {
  std::vector<std::string> declined, anchors, texts;
  for (const auto& one : c.declined) declined.push_back(one.agent.text() + ":" + std::to_string(unix_ms(one.until)));
  for (const auto& one : c.anchors) anchors.push_back(Id128<void>{one.high, one.low}.text());
  for (const auto one : c.texts) texts.push_back(std::to_string(one));
  return EntityWriter{}
      .number("state", static_cast<int>(c.state))
      .text("connector", c.connector.text())
      .text("channel", c.channel)
      .text("queue", c.queue.text())
      .number("rule_urgency", c.rule_urgency ? static_cast<int>(*c.rule_urgency) + 1 : 0)
      .list("rule_requirements", requirement_words(c.rule_requirements))
      .text("agent", c.agent.text())
      .id("offer", c.offer)
      .text("preferred", c.preferred.text())
      .text("reserved", c.reserved.text())
      .instant("opened_at", c.opened_at)
      .instant("waiting_since", c.waiting_since)
      .instant("last_activity", c.last_activity)
      .instant("until", c.until)
      .instant("answer_due", c.answer_due)
      .number("answered", c.answered ? 1 : 0)
      .number("overdue", c.overdue ? 1 : 0)
      .number("sequence", c.sequence)
      .number("messages", c.messages)
      .number("offers", c.offers)
      .id("last_from_customer", c.last_from_customer)
      .number("machines_only", c.machines_only ? 1 : 0)
      .id("sender", Id128<void>{c.sender.high, c.sender.low})
      .list("woken", instants_to_words(c.woken))
      .instant("wake_at", c.wake_at)
      .number("flood", static_cast<int>(c.flood))
      .list("declined", declined)
      .list("anchors", anchors)
      .list("texts", texts)
      .take();
}

Result<Conversation> conversation_from_text(std::string_view key, std::string_view text) {
  const auto id = ConversationId::parse(key);
  EntityReader reader(text);
  Conversation c;
  c.id = id.value_or(ConversationId{});
  c.state = reader.choice("state", ConversationState::closed);
  c.connector = ConnectorId{reader.text("connector")};
  c.channel = reader.text("channel");
  c.queue = QueueId{reader.text("queue")};
  const auto urgency = reader.number("rule_urgency");
  if (urgency != 0) c.rule_urgency = static_cast<Urgency>(urgency - 1);
  bool lists_good = requirements_from_words(reader.list("rule_requirements"), c.rule_requirements);
  c.agent = AgentId{reader.text("agent")};
  c.offer = reader.id<OfferId>("offer");
  c.preferred = AgentId{reader.text("preferred")};
  c.reserved = AgentId{reader.text("reserved")};
  c.opened_at = reader.instant("opened_at");
  c.waiting_since = reader.instant("waiting_since");
  c.last_activity = reader.instant("last_activity");
  c.until = reader.instant("until");
  c.answer_due = reader.instant("answer_due");
  c.answered = reader.number("answered") != 0;
  c.overdue = reader.number("overdue") != 0;
  c.sequence = static_cast<std::uint32_t>(reader.number("sequence"));
  c.messages = static_cast<std::uint32_t>(reader.number("messages"));
  c.offers = static_cast<std::uint32_t>(reader.number("offers"));
  c.last_from_customer = reader.id<MessageId>("last_from_customer");
  c.machines_only = reader.number("machines_only") != 0;
  const auto sender = reader.id<Id128<void>>("sender");
  c.sender = {sender.high, sender.low};
  lists_good = instants_from_words(reader.list("woken"), c.woken) && lists_good;
  c.wake_at = reader.instant("wake_at");
  c.flood = reader.choice("flood", Flood::sender);
  for (const auto& word : reader.list("declined")) {
    std::string name;
    std::int64_t until = 0;
    lists_good = split_number(word, name, until) && lists_good;
    c.declined.push_back({AgentId{name}, from_unix_ms(until)});
  }
  for (const auto& word : reader.list("anchors")) {
    const auto anchor = Id128<void>::parse(word);
    lists_good = anchor.has_value() && lists_good;
    if (anchor) c.anchors.push_back({anchor->high, anchor->low});
  }
  for (const auto& word : reader.list("texts")) {
    Offset offset = offset_none;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), offset);
    lists_good = parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size() && lists_good;
    c.texts.push_back(offset);
  }
  lists_good = lists_good && c.texts.size() <= c.sequence;
  if (!id || !reader.good() || !lists_good || urgency < 0 || urgency > 4)
    return fail(Fault::malformed, "conversation " + std::string(key) + " cannot be read");
  return c;
}

}  // namespace usher::engine
