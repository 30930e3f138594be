// World: one seeded contact centre around the real router and engine. Memory adapters whose every completion is an event,
// a clock moved by hand, customers who repeat themselves, agents who vanish, and a nemesis that crashes the process between
// any two events, loses answers, steps the clock and starts a second router by mistake. One thread, no real time: a seed
// and a commit replay any failure.
//
// Even seeds are the embedded form: journal and state are one, and so are router and gateway. Odd seeds are the server
// form: the store keeps an outbox, may be wiped, damaged or brought back from an old copy; routers take turns by a lease that
// may lie, and change their version; gateways die; snapshots are made.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "routing/journal/memory_journal.hpp"
#include "routing/router/router.hpp"
#include "routing/router/snapshot_round.hpp"
#include "routing/state/memory_store.hpp"

namespace usher::simulation {

using namespace usher::message;

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void must(bool truth, const std::string& rule) {
  if (!truth) throw Broken(rule);
}

class FakeClock final : public Clock {
 public:
  [[nodiscard]] Instant wall() const override { return wall_; }
  [[nodiscard]] Milliseconds steady() const override { return steady_; }
  void pass(Milliseconds time) { wall_ += time, steady_ += time; }
  void step_wall(Milliseconds by) { wall_ += by; }

 private:
  Instant wall_ = from_unix_ms(1'790'000'000'000);
  Milliseconds steady_{1'000'000};
};

// What a customer knows: what was sent, and what was acknowledged.
struct Sent {
  Message message;
  bool acknowledged = false;
  int copies = 0;
};

// What an agent's client knows, from frames alone.
struct Client {
  AgentId id;
  bool connected = false;
  bool diligent = true;            // Else it never answers an offer.
  SessionId session;
  bool welcomed = false;
  std::uint64_t next_number = 0;
  Offset epoch = offset_none;      // Of the last welcome.
  Presence presence = Presence::offline;
  std::map<OfferId, ConversationId> offers;
  std::map<ConversationId, std::uint32_t> held;  // With the last sequence seen.
  std::set<ConversationId> wrapping;
  int commands = 0;
  std::map<CommandId, OfferId> accepting;
  std::vector<CommandIssued> said;  // For repeats.
};

class World final : public delivery::Delivery {
 public:
  explicit World(std::uint64_t seed);
  void run(int steps);  // Throws Broken.

  void send(const engine::AgentFrame& frame) override;
  void service(bool) override {}  // Changes nothing that agents do here.

 private:
  struct Running {
    std::unique_ptr<router::Router> router;
    bool asleep = false;  // A process that does not run for a while (and does not know).
  };

  // world.cpp
  [[nodiscard]] std::uint64_t pick(std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_); }
  [[nodiscard]] bool chance(int percent) { return pick(100) < static_cast<std::uint64_t>(percent); }
  void start_router();
  void step();
  void nemesis();
  void crash();
  void server_nemesis();
  void lose_store();
  void lose_gateway();
  void change_version();
  [[nodiscard]] bool may_claim(const std::string& name);
  void settle(Milliseconds time);
  void deliver_some();
  void pump_some();
  void append(Record record, std::function<void(bool)> done = {});
  [[nodiscard]] Policy make_policy();
  void activate_policy();

  // customers.cpp
  void customers_act();
  void robot_acts();
  [[nodiscard]] bool is_robots(MessageId id) const;
  void send_message(Sent& sent);

  // agents.cpp
  void agents_act();
  void connect(Client& client);
  void command(Client& client, Command what, std::optional<OfferId> accepting = {});
  void act_on_held(Client& client);
  void see(Client& client, const engine::AgentFrame& frame);
  void resync(Client& client);
  void everybody_works();

  // egress.cpp
  void egress_acts();

  // audit.cpp
  void audit_frame(const engine::AgentFrame& frame);
  void audit_running();
  [[nodiscard]] bool whole();  // The store has been written anew since it was harmed.
  void audit_state();       // State equals the fold of the journal.
  void audit_offers_end();  // No offer outlives its time.
  void audit_end();         // Everything acknowledged is where it belongs.
  void follow();            // The follower folds the journal up to the stored offset.
  void follow_one(const journal::Stored& record);

  std::mt19937_64 random_;
  FakeClock clock_;
  journal::MemoryJournal journal_;
  state::MemoryStore store_;
  std::vector<Running> routers_;  // The newest last.
  int routers_started_ = 0;
  std::map<AgentId, Client> clients_;
  std::vector<std::unique_ptr<Sent>> sent_;
  std::uint64_t next_message_ = 1;
  const bool robot_;               // A machine answers by mail, again and again, whatever it is told.
  std::optional<MessageId> robots_first_;
  std::uint32_t robots_sent_ = 0;
  int robots_last_ = 300;          // So many rounds it goes on in the calm.
  bool calm_ = false;
  std::optional<Policy> policy_;
  int policies_ = 0;
  Offset outbound_next_ = 0;
  std::map<std::string, std::string> effects_;    // By stream and id: the same id is the same effect.
  std::map<OfferId, AgentId> offered_to_;
  Offset epoch_seen_ = offset_none;
  // Folds the committed part of the journal beside the router, and remembers every frame that it may have sent.
  engine::Engine follower_;
  Offset followed_ = offset_none;
  std::set<std::string> committed_frames_;
  std::set<ConversationId> forgotten_;
  std::set<Offset> skipped_;
  int crashes_ = 0;

  // The server form.
  const bool server_;
  int version_ = engine::engine_version;
  std::string lease_holder_;
  Milliseconds lease_until_{0};
  bool lease_lies_ = false;       // Whoever asks may claim.
  GatewayId gateway_{"desk-1"};   // Where agents sign in now; earlier ones are dead.
  int gateways_ = 1;
  std::optional<Offset> harmed_at_;  // The store was harmed when so much was committed.
  std::unique_ptr<router::SnapshotRound> snapshots_;
};

}  // namespace usher::simulation
