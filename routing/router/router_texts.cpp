// Texts that the store does not give out as they were written (rule S5): missing, changed, or listed at a wrong place. No commit
// runs into them and no digest covers them, so the owner looks through all that should be there, bit by bit: after each load, and
// again from time to time. What it misses is read from the journal like the texts of a lost store.
#include <algorithm>
#include <set>

#include "routing/router/router_loop.hpp"

namespace usher::router {
namespace {

constexpr Milliseconds texts_look_every{10 * 60'000};
// About a millisecond of looking, then whatever else waits; less often while there is work.
constexpr Milliseconds texts_look_pause{10};
constexpr Milliseconds texts_look_pause_at_work{100};
constexpr std::size_t texts_at_one_look = 16;
constexpr Milliseconds texts_look_again{5'000};  // When the store could not be asked.
constexpr std::size_t texts_soon_max = 1024;     // The rest is for the walk.
constexpr std::size_t texts_in_one_answer = 8;   // Each may be as large as a record.
constexpr std::size_t a_question_costs = 2;  // As much as two texts, whatever comes back.

}  // namespace

// Everything that the engine knows of, into a store that begins without texts.
void Router::Loop::restore_all_texts() {
  const auto texts = engine.texts();
  texts_missing.assign(texts.begin(), texts.end());
  texts_sweep.emplace();
  texts_are_damaged = false;
  texts_look.clear();
  texts_soon.clear();
  texts_look_at = texts_walk_at = {};
}

bool Router::Loop::may_look_at_texts() const {
  return phase == Phase::routing && applied >= claimed_at && !stopping && !troubled && !rewrite_wanted && !answer_lost &&
         texts_missing.empty() && !texts_sweep && ports.store.checks_texts();
}

void Router::Loop::look_at_texts() {
  const auto now = ports.clock.steady();
  if (!may_look_at_texts() || now < texts_look_at) return;
  const bool begins = texts_look.empty() && now >= texts_walk_at;
  if (begins) {
    texts_look = engine.conversation_ids();
    std::erase_if(texts_lost, [this](const auto& lost) { return !engine.conversation(lost.first); });
  }
  const bool walks = begins || !texts_look.empty();
  std::vector<engine::TextPlace> missing;
  const bool at_work = !caught_up || !batch.empty() || !in_flight.empty();
  auto pause = at_work ? texts_look_pause_at_work : texts_look_pause;
  for (std::size_t looked = 0; !(texts_soon.empty() && texts_look.empty()) && looked < texts_at_one_look;) {
    const auto conversation = texts_soon.empty() ? texts_look.back() : *texts_soon.begin();
    if (texts_soon.erase(conversation) == 0) texts_look.pop_back();
    looked += a_question_costs + engine.texts(conversation).size();
    const auto found = unreadable_texts(conversation);
    // No trouble of the router's, which commits meanwhile: that one has its turn in the next walk.
    if (!found) {
      pause = texts_look_again;
      break;
    }
    missing.insert(missing.end(), found->begin(), found->end());
  }
  if (walks && texts_look.empty()) texts_walk_at = ports.clock.steady() + texts_look_every;
  texts_look_at = texts_soon.empty() && texts_look.empty() ? texts_walk_at : ports.clock.steady() + pause;
  std::sort(missing.begin(), missing.end());
  texts_missing.assign(missing.begin(), missing.end());
  texts_are_damaged = !missing.empty();
}

// A reply that is tried again may wait for the text that it answers.
void Router::Loop::look_soon_at(ConversationId conversation) {
  if (!ports.store.checks_texts() || texts_soon.size() >= texts_soon_max) return;
  texts_soon.insert(conversation);
  texts_look_at = std::min(texts_look_at, ports.clock.steady() + texts_look_pause_at_work);
}

// Of what is committed; the rest is on its way.
Result<std::vector<engine::TextPlace>> Router::Loop::unreadable_texts(ConversationId conversation) {
  auto places = engine.texts(conversation);
  std::erase_if(places, [this](const engine::TextPlace& place) {
    return place.offset > stored.offset || texts_lost.contains({place.conversation, place.sequence});
  });
  if (places.empty()) return places;
  std::set<std::uint32_t> there;
  const auto first = places.front().sequence;
  for (auto before = places.back().sequence + 1; before > first; before -= std::min<std::uint32_t>(before, texts_in_one_answer)) {
    const auto read = ports.store.bodies(options.partition, conversation, before, std::min<std::size_t>(before - first, texts_in_one_answer));
    // A list of texts that is none holds none.
    if (!read && read.error().fault == Fault::malformed) return places;
    if (!read) return read.error();
    for (const auto& body : *read) there.insert(body.sequence);
  }
  std::erase_if(places, [&](const engine::TextPlace& place) { return there.contains(place.sequence); });
  return places;
}

bool Router::Loop::is_known_elsewhere(const state::Body& there, const state::Body& wanted) const {
  if (there.conversation != wanted.conversation) return true;
  const auto places = engine.texts(there.conversation);
  return there.sequence != wanted.sequence &&
         std::any_of(places.begin(), places.end(), [&](const engine::TextPlace& place) { return place.sequence == there.sequence; });
}

// Written once, so one that is damaged has to be replaced by name. False: the store cannot be asked now.
bool Router::Loop::mend_text(state::Body body) {
  const auto there = ports.store.body(options.partition, body.id);
  if (!there) return trouble(there.error()), false;
  // Taken for new again after its window, a message stands where it stood first.
  if (*there && is_known_elsewhere(**there, body)) return texts_lost.insert({body.conversation, body.sequence}), true;
  body.replaces = !*there || (*there)->sequence != body.sequence;
  ++totals.texts_mended;
  batch.add_body(std::move(body));
  return true;
}

void Router::Loop::lose_text(const engine::TextPlace& place) {
  if (texts_lost.insert({place.conversation, place.sequence}).second) ++totals.texts_lost;
}

}  // namespace usher::router
