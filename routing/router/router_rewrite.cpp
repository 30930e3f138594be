// A store that lost what it had (rule S2): flushed or damaged under a live owner. The owner
// reads the log to its end, to be sure that it still is one, and writes everything anew from memory. Texts, which no engine
// keeps, are read from the journal again and follow bit by bit.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <iterator>

#include "routing/message/wire.hpp"
#include "routing/router/router_loop.hpp"

namespace usher::router {
namespace {

constexpr std::size_t texts_at_once = 64;
constexpr std::size_t swept_at_once = 512;
constexpr const char* texts_lost_type = "usher.control.texts_lost.v1";
constexpr const char* texts_back_type = "usher.control.texts_back.v1";

// What an agent's record says, as the router writes it when the record is new.
std::optional<Written> written_by(const CommandIssued& record, const engine::Engine& engine, const engine::TextPlace& place,
                                  Instant at) {
  Written written;
  if (const auto* reply = std::get_if<Reply>(&record.command)) {
    written.text = reply->text;
    written.attachments = reply->attachments;
  } else if (const auto* note = std::get_if<Note>(&record.command)) {
    written.text = note->text;
  } else if (const auto* transfer = std::get_if<Transfer>(&record.command)) {
    written.text = transfer->note;
  } else {
    return std::nullopt;
  }
  written.note = !std::holds_alternative<Reply>(record.command);
  const auto kind = written.note ? engine::BodyKind::note : engine::BodyKind::reply;
  written.id = engine::text_id(kind, place.conversation, record.agent, record.id, place.offset);
  written.conversation = place.conversation;
  written.author = record.agent;
  written.author_name = engine.display_name(record.agent);
  written.written_at = at;
  return written;
}

// Where the store stood when a note about texts was made.
Offset noted_offset(const std::string& value) {
  boost::system::error_code error;
  const auto parsed = boost::json::parse(value, error);
  const auto* offset = error || !parsed.is_object() ? nullptr : parsed.get_object().if_contains("offset");
  return offset != nullptr && offset->is_int64() ? offset->get_int64() : offset_none;
}

}  // namespace

void Router::Loop::store_damaged(const std::string& why) {
  const auto meta = ports.store.load_meta(options.partition);
  const bool unreadable = !meta && meta.error().fault == Fault::malformed;
  if (!meta && !unreadable) {  // Not known yet what stands there: asked again, as after a lost answer.
    answer_lost = true;
    return trouble(meta.error());
  }
  const auto there = meta && *meta ? std::optional((*meta)->position) : std::nullopt;
  // A newer position is another router's, and the log will say whose.
  if (there && (there->offset > stored.offset || there->epoch > stored.epoch)) return load_anew("another router has written");
  // An old copy was put back: whole in itself, so everything since is folded onto it once more.
  if (there && there->offset < stored.offset) return load_anew("an old copy of the state was put back");
  // Nothing of the refused commit is lost: its changes are in the engine.
  answer_lost = false;
  if (!in_flight.empty()) take_back_refused();
  ++generation;  // No answer to the refused commit counts any more.
  if (texts_note == Noted::under_way) texts_note = Noted::no;
  tick_out = false;
  caught_up = false;
  rewrite_wanted = RewriteWanted{there, false, unreadable};
  trouble(message::fail(Fault::unavailable, "the state store lost what it had (" + why + "); it is being written anew"));
}

// The refused commit and those that were to go on from it, with what was applied since: one batch again.
void Router::Loop::take_back_refused() {
  auto fresh = std::move(batch);
  batch = {};
  batch.dead_letters = fresh.dead_letters;
  const auto add = [](auto& to, auto& from) { std::move(from.begin(), from.end(), std::back_inserter(to)); };
  for (auto& flight : in_flight) {
    add(batch.bodies, flight.commit.bodies);
    add(batch.bodies_gone, flight.commit.bodies_gone);
    batch.add_frames(std::move(flight.frames));
    add(rewrite_outbox, flight.outbox);
    batch.dead_letters += flight.dead_letters;
  }
  batch.records = 1;
  add(batch.bodies, fresh.bodies);
  add(batch.bodies_gone, fresh.bodies_gone);
  batch.add_frames(std::move(fresh.frames));
  add(batch.outbox, fresh.outbox);
  in_flight.clear();
  unanswered = 0;
}

// Before the store looks whole again, it is noted durably that it is not: whoever comes next goes on with the texts.
bool Router::Loop::texts_noted() {
  if (texts_note == Noted::yes) return true;
  if (texts_note == Noted::under_way) return false;
  texts_note = Noted::under_way;
  note_texts(texts_lost_type, applied, [this](bool taken) { texts_note = taken ? Noted::yes : Noted::no; });
  return false;
}

// An old copy may also be from while texts were missing: they are back since, but not in it.
Result<bool> Router::Loop::texts_wanted(Offset position) {
  bool missing = false, wanted = false;
  Offset since = offset_none;
  const auto bounds = ports.journal.bounds(journal::Stream::control, options.partition);
  if (!bounds) return bounds.error();
  for (Offset at = bounds->first; at < bounds->end;) {
    const auto records = ports.journal.read(journal::Stream::control, options.partition, at, 1024);
    if (!records) return records.error();
    if (records->empty()) break;
    for (const auto& record : *records) {
      const auto at_that_time = [&] { return noted_offset(record.entry.value); };
      if (record.entry.type == texts_lost_type && !std::exchange(missing, true)) since = at_that_time();
      if (record.entry.type == texts_back_type && std::exchange(missing, false))
        wanted |= since <= position && position <= at_that_time();
    }
    at = records->back().offset + 1;
  }
  return missing || wanted;
}

void Router::Loop::note_texts(const char* type, Offset offset, std::function<void(bool)> then) {
  ports.journal.append(journal::Stream::control, options.partition, {options.id.text(), type, "{\"offset\":" + std::to_string(offset) + "}"},
                       [weak = weak_from_this(), letters = mailbox, mine = generation, then = std::move(then)](
                           const Result<journal::Appended>& done) {
                         letters->post([weak, mine, then, taken = done.has_value()] {
                           const auto loop = weak.lock();
                           if (loop && loop->generation == mine) then(taken);
                         });
                       });
}

void Router::Loop::submit_rewrite() {
  if (!texts_noted()) return;
  CommitInFlight flight;
  auto& commit = flight.commit;
  commit.partition = options.partition;
  commit.after = {{engine.epoch(), applied}, applied_mark.value(), engine.state_hash()};
  flight.outbox = std::exchange(rewrite_outbox, {});
  std::move(batch.outbox.begin(), batch.outbox.end(), std::back_inserter(flight.outbox));
  commit.outbox = flight.outbox;  // Also says that there is something which may be out.
  state::Rewrite rewrite;
  rewrite.partition = options.partition;
  rewrite.early_losses = early_losses;
  rewrite.before = rewrite_wanted->before;
  rewrite.over_damage = rewrite_wanted->over_damage;
  rewrite.after = commit.after;
  rewrite.entities = engine.serialize();
  rewrite.bodies = std::move(batch.bodies);
  rewrite.outbox = publisher.unpublished();
  rewrite.outbox.insert(rewrite.outbox.end(), flight.outbox.begin(), flight.outbox.end());
  flight.rewrite = std::move(rewrite);
  flight.frames = std::move(batch.frames);
  flight.dead_letters = batch.dead_letters;
  auto gone = std::move(batch.bodies_gone);
  batch = {};
  batch.bodies_gone = std::move(gone);
  rewrite_wanted.reset();
  in_flight.push_back(std::move(flight));
  ++unanswered;
  send_commit(in_flight.back());
}

// A little in each round, with the commits that go out anyway or in small ones of their own.
void Router::Loop::restore_texts() {
  if (stopping || troubled || !in_flight.empty() || rewrite_wanted) return;
  if (texts_missing.empty() && texts_sweep) return erase_unknown_texts();
  if (texts_missing.empty() && texts_note == Noted::yes && batch.empty()) {  // The last of them are committed.
    texts_note = Noted::under_way;
    note_texts(texts_back_type, stored.offset, [this](bool taken) { texts_note = taken ? Noted::no : Noted::yes; });
  }
  if (texts_missing.empty() || batch.full(records_max())) return;
  const auto first = texts_missing.front().offset;
  const auto records = ports.journal.read(journal::Stream::inbound, options.partition, first, texts_at_once);
  if (!records) {
    if (records.error().fault == Fault::unavailable) return trouble(records.error());
    const auto bounds = ports.journal.bounds(journal::Stream::inbound, options.partition);
    if (!bounds) return trouble(bounds.error());
    for (; !texts_missing.empty() && texts_missing.front().offset < bounds->first; texts_missing.pop_front())
      lose_text(texts_missing.front());
    return;
  }
  const auto last = records->empty() ? first : records->back().offset;
  auto record = records->begin();
  for (; !texts_missing.empty() && texts_missing.front().offset <= last; texts_missing.pop_front()) {
    const auto& place = texts_missing.front();
    if (!engine.conversation(place.conversation)) continue;  // Forgotten meanwhile, and its texts with it.
    while (record != records->end() && record->offset < place.offset) ++record;
    if (record == records->end() || record->offset != place.offset) {
      lose_text(place);
      continue;
    }
    auto body = text_in(*record, place);
    if (body && !texts_are_damaged) batch.add_body(std::move(*body));
    else if (body && !mend_text(std::move(*body))) return;
  }
}

// What was forgotten while the store was an older one has left its texts there: the fold that would have erased them went
// on elsewhere. Ordinary commits erase them, so a router that is no owner any more erases nothing.
void Router::Loop::erase_unknown_texts() {
  // What earlier owners stored, this one has to know before it may call anything unknown: they stopped at its claim.
  if (batch.full(records_max()) || applied < std::max(claimed_at, stored_once)) return;
  auto page = ports.store.texts_held(options.partition, *texts_sweep, swept_at_once);
  if (!page) return trouble(page.error());
  std::copy_if(page->conversations.begin(), page->conversations.end(), std::back_inserter(batch.bodies_gone),
               [this](ConversationId each) { return !engine.conversation(each); });
  if (page->next.empty()) texts_sweep.reset();
  else texts_sweep = std::move(page->next);
}

Result<std::optional<std::string>> Router::Loop::text_from_journal(const engine::ReplyWanted& wanted) {
  for (const auto& place : engine.texts(wanted.conversation)) {
    const auto records = ports.journal.read(journal::Stream::inbound, options.partition, place.offset, 1);
    if (!records && records.error().fault == Fault::not_found) continue;  // Erased by retention.
    if (!records) return records.error();
    if (records->empty() || records->front().offset != place.offset) continue;
    const auto decoded = decode_record(records->front().entry.type, records->front().entry.value);
    const auto* command = decoded ? std::get_if<CommandIssued>(&*decoded) : nullptr;
    const auto written = command != nullptr ? written_by(*command, engine, place, records->front().appended_at) : std::nullopt;
    if (written && written->id == wanted.reply) return std::optional(body_json(*written));
  }
  return std::optional<std::string>();
}

std::optional<state::Body> Router::Loop::text_in(const journal::Stored& record, const engine::TextPlace& place) const {
  const auto decoded = decode_record(record.entry.type, record.entry.value);
  if (!decoded) return std::nullopt;
  if (const auto* message = std::get_if<MessageReceived>(&*decoded))
    return state::Body{place.conversation, place.sequence, message->message.id, record.entry.value, record.offset};
  const auto* command = std::get_if<CommandIssued>(&*decoded);
  const auto written = command != nullptr ? written_by(*command, engine, place, record.appended_at) : std::nullopt;
  if (!written) return std::nullopt;
  return state::Body{place.conversation, place.sequence, written->id, body_json(*written)};
}

}  // namespace usher::router
