// Router::Loop: the inside of a router. State of one partition on one thread; see router.hpp for the contract.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

#include "routing/router/arrival.hpp"
#include "routing/router/batch.hpp"
#include "routing/router/effect_json.hpp"
#include "routing/router/mailbox.hpp"
#include "routing/router/outbox_publisher.hpp"
#include "routing/router/poison_guard.hpp"
#include "routing/router/replica.hpp"
#include "routing/router/router.hpp"
#include "routing/router/snapshot.hpp"

namespace usher::router {

inline constexpr Milliseconds trim_outbox_after{200};  // When nothing else is to be committed.

// The router asks for a commit and keeps what must leave after it.
struct CommitInFlight {
  // It moves the position, so the position tells whether it was applied, and whether the one before it was.
  [[nodiscard]] bool tells() const { return rewrite || commit.before != commit.after.position; }

  state::Commit commit;               // Kept to compare with what is stored when the answer is lost (rule S1).
  std::optional<state::Rewrite> rewrite;  // Instead: the whole state anew; `commit` then only says where it will stand.
  std::vector<engine::AgentFrame> frames;
  std::vector<state::OutboxEntry> outbox;
  std::size_t dead_letters = 0;
  std::size_t bytes = 0;
};

struct Router::Loop : std::enable_shared_from_this<Router::Loop> {
  Loop(RouterOptions given, Router::Ports ports_given);

  Milliseconds pump();

  // router_load.cpp: which state to begin with.
  void load();
  [[nodiscard]] Result<void> load_stored(const state::Meta& meta);
  [[nodiscard]] Result<void> rebuild(const std::optional<state::Meta>& damaged, bool unreadable = false);
  [[nodiscard]] Result<void> start_from(engine::Engine restored, const state::Meta& meta, std::vector<state::OutboxEntry> outbox);
  [[nodiscard]] Result<bool> crosses_barrier(const engine::Engine& restored, Offset at) const;
  [[nodiscard]] Result<void> learn_what_is_out(Offset behind, Offset stored_at);
  bool note_out(journal::Stream stream, const journal::Stored& record, Offset behind, Offset stored_at);
  void forget_all();

  // router_claim.cpp: who may go on from there.
  [[nodiscard]] bool may_claim() const { return !options.may_claim || options.may_claim(); }
  Milliseconds stand_by();
  [[nodiscard]] bool take_over();
  bool scout();
  void heard_by_scout(const Claimed& claimed, Offset offset);
  void claim();
  void heard_claim(const Claimed& claim, Offset offset);
  [[nodiscard]] bool barrier_open();
  [[nodiscard]] bool begins_where_the_store_is();
  [[nodiscard]] bool joins_another_log() const;
  void note_incarnation();
  // Rule J2: what an operator may do about a log that is not the one of the state; the embedded form has but one.
  [[nodiscard]] std::string recover_hint() const { return options.snapshots ? "; `usherctl recover` can go on with this log" : ""; }
  [[nodiscard]] Error another_log(const Error& error) const {
    return error.fault == Fault::malformed ? message::fail(error.fault, error.detail + recover_hint()) : error;
  }
  void watch_gateways();
  void append_own(const Record& record, std::string id, std::function<void()> failed);

  // router_rewrite.cpp: a store that lost what it had.
  void store_damaged(const std::string& why);
  void take_back_refused();
  void submit_rewrite();
  [[nodiscard]] bool mending_texts() const { return !texts_missing.empty() || texts_sweep || texts_note != Noted::no; }
  [[nodiscard]] bool texts_noted();
  [[nodiscard]] Result<bool> texts_wanted(Offset position);
  void note_texts(const char* type, Offset offset, std::function<void(bool)> then);
  [[nodiscard]] Result<std::optional<std::string>> text_from_journal(const engine::ReplyWanted& wanted);
  void restore_texts();
  void erase_unknown_texts();
  [[nodiscard]] std::optional<state::Body> text_in(const journal::Stored& record, const engine::TextPlace& place) const;

  // router_texts.cpp: texts that the store does not give out as they were written.
  void restore_all_texts();
  static constexpr Milliseconds texts_look_first{50};  // After a load, when there is most to do.
  [[nodiscard]] bool may_look_at_texts() const;
  void look_at_texts();
  void look_soon_at(ConversationId conversation);
  [[nodiscard]] Result<std::vector<engine::TextPlace>> unreadable_texts(ConversationId conversation);
  [[nodiscard]] bool mend_text(state::Body body);
  [[nodiscard]] bool is_known_elsewhere(const state::Body& there, const state::Body& wanted) const;
  void lose_text(const engine::TextPlace& place);

  // router.cpp
  bool read_and_apply();
  void apply(journal::Stored record);
  void take_bodies(engine::Step& step, journal::Stored& record, const std::optional<Written>& written);
  void take_effects(engine::Step& step, const journal::Stored& record, const std::optional<Written>& written);
  void add_outbox(journal::Stream stream, std::string type, std::string value, Offset offset, std::uint32_t index);
  [[nodiscard]] bool may_apply() const;

  // Something that was applied is not in the journal after all.
  [[nodiscard]] bool early_lost() const;

