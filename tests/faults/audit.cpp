// See audit.hpp.
#include "tests/faults/audit.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "routing/engine/conversation.hpp"
#include "routing/message/wire.hpp"
#include "routing/router/batch.hpp"

namespace usher::faults {
namespace {

constexpr Partition partition = 0;
constexpr std::size_t records_at_once = 512;

// Calls `each` with every record of the stream, oldest first.
template <class Each>
Result<void> read_all(journal::Journal& journal, journal::Stream stream, const Each& each) {
  const auto bounds = journal.bounds(stream, partition);
  if (!bounds) return bounds.error();
  for (Offset from = bounds->first; from < bounds->end;) {
    const auto records = journal.read(stream, partition, from, records_at_once);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) {
      if (const Result<void> done = each(record); !done) return done.error();
    }
    from = records->back().offset + 1;
  }
  return {};
}

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
  if (const auto read = read_skipped(); !read) return read.error();
  if (const auto folded = fold(); !folded) return folded.error();
  if (!compared_) found_.differences.push_back("the journal ends before the stored offset");
  if (const auto broken = engine_.broken_rule()) found_.differences.push_back("the fold breaks a rule: " + *broken);
  if (const auto bodies = compare_bodies(); !bodies) return bodies.error();
  found_.assigned = holders_;
  return found_;
}

// Rule X1: what was once skipped is skipped by every later fold.
Result<void> Audit::read_skipped() {
  return read_all(journal_, journal::Stream::control, [this](const journal::Stored& record) -> Result<void> {
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
  return read_all(journal_, journal::Stream::inbound, [this](const journal::Stored& record) -> Result<void> {
    fold_one(record);
    if (record.offset != stored_.meta.position.offset) return {};
    if (router::fingerprint(record.entry) != stored_.meta.fingerprint)
      found_.differences.push_back("another record stands at the stored offset");
    return compare();
  });
}

// As the router's own loop does it (routing/router/router.cpp).
void Audit::fold_one(const journal::Stored& record) {
  const auto epoch_before = engine_.epoch();
  auto decoded = decode_record(record.entry.type, record.entry.value);
  Arrival arrival{partition, record.offset, record.appended_at, Unreadable{"it crashed the router"}};
  if (!skipped_.contains(record.offset))
    arrival.record = decoded ? std::move(*decoded) : Record{Unreadable{decoded.error().detail}};
  if (const auto* command = std::get_if<CommandIssued>(&arrival.record))
    found_.commands.emplace_back(command->agent, command->id);
  if (std::holds_alternative<Unreadable>(arrival.record)) ++found_.unreadable;
  const auto step = engine_.apply(arrival);
  ++found_.records;
  // Rule O1: the epoch is a claim's offset, so it only grows.
  if (engine_.epoch() < epoch_before) ++found_.stale_writes;
  follow_holders(step);
  keep_bodies(step, record);
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
