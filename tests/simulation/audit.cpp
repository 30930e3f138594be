// The nine rules of the architecture, checked from outside: on every frame, from time to time, after each crash, at the end.
#include <boost/json.hpp>

#include "routing/message/wire.hpp"
#include "tests/simulation/world.hpp"

namespace usher::simulation {
namespace {

std::string key_of(const engine::AgentFrame& frame) {
  return frame.session.text() + " " + std::to_string(frame.number) + " " + std::to_string(frame.frame.index());
}

}  // namespace

// What an agent sees is committed: the fold of the committed journal has sent this very frame (rules S1, A1).
void World::audit_frame(const engine::AgentFrame& frame) {
  follow();
  // A store that was harmed between the commit and now shows less than was committed.
  must(harmed_at_ || committed_frames_.contains(key_of(frame)), "a frame left before its step was committed");
}

void World::follow() {
  store_.fail_next_calls(0);
  journal_.fail_next_reads(0);
  const auto meta = store_.load_meta(0).value();
  if (!meta) return;
  const auto control = journal_.read(journal::Stream::control, 0, 0, 1'000'000).value();
  for (const auto& record : control)
    if (record.entry.type == "usher.control.skip.v1")
      skipped_.insert(static_cast<Offset>(boost::json::parse(record.entry.value).at("offset").as_int64()));
  while (followed_ < meta->position.offset) {
    const auto records = journal_.read(journal::Stream::inbound, 0, followed_ + 1, 64).value();
    must(!records.empty(), "the stored offset is beyond the journal");
    for (const auto& record : records)
      if (record.offset <= meta->position.offset) follow_one(record);
      else break;
  }
}

void World::follow_one(const journal::Stored& record) {
  auto decoded = decode_record(record.entry.type, record.entry.value);
  must(decoded.has_value(), "a record of ours cannot be read");
  if (skipped_.contains(record.offset)) decoded = Record{Unreadable{"it crashed the router"}};
  const auto* command = std::get_if<CommandIssued>(&*decoded);
  const bool returns = std::holds_alternative<Tick>(*decoded) ||
                       (command != nullptr && std::holds_alternative<Decline>(command->command));
  std::map<ConversationId, Instant> ages;
  if (returns)
    for (const auto& c : follower_.conversations(1'000'000))
      if (c.state == engine::ConversationState::offered) ages[c.id] = c.waiting_since;
  const auto step = follower_.apply({0, record.offset, record.appended_at, std::move(*decoded)});
  followed_ = record.offset;
  for (const auto& [id, age] : ages)
    if (const auto c = follower_.conversation(id)) must(c->waiting_since == age, "an offer that ended lost its place in the queue");
  for (const auto& frame : step.frames) committed_frames_.insert(key_of(frame));
  forgotten_.insert(step.bodies_gone.begin(), step.bodies_gone.end());
}

void World::audit_running() {
  for (auto& running : routers_) {
    if (!running.router->has_engine()) continue;
    const auto& engine = running.router->engine();
    if (const auto broken = engine.broken_rule()) throw Broken(*broken);
    must(running.router->status().phase != router::Phase::failed, "the router failed: " + running.router->status().reason);
  }
  // Rule 7: an owner epoch never goes back.
  store_.fail_next_calls(0);
  if (const auto meta = store_.load_meta(0); meta && *meta) {
    must(!whole() || (*meta)->position.epoch >= epoch_seen_, "the stored epoch went back");
    if (!harmed_at_) epoch_seen_ = (*meta)->position.epoch;
  }
  // The same effect id is the same effect, however often it was published (rules E1, E4).
  for (const auto stream : {journal::Stream::outbound, journal::Stream::events, journal::Stream::dead_letters}) {
    journal_.fail_next_reads(0);
    const auto records = journal_.read(stream, 0, 0, 1'000'000).value();
    for (const auto& record : records) {
      const auto [known, fresh] = effects_.emplace(std::string(journal::stream_name(stream)) + " " + record.entry.id, record.entry.value);
      must(fresh || known->second == record.entry.value, "two effects have one id: " + known->first);
    }
  }
}

bool World::whole() {
  if (!harmed_at_) return true;
  follow();
  store_.fail_next_calls(0);
  const auto meta = store_.load_meta(0).value();
  if (!meta || meta->position.offset < *harmed_at_ || meta->position.offset < followed_) return false;
  const auto loaded = store_.load(0);
  if (!loaded || loaded->entities != follower_.serialize()) return false;
  harmed_at_.reset();
  return true;
}

// Rule 6: tracked state equals the fold of the journal up to the offset stored with it, byte for byte.
void World::audit_state() {
  follow();
  if (!whole() || !store_.load_meta(0).value()) return;
  const auto loaded = store_.load(0).value();
  must(follower_.serialize() == loaded.entities, "the stored state is not the fold of the journal");
  must(follower_.state_hash() == loaded.meta.digest, "the stored digest is not that of the fold");
}

void World::audit_offers_end() {
  std::set<OfferId> offers;
  follow();
  for (const auto& c : follower_.conversations(1'000'000))
    if (c.offer) offers.insert(*c.offer);
  settle(Milliseconds{120'000});
  follow();
  for (const auto& c : follower_.conversations(1'000'000))
    must(!c.offer || !offers.contains(*c.offer), "an offer outlives its time");
}

// Rules 1, 4, 5, 9, and E3: after a calm in which everybody works.
void World::audit_end() {
  audit_running();
  store_.fail_next_calls(0);
  const auto stored = store_.load_meta(0).value();
  must(stored.has_value(), "the router never came to write: " + routers_.back().router->status().reason);
  const auto& meta = *stored;
  journal_.fail_next_reads(0);
  const auto end = journal_.bounds(journal::Stream::inbound, 0)->end;
  must(meta.position.offset + 300 >= end, "the router does not keep up with the journal");
  follow();
  const auto& engine = follower_;

  std::map<ConversationId, std::uint32_t> counted;
  for (const auto& sent : sent_) {
    if (!sent->acknowledged) continue;
    const auto body = store_.body(0, sent->message.id).value();
    if (!body && !skipped_.empty()) continue;  // Set aside after crashes that were not its fault: in the dead letters.
    if (!body) {  // Only a forgotten conversation's texts may be gone.
      must(!engine.conversation_of(sent->message.id).has_value(), "the text of an acknowledged message is lost");
      must(!forgotten_.empty(), "an acknowledged message is nowhere");
      continue;
    }
    const auto c = engine.conversation_of(sent->message.id);
    must(c.has_value(), "an acknowledged message is in no conversation");
    must(body->conversation == c->id, "a message stands in two conversations");
    ++counted[c->id];
  }
  for (const auto& c : engine.conversations(1'000'000)) {
    must(c.messages >= counted[c.id], "a conversation counts fewer messages than it was sent");
    const auto bodies = store_.bodies(0, c.id, 1'000'000, 1'000'000).value();
    std::uint32_t sequence = 0, customers = 0;
    for (const auto& body : bodies) {
      must(body.sequence == sequence++, "the bodies of a conversation have a gap");
      customers += body.id.high == 0xabc;
    }
    must(customers == c.messages, "a message was counted twice, or not at all");
    must(c.state != engine::ConversationState::waiting, "work waits while everybody is free: " + c.id.text());
    must(c.state == engine::ConversationState::closed, "work stays open while everybody works: " + c.id.text());
  }
  std::set<std::string> replies_out;
  const auto outbound = journal_.read(journal::Stream::outbound, 0, 0, 1'000'000).value();
  for (const auto& record : outbound)
    replies_out.insert(std::string(boost::json::parse(record.entry.value).at("reply").as_string()));
  const auto loaded = store_.load(0).value();
  for (const auto& entity : loaded.entities)
    if (entity.table == "reply") must(replies_out.contains(entity.key), "a reply never left");
}

}  // namespace usher::simulation