  // router_commit.cpp: what was applied is stored, and only then seen.
  void submit();
  [[nodiscard]] bool trim_due() const;
  [[nodiscard]] bool may_follow() const;
  void send_commit(const CommitInFlight& flight);
  [[nodiscard]] std::size_t records_max() const;
  [[nodiscard]] bool troubled_now() const { return troubled && phase == Phase::routing && answer_lost; }
  void committed(const Result<state::CommitReceipt>& receipt);
  void settle_lost_answer();
  void leave(bool published);
  void tick();
  [[nodiscard]] Instant engine_clock() const;
  [[nodiscard]] Milliseconds until_due() const;
  void write_unwritten();
  [[nodiscard]] Result<std::optional<std::string>> text_of(const engine::ReplyWanted& wanted);
  void trouble(const Error& error);      // Try again after a backoff.
  void well() { troubled = false, backoff = {}; }
  void end(Phase last, std::string why);
  void load_anew(std::string why);
  void report();
  void tell_condition();
  void say_farewell();
  [[nodiscard]] bool said_farewell() const;

  const RouterOptions options;
  const Router::Ports ports;
  const std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  PoisonGuard guard;
  OutboxPublisher publisher;
  Replica replica;                 // While standing by.
  SnapshotWriter snapshots;        // At version barriers and at the end.
  engine::Engine engine;

  Phase phase = Phase::loading;
  std::string reason;
  bool stopping = false;
  bool troubled = false;           // Journal or store is unavailable; shown as paused.
  bool engine_good = false;        // `engine` shows a state.
  bool attached = false;           // Asked the journal to wake it.
  state::Position stored;          // Of the last commit known to have succeeded.
  std::uint64_t early_losses = 0;  // Of the journal, when this state was loaded.
  Offset next = 0;                 // Where to read on.
  Offset applied = offset_none;
  AppliedMark applied_mark;        // Of the record there.
  std::uint64_t generation = 0;    // Grows at each load: letters of an earlier life are ignored.
  bool claim_out = false;
  Offset scout_next = 0;           // The scout reads ahead for claims alone, so that the fold may commit as it goes.
  Offset scout_epoch = offset_none;
  Offset claimed_at = offset_none; // Our claim, once the scout has read it back as valid.
  bool rebuilt = false;            // Begun from a snapshot or the first record, not from the store.
  Offset folded_since = offset_none;  // From this claim on our version went on from the snapshot.
  bool foreign_version = false;    // An owner of another engine version stands between the start and our claim.
  bool caught_up = false;          // The last read found nothing more.
  std::deque<journal::Stored> read_ahead;
  Batch batch;
  // Replies tried again whose text could not be read yet; the batch waits for them.
  struct Unwritten {
    engine::ReplyWanted wanted;
    Offset offset;
    std::uint32_t index;
  };
  std::vector<Unwritten> unwritten;
  // Oldest first; each goes on from the one before it. Answers come in this order.
  std::deque<CommitInFlight> in_flight;
  std::size_t unanswered = 0;      // Of in_flight, the last so many.
  bool answer_lost = false;
  // The store is to be written anew over what stands there: at once after a rebuild; when its owner finds it damaged, once
  // the log was read to its end.
  struct RewriteWanted {
    std::optional<state::Position> before;
    bool at_once = false;
    bool over_damage = false;  // What stands there names no position.
  };
  std::optional<RewriteWanted> rewrite_wanted;
  std::vector<state::OutboxEntry> rewrite_outbox;  // Of the commit that was refused.
  std::deque<engine::TextPlace> texts_missing;     // To be written again, by offset.
  bool texts_are_damaged = false;                  // Those are: what stands there under their ids is replaced.
  std::vector<ConversationId> texts_look;          // Still to be looked at in this walk through what should be there.
  std::set<ConversationId> texts_soon;             // To be looked at before those.
  Milliseconds texts_look_at{}, texts_walk_at{};   // Monotonic: when that goes on; when the next walk begins.
  std::set<std::pair<ConversationId, std::uint32_t>> texts_lost;  // The journal no longer has them: not looked for again.
  std::optional<std::string> texts_sweep;          // Where the walk for texts that nobody knows goes on; none: it is over.
  enum class Noted { no, under_way, yes } texts_note = Noted::no;  // The control stream says that texts are missing.
  std::set<std::tuple<journal::Stream, Offset, std::uint32_t>> known_out;  // Effects of a rebuild that are out already.
  Offset stored_once = offset_none;  // A store that is damaged now stood here.
  Offset said_until = offset_none;  // Frames of a rebuild up to here were sent by those before.
  std::map<GatewayId, int> silent_gateways;        // Times in a row that each was not alive.
  Milliseconds gateways_looked{-1'000'000};
  std::optional<Milliseconds> stopping_since{};
  bool farewell = false;           // The last snapshot is under way or written.
  std::optional<Milliseconds> incarnation_noted{};
  bool tick_out = false;
  Milliseconds applied_steady{0};  // Monotonic time of the last record applied.
  Milliseconds not_before{0};      // Monotonic: nothing is tried before.
  Milliseconds tick_not_before{0};
  Milliseconds backoff{0};
  std::optional<Milliseconds> trouble_since{};  // Monotonic; until something was committed, or nothing need be.
  bool told_degraded = false;
  bool barrier = false;            // A snapshot is to be durable before the first commit (rule O3).
  bool barrier_writing = false;
  RouterStatus totals;
  Milliseconds lag_looked{-1'000'000};
};

}  // namespace usher::router
