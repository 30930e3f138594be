// Caps on what mail may ask for: what keeps two machines that answer each other, or one that writes without an end, from
// calling agents all day. Nothing is refused and nothing is lost: beyond a cap a mail calls later, or stands last.
//
// A person who writes many mails is served as before: mails to a conversation that waits, or that somebody has, call nobody
// anyway, and an agent's reply sets both counts back.
#include <algorithm>

#include "routing/engine/engine_state.hpp"
#include "routing/engine/entity_text.hpp"

namespace usher::engine {
namespace {

// Room for one more within the window that ends now; if so, `now` is in it.
bool take_place(std::vector<Instant>& times, Instant now) {
  std::erase_if(times, [&](Instant at) { return at + limits::mails_calling_within <= now; });
  if (times.size() >= limits::mails_calling_max) return false;
  times.push_back(now);
  return true;
}

}  // namespace

// By hash: who wrote is nobody's business here (rule X6).
Hash128 mail_sender_name(const std::string& address) {
  const auto id = derived_id<Id128<void>>("sender", address, 0, 0);
  return {id.high, id.low};
}

void Engine::State::sender_wrote(Conversation& c, Hash128 sender, bool opened) {
  c.sender = sender;
  if (!opened) return;
  if (!senders.contains(sender) && senders.size() >= limits::mail_senders_counted_max) return;
  auto& known = senders[sender];
  dirty_senders.insert(sender);
  if (take_place(known.opened, now)) return;
  // It waits, behind whatever people ask for, as machines' mail does that says what it is.
  c.flood = Flood::sender;
  derive(c);
}

// Requires: the conversation is not waiting, and nobody has it. False: it is woken later, by itself.
bool Engine::State::may_wake(Conversation& c) {
  if (take_place(c.woken, now)) return true;
  if (c.wake_at != Instant{}) return false;
  c.wake_at = c.woken.front() + Milliseconds(limits::mails_calling_within);
  c.flood = Flood::conversation;
  derive(c);
  happened("usher.work.flooded.v1", c, "mail made it work again many times within an hour, and nobody answered");
  return false;
}

void Engine::State::wake(Conversation& c) {
  c.wake_at = {};
  (void)take_place(c.woken, now);
  enqueue(c);
}

void Engine::State::agent_answered(Conversation& c) {
  c.woken.clear();
  c.wake_at = {};
  c.flood = Flood::none;
  derive(c);
  const auto known = senders.find(c.sender);
  if (known == senders.end()) return;
  known->second.opened.clear();
  dirty_senders.insert(c.sender);
}

// Whose newest is out of the window counts no more.
void Engine::State::forget_sender(Hash128 sender) {
  senders.at(sender).opened.clear();
  write_sender(sender);
}

void Engine::State::write_sender(Hash128 name) {
  auto& sender = senders.at(name);
  const auto key = Id128<void>{name.high, name.low}.text();
  if (sender.opened.empty()) {
    move_timer(sender.timer, {}, TimerKind::sender, name, {});
    ledger.erase(sender.stored, "sender", key);
    senders.erase(name);
    return;
  }
  move_timer(sender.timer, sender.opened.back() + Milliseconds(limits::mails_calling_within), TimerKind::sender, name, {});
  ledger.put(sender.stored, "sender", key, to_text(sender));
}

std::string to_text(const MailSender& sender) { return EntityWriter{}.list("opened", instants_to_words(sender.opened)).take(); }

Result<MailSender> sender_from_text(std::string_view key, std::string_view text) {
  EntityReader reader(text);
  MailSender sender;
  const bool good = instants_from_words(reader.list("opened"), sender.opened) && reader.good();
  if (!Id128<void>::parse(key) || !good || sender.opened.empty()) return fail(Fault::malformed, "sender " + std::string(key) + " cannot be read");
  return sender;
}

}  // namespace usher::engine
