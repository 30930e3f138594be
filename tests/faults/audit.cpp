// See audit.hpp.
#include "tests/faults/audit.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "routing/engine/conversation.hpp"
#include "routing/router/arrival.hpp"
#include "tests/faults/read_stream.hpp"

namespace usher::faults {
namespace {

constexpr Partition partition = audited_partition;

}  // namespace

Result<Findings> Audit::run() {
  const auto meta = store_.load_meta(partition);
  if (!meta) return meta.error();
  if (*meta) {
    auto loaded = store_.load(partition);
    if (!loaded) return loaded.error();
    stored_ = std::move(*loaded);
  }
  found_.position = stored_.meta.position;
  if (const auto read = effects_.read_streams(); !read) return read.error();
  if (const auto read = read_skipped(); !read) return read.error();
  if (const auto folded = fold(); !folded) return folded.error();
  if (!compared_) found_.differences.push_back("the journal ends before the stored offset");
  if (const auto broken = engine_.broken_rule()) found_.differences.push_back("the fold breaks a rule: " + *broken);
  if (const auto bodies = compare_bodies(); !bodies) return bodies.error();
  compare_effects();
  found_.assigned = holders_;
  return found_;
}

// Rule X1: what was once skipped is skipped by every later fold.
Result<void> Audit::read_skipped() {
  return read_stream(journal_, journal::Stream::control, [this](const journal::Stored& record) -> Result<void> {
    if (record.entry.type != "usher.control.skip.v1") return {};
    boost::system::error_code failed;
    const auto value = boost::json::parse(record.entry.value, failed);
    const auto* offset = failed || !value.is_object() ? nullptr : value.as_object().if_contains("offset");
    if (offset == nullptr || !offset->is_int64()) return fail(Fault::malformed, "a skip names no offset");
    skipped_.insert(offset->as_int64());
    return {};
  });
}

Result<void> Audit::fold() {
  // A store that was initialised and has applied nothing is compared with the engine that has seen nothing.
  if (stored_.meta.position.offset == offset_none) {
    if (const auto same = compare(); !same) return same.error();
  }
  return read_stream(journal_, journal::Stream::inbound, [this](const journal::Stored& record) -> Result<void> {
    if (const auto folded = fold_one(record); !folded) return folded.error();
    if (record.offset != stored_.meta.position.offset) return {};
    if (router::fingerprint(record.entry) != stored_.meta.fingerprint)
      found_.differences.push_back("another record stands at the stored offset");
    return compare();
  });
}

// As the router's own loop does it (routing/router/router.cpp).
Result<void> Audit::fold_one(const journal::Stored& record) {
  const auto epoch_before = engine_.epoch();
  const auto arrival = router::read_arrival(partition, record, skipped_.contains(record.offset));
  if (const auto* command = std::get_if<CommandIssued>(&arrival.record))
    found_.commands.emplace_back(command->agent, command->id);
  if (std::holds_alternative<Unreadable>(arrival.record)) ++found_.unreadable;
  const auto step = engine_.apply(arrival);
  ++found_.records;
  // Rule O1: the epoch is a claim's offset, so it only grows.
  if (engine_.epoch() < epoch_before) ++found_.stale_writes;
  follow_holders(step);
  keep_bodies(step, record);
  compare_sightings(record.offset);
  return effects_.expect_of(step, record, engine_.now());
}

// Rules S1 and O1: a router that was no longer the owner would have left another epoch, or another state, at some offset.
void Audit::compare_sightings(Offset at) {
  const auto [first, last] = sightings_.equal_range(at);
  for (auto seen = first; seen != last; ++seen) {
    ++found_.sightings;
    const auto& [epoch, digest] = seen->second;
    if (epoch != engine_.epoch()) ++found_.stale_writes;
    else if (digest != engine_.state_hash())
      found_.differences.push_back("the state seen at offset " + std::to_string(at) + " was not the fold's");
  }
}

// What contradicts was let out by somebody who had no right to. Where the fold itself is not what was stored, its effects
// say nothing more.
void Audit::compare_effects() {
  if (!found_.differences.empty()) return;
  found_.remarks = effects_.contradictions();
  found_.stale_writes += static_cast<std::int64_t>(found_.remarks.size());
  auto missing = effects_.missing(stored_);
  found_.effects_lost = static_cast<std::int64_t>(missing.size());
  std::move(missing.begin(), missing.end(), std::back_inserter(found_.remarks));
}

// Rule 2 of the architecture: between two holders the conversation was nobody's, or on offer.
void Audit::follow_holders(const engine::Step& step) {
  std::map<ConversationId, AgentId> told;
  for (const auto& frame : step.frames) {
    const auto* given = std::get_if<engine::AssignedFrame>(&frame.frame);
    if (given == nullptr) continue;
    const auto& id = given->conversation.id;
    const auto held = holders_.find(id);
    const bool others = held != holders_.end() && held->second != frame.agent;
    const auto [first, fresh] = told.emplace(id, frame.agent);
    if (others || (!fresh && first->second != frame.agent)) ++found_.assigned_twice;
    found_.assignments.emplace(id, frame.agent);
  }
  for (const auto& change : step.changes) {
    if (change.table != "conversation") continue;
    const auto id = ConversationId::parse(change.key);
    if (!id) continue;
    const auto now = change.value ? engine::conversation_from_text(change.key, *change.value) : Result<engine::Conversation>{};
    const bool assigned = change.value && now && now->state == engine::ConversationState::assigned;
    const auto held = holders_.find(*id);
    if (assigned && held != holders_.end() && held->second != now->agent) ++found_.assigned_twice;
    if (assigned) holders_[*id] = now->agent;
    else holders_.erase(*id);
  }
  // Who was told so is who holds it.
  for (const auto& [id, agent] : told)
    if (const auto held = holders_.find(id); held == holders_.end() || held->second != agent) ++found_.assigned_twice;
}

void Audit::keep_bodies(const engine::Step& step, const journal::Stored& record) {
  const bool stored = record.offset <= stored_.meta.position.offset;
  for (const auto& body : step.bodies) {
    const bool customers = body.kind == engine::BodyKind::from_customer;
    if (customers) found_.messages.push_back(body.id);
    if (stored) bodies_[body.id] = {body.conversation, customers ? record.entry.value : std::string()};
  }
  if (!stored) return;
  for (const auto& gone : step.bodies_gone)
    std::erase_if(bodies_, [&](const auto& one) { return one.second.conversation == gone; });
}

// Rule 6 of the architecture, at the one offset where it must hold.
Result<void> Audit::compare() {
  compared_ = true;
  const auto fold = engine_.serialize();
  const auto& stored = stored_.entities;
  if (stored_.meta.position.offset == offset_none && stored.empty()) return {};
  for (std::size_t at = 0; at < std::max(fold.size(), stored.size()); ++at) {
    if (at < fold.size() && at < stored.size() && fold[at] == stored[at]) continue;
    const auto& one = at < fold.size() ? fold[at] : stored[at];
    found_.differences.push_back("the stored entities differ from the fold at " + one.table + " " + one.key);
    break;
  }
  if (engine_.state_hash() != stored_.meta.digest) found_.differences.push_back("the stored digest is not the fold's");
  // A commit under another epoch than the log's own at that offset is one that should have been refused.
  if (engine_.epoch() != stored_.meta.position.epoch) ++found_.stale_writes;
  return {};
}

// Rule S5: the texts went in with the commit.
Result<void> Audit::compare_bodies() {
  for (const auto& [id, kept] : bodies_) {
    const auto body = store_.body(partition, id);
    if (!body) return body.error();
    if (!*body) found_.differences.push_back("the text of " + id.text() + " is not stored");
    else if ((*body)->conversation != kept.conversation || (!kept.json.empty() && (*body)->json != kept.json))
      found_.differences.push_back("the text of " + id.text() + " is not the journal's");
  }
  return {};
}

}  // namespace usher::faults
