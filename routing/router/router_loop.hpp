// Router::Loop: the inside of a router. State of one partition on one thread; see router.hpp for the contract.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "routing/router/batch.hpp"
#include "routing/router/effect_json.hpp"
#include "routing/router/mailbox.hpp"
#include "routing/router/outbox_publisher.hpp"
#include "routing/router/poison_guard.hpp"
#include "routing/router/router.hpp"

namespace usher::router {

// The router asks for a commit and keeps what must leave after it.
struct CommitInFlight {
  state::Commit commit;               // Kept to compare with what is stored when the answer is lost (rule S1).
  std::vector<engine::AgentFrame> frames;
  std::vector<state::OutboxEntry> outbox;
};

struct Router::Loop : std::enable_shared_from_this<Router::Loop> {
  Loop(RouterOptions given, Router::Ports ports_given);

  Milliseconds pump();

  // router_load.cpp
  void load();
  [[nodiscard]] Result<state::Loaded> load_or_initialise();
  [[nodiscard]] Result<void> same_journal(const state::Meta& meta);
  void claim();
  [[nodiscard]] static Error fail_load(std::string why);

  // router.cpp
  bool read_and_apply();
  void apply(journal::Stored record);
  void take_bodies(engine::Step& step, journal::Stored& record, const std::optional<Written>& written);
  void take_effects(engine::Step& step, const journal::Stored& record, const std::optional<Written>& written);
  void add_outbox(journal::Stream stream, std::string type, std::string value, Offset offset, std::uint32_t index);
  void heard_claim(const Claimed& claim, Offset offset);
  void submit();
  void send_commit();
  [[nodiscard]] std::size_t records_max() const;
  [[nodiscard]] bool troubled_now() const { return troubled && phase == Phase::routing && answer_lost; }
  void committed(const Result<state::CommitReceipt>& receipt);
  void settle_lost_answer();
  void leave(bool published);
  void tick();
  [[nodiscard]] Instant engine_clock() const;
  [[nodiscard]] Milliseconds until_due() const;
  void write_unwritten();
  void trouble(const Error& error);      // Try again after a backoff.
  void well() { troubled = false, backoff = {}; }
  void end(Phase last, std::string why);
  void load_anew(std::string why);
  void report();
  void tell_condition();

  const RouterOptions options;
  const Router::Ports ports;
  const std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
  PoisonGuard guard;
  OutboxPublisher publisher;
  engine::Engine engine;

  Phase phase = Phase::loading;
  std::string reason;
  bool stopping = false;
  bool troubled = false;           // Journal or store is unavailable; shown as paused.
  bool engine_good = false;        // `engine` shows a state.
  bool attached = false;           // Asked the journal to wake it.
  state::Position stored;          // Of the last commit known to have succeeded.
  Offset next = 0;                 // Where to read on.
  Offset applied = offset_none;
  std::uint64_t generation = 0;    // Grows at each load: letters of an earlier life are ignored.
  bool claim_out = false;
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
  std::optional<CommitInFlight> in_flight;
  bool answer_lost = false;
  bool tick_out = false;
  Milliseconds applied_steady{0};  // Monotonic time of the last record applied.
  Milliseconds not_before{0};      // Monotonic: nothing is tried before.
  Milliseconds tick_not_before{0};
  Milliseconds backoff{0};
  std::optional<Milliseconds> trouble_since{};  // Monotonic; until something was committed, or nothing need be.
  bool told_degraded = false;
  RouterStatus totals;
  Milliseconds lag_looked{-1'000'000};
};

}  // namespace usher::router
